"""What holds a vLLM engine back: one state for each engine, the one that explains the others.

A preemption comes of a full cache, a full cache makes a queue, a queue hides how busy the rest is;
so the first rule that holds, in this order, names the state. A rule whose metrics are missing (an
API server among several tells no CPU time) holds never, and the next one decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmdash.dashboards.engine.series import averaged, engine_labels
from llmdash.dashboards.panels import Mapping
from llmdash.dashboards.policy import (
    API_SERVER_CPU,
    KV_FULL,
    PREEMPTED_SHARE,
    WAITING_STEADILY,
)
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import BOTTLENECKS
from llmdash.metrics import vllm as metrics
from llmdash.metrics.python_process import PROCESS_CPU_SECONDS_TOTAL
from llmdash.promql.expressions import aggregate, counted_as, first_of, greatest, joined
from llmdash.promql.nodes import Expr
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.signals import PREEMPTIONS

#: The gravest has the greatest number, so the worst engine of a model is its maximum.
STATES = tuple(reversed(tuple(BOTTLENECKS)))

API_PROCESS_FULL = API_SERVER_CPU[-1].value


def bottleneck_states() -> tuple[Mapping, ...]:
    """Return what each number is called, the gravest first."""
    return tuple(Mapping(STATES.index(state), state, color) for state, color in BOTTLENECKS.items())


def bottleneck(page: SourcePage) -> Expr:
    """Return the number of each engine's state: exactly one for each engine that runs."""
    by = engine_labels(page)
    rules = (
        ("preemption", (_preempting(page, by),)),
        ("KV cache", (averaged(page, "kv_cache_use", "max", by) >= KV_FULL,)),
        ("queue", (averaged(page, "requests_waiting", "sum", by) >= WAITING_STEADILY,)),
        ("API process", (_api_process_full(page, by),)),
        ("prefill", _prefilling(page, by)),
        ("decode", (page.counter("generation_tokens", by) > 0,)),
        ("idle", (page.gauge("requests_running", "sum", by),)),
    )
    return first_of(
        *(
            aggregate("group", holds, by) * STATES.index(state)
            for state, alternatives in rules
            for holds in alternatives
        )
    )


def worst_bottleneck(page: SourcePage) -> Expr:
    """Return the number of the gravest state among each model's engines."""
    return greatest(bottleneck(page), (page.model,))


def _preempting(page: SourcePage, by: Sequence[str]) -> Expr:
    # Each request that ends could have been preempted once.
    ended = counted_as(page.rate(metrics.REQUEST_SUCCESS_TOTAL, by), PREEMPTIONS.per_second)
    preempted = page.counter("preemptions", by)
    # Where nothing ends, or no end is counted, any preemption is too many.
    return first_of(preempted > ended * PREEMPTED_SHARE, joined(preempted > 0, "unless", ended))


def _api_process_full(page: SourcePage, by: Sequence[str]) -> Expr:
    """The process has neither model nor engine: it stands before all engines of its instance."""
    busy = page.rate(PROCESS_CPU_SECONDS_TOTAL, ("instance",)) >= API_PROCESS_FULL
    return joined(averaged(page, "requests_running", "sum", by) > 0, "and", busy, on=("instance",))


def _prefilling(page: SourcePage, by: Sequence[str]) -> tuple[Expr, ...]:
    """More time goes into reading than into writing; or requests run and nothing is written."""
    chosen = page.matchers()
    reading, writing = (
        page.distribution(name).sum_rate(RATE_INTERVAL, by, chosen)
        for name in ("prefill_time", "decode_time")
    )
    running = averaged(page, "requests_running", "sum", by) > 0
    return (
        reading > writing,
        joined(running, "unless", page.counter("generation_tokens", by) > 0),
    )
