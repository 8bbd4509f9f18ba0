"""What the TensorRT-LLM page's panels are made of: one value of one family, as chosen.

Apart because the page and its lower rows ask the same series.
"""

from __future__ import annotations

from llmdash.dashboards.source_page import SourcePage
from llmdash.metrics import triton_trtllm as metrics
from llmdash.metrics.metric import Counter, Gauge
from llmdash.promql.expressions import call, convert, least, total
from llmdash.promql.facts import Usage
from llmdash.promql.nodes import Expr, Matcher, Selector, Taken
from llmdash.promql.rewrite import narrowed_selector
from llmdash.promql.units import TIMESTAMP
from llmdash.promql.windows import RATE_INTERVAL

#: One model on one server, and how its line is called.
PER_MODEL = ("model", "instance")
WHERE = "{{model}} {{instance}}"


def of_value(page: SourcePage, metric: Counter | Gauge, value: str) -> Selector:
    """Return the series of one value of the label that chooses a family's meaning."""
    (label,) = metric.keep
    own = page.source.dialect.select(metric, Matcher(label, "=", value))
    return narrowed_selector(own, *page.matchers())


def requests(page: SourcePage, kind: str) -> Selector:
    """Return requests of one kind: active, max, scheduled, context, waiting."""
    return of_value(page, metrics.NV_TRT_LLM_REQUEST_METRICS, kind)


def blocks(page: SourcePage, kind: str) -> Selector:
    """Return one kind of what is told of KV blocks."""
    return of_value(page, metrics.NV_TRT_LLM_KV_CACHE_BLOCK_METRICS, kind)


def general(page: SourcePage, kind: str) -> Selector:
    """Return the timestamp or the count of the last iteration."""
    return of_value(page, metrics.NV_TRT_LLM_GENERAL_METRICS, kind)


def slots_in_use(page: SourcePage) -> Expr:
    """Return active requests over the most allowed, for each model on each server."""
    return total(requests(page, "active"), PER_MODEL) / total(requests(page, "max"), PER_MODEL)


def growth(gauge: Selector) -> Expr:
    """Return how fast grows what is a counter, though the exporter says gauge.

    A slope would dive at a restart, where a rate begins anew.
    """
    samples = Taken(
        gauge.over(RATE_INTERVAL),
        "it only grows, until its server starts again",
        usage=Usage.COUNTER,
    )
    return call("rate", samples)


def iterations(page: SourcePage, *by: str) -> Expr:
    """Return the engine's steps each second, by labels."""
    return total(growth(general(page, "iteration_counter")), by)


def age(page: SourcePage) -> Expr:
    """Return the time since the iteration that the gauges tell of, for each model and server."""
    told = convert(least(general(page, "timestamp"), PER_MODEL), TIMESTAMP)
    return call("time") - told
