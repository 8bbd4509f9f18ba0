"""What llmdash's rules have recorded, asked in PromQL by the names of generated/rules.

Recorded series cost the same for twenty servers and for two thousand, and are over five minutes.
"""

from __future__ import annotations

from llmstack.top.figures import Figure
from llmstack.top.promql import marked, quantile

#: What recorded rates are over.
WINDOW = "5m"
#: What a recorded series is told apart by.
BY = "source, role, model"

_ROLES = '{role=~"engine|gateway"}'
_FIRST_TOKEN = "time_to_first_token_seconds"
_BETWEEN_TOKENS = "inter_token_latency_seconds"
#: For servers that tell no time between tokens.
_PER_TOKEN = "time_per_output_token_seconds"
_END_TO_END = "end_to_end_latency_seconds"

POWER = "sum(llm:gpu_power_watts:sum)"
GPUS = "sum(llm:gpu_power_watts:count)"


def question() -> str:
    """Return the expression that answers all figures of all recorded sources."""
    between = f"{_quantile(_BETWEEN_TOKENS)} or {_quantile(_PER_TOKEN)}"
    mean = f"{_sum(_rate(f'{_END_TO_END}_sum'))} / {_sum(_rate(f'{_END_TO_END}_count'))}"
    return marked(
        (
            (Figure.TTFT, _quantile(_FIRST_TOKEN)),
            (Figure.TPOT, between),
            (Figure.E2E, _quantile(_END_TO_END)),
            (Figure.E2E_MEAN, mean),
            (Figure.TOKENS, _sum(_rate("generation_tokens"))),
            (Figure.RUNNING, _sum(f"llm:requests_running:sum{_ROLES}")),
            (Figure.WAITING, _sum(f"llm:requests_waiting:sum{_ROLES}")),
            (Figure.KV_CACHE, f"max by ({BY}) (llm:kv_cache_use_ratio:max{_ROLES})"),
        )
    )


def _rate(name: str) -> str:
    return f"llm:{name}:rate{WINDOW}{_ROLES}"


def _sum(expression: str) -> str:
    return f"sum by ({BY}) ({expression})"


def _quantile(name: str) -> str:
    return quantile(_rate(f"{name}_bucket"), BY)
