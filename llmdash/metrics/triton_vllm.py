"""What Triton's vLLM backend exposes: a few of vLLM's names, with Triton's labels and old edges.

Versions are Triton's releases. Nothing appears where the model sets disable_log_stats.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Histogram, Needs, Versions, all_metrics, labels
from llmdash.metrics.vllm_shared import (
    FIRST_TOKEN_EDGES_TO_0_8_3,
    REQUEST_LATENCY_EDGES_TO_0_6_3,
    REQUEST_PARAMETER_EDGES,
    TOKEN_COUNT_EDGES,
    TOKEN_LATENCY_EDGES_TO_0_8_3,
)
from llmdash.promql.units import COUNT, REQUESTS, SECONDS, TOKENS

MODEL = labels("model", "version")

# Tokens

PROMPT_TOKENS_TOTAL = Counter(
    name="vllm:prompt_tokens_total",
    unit=TOKENS,
    labels=MODEL,
    versions=Versions("24.08"),
    needs=(Needs.CUSTOM_METRICS,),
)

GENERATION_TOKENS_TOTAL = Counter(
    name="vllm:generation_tokens_total",
    unit=TOKENS,
    labels=MODEL,
    versions=Versions("24.08"),
    needs=(Needs.CUSTOM_METRICS,),
)


# Latency, with the edges that vLLM had when the backend copied them

TIME_TO_FIRST_TOKEN_SECONDS = Histogram(
    name="vllm:time_to_first_token_seconds",
    unit=SECONDS,
    labels=MODEL,
    edges=FIRST_TOKEN_EDGES_TO_0_8_3,
    counts=REQUESTS,
    versions=Versions("24.08"),
    needs=(Needs.CUSTOM_METRICS,),
    note="Ends at 10 s.",
)

TIME_PER_OUTPUT_TOKEN_SECONDS = Histogram(
    name="vllm:time_per_output_token_seconds",
    unit=SECONDS,
    labels=MODEL,
    edges=TOKEN_LATENCY_EDGES_TO_0_8_3,
    versions=Versions("24.08"),
    needs=(Needs.CUSTOM_METRICS,),
    note="Filled with latencies between tokens; ends at 2.5 s. The engine renamed its own.",
)

E2E_REQUEST_LATENCY_SECONDS = Histogram(
    name="vllm:e2e_request_latency_seconds",
    unit=SECONDS,
    labels=MODEL,
    edges=REQUEST_LATENCY_EDGES_TO_0_6_3,
    counts=REQUESTS,
    versions=Versions("24.09"),
    needs=(Needs.CUSTOM_METRICS,),
    note="No edge below 1 s.",
)


# Sizes of requests

REQUEST_PROMPT_TOKENS = Histogram(
    name="vllm:request_prompt_tokens",
    unit=TOKENS,
    labels=MODEL,
    edges=TOKEN_COUNT_EDGES,
    edges_vary_by=frozenset({"model"}),
    counts=REQUESTS,
    versions=Versions("24.09"),
    needs=(Needs.CUSTOM_METRICS,),
)

REQUEST_GENERATION_TOKENS = Histogram(
    name="vllm:request_generation_tokens",
    unit=TOKENS,
    labels=MODEL,
    edges=TOKEN_COUNT_EDGES,
    edges_vary_by=frozenset({"model"}),
    counts=REQUESTS,
    versions=Versions("24.09"),
    needs=(Needs.CUSTOM_METRICS,),
)

REQUEST_PARAMS_N = Histogram(
    name="vllm:request_params_n",
    unit=COUNT,
    labels=MODEL,
    edges=REQUEST_PARAMETER_EDGES,
    counts=REQUESTS,
    versions=Versions("24.09"),
    needs=(Needs.CUSTOM_METRICS,),
)

REQUEST_PARAMS_BEST_OF = Histogram(
    name="vllm:request_params_best_of",
    unit=COUNT,
    labels=MODEL,
    edges=REQUEST_PARAMETER_EDGES,
    counts=REQUESTS,
    versions=Versions("24.09", "24.12"),
    needs=(Needs.CUSTOM_METRICS,),
)

METRICS = all_metrics(globals())
