"""The table of the fleet: a line for each model on each source, what judges it first."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.fleet.latency import BY_MODEL
from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import Column, LabelColumn, Panel, Query, Table, dashboard_url
from llmdash.dashboards.policy import ERROR_SHARE, KV_CACHE, QUEUE, slow_limits
from llmdash.promql.expressions import total
from llmdash.promql.nodes import Expr


def models_table(page: LayerPage, uid: str) -> Panel:
    """Return the table, whose names filter the page of that uid."""
    columns = tuple(_columns(page))
    waits = page.has("requests_waiting")
    filtered = dashboard_url(
        uid,
        source="${__data.fields.source:percentencode}",
        model="${__data.fields.model:percentencode}",
    )
    return Table(
        key="models",
        title="Models",
        description="A line for each model on each source, "
        f"{'the longest queue' if waits else 'most errors'} first. A name filters the page to it. "
        "A cell without data is a question that the source does not answer, not a zero.",
        by=(
            LabelColumn("model", "Model", filtered, "Show this model only"),
            LabelColumn("source", "Source"),
        ),
        queries=tuple(Query(column.query_key, expr) for column, expr in columns),
        columns=tuple(column for column, _ in columns),
        sort_by="Waiting" if waits else "Errors",
        height=9,
    )


def _columns(page: LayerPage) -> Iterator[tuple[Column, Expr]]:
    """Yield what judges a model, then what it does."""
    errors = Column("errors", "Errors", thresholds=ERROR_SHARE)
    yield errors, page.error_share(BY_MODEL)
    if page.has("requests_waiting"):
        waiting = Column("requests-waiting", "Waiting", thresholds=QUEUE)
        yield waiting, total(page.gauge("requests_waiting"), BY_MODEL)
    if page.has("kv_cache_use"):
        kv = Column("kv", "KV cache, fullest", thresholds=KV_CACHE)
        yield kv, page.fullest(BY_MODEL)
    for name, key, title in (
        ("time_to_first_token", "ttft", "TTFT p95"),
        ("inter_token_latency", "itl", "Inter-token p95"),
    ):
        if page.has(name, buckets=True):
            p95 = page.quantile(name, 0.95, BY_MODEL)
            yield Column(key, title, thresholds=slow_limits(name, p95.facts.bounds[1])), p95
    if page.has("end_to_end_latency"):
        yield Column("e2e", "End to end, mean"), page.mean("end_to_end_latency", BY_MODEL)
    if page.has("requests_running"):
        running = total(page.gauge("requests_running"), BY_MODEL)
        yield Column("requests-running", "Running"), running
    yield Column("requests", "Requests"), page.counter("requests", BY_MODEL)
    if page.has("generation_tokens"):
        tokens = page.counter("generation_tokens", BY_MODEL)
        yield Column("generation", "Generation"), tokens
