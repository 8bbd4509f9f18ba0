"""The table of the page that compares back ends: a line for each source, its load at the end."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.fleet.comparison import BY, Comparison
from llmdash.dashboards.panels import Column, LabelColumn, Panel, Query, Table
from llmdash.dashboards.policy import ERROR_SHARE, KV_CACHE, QUEUE, slow_limits
from llmdash.promql.expressions import total
from llmdash.promql.nodes import Expr


def back_ends_table(comparison: Comparison) -> Panel:
    """Return a line for each source."""
    columns = tuple(_columns(comparison))
    waits = comparison.asked.has("requests_waiting")
    return Table(
        key="back-ends",
        title="Back ends",
        description="A line for each source, over the models chosen, the "
        f"{'longest queue' if waits else 'most errors'} first. Compare lines whose "
        "prompts and answers are of like length and whose requests per engine are alike. "
        "A server that chains models counts a request for each of them: choose the one that "
        "clients call, whose tokens may stand under the model that writes them. Per engine and per "
        "request are tokens written each second; prompt and answer are mean lengths. Quantiles are "
        "read off each source's own buckets, never off a sum of two. No data is a question that "
        "the source does not answer.",
        by=(LabelColumn("source", "Source"),),
        queries=tuple(Query(column.query_key, expr) for column, expr in columns),
        columns=tuple(column for column, _ in columns),
        sort_by="Waiting" if waits else "Errors",
        height=7,
    )


def _columns(comparison: Comparison) -> Iterator[tuple[Column, Expr]]:
    """Yield what judges a back end, then what one engine or request of it gets, then its load."""
    yield from _judged(comparison)
    yield from _fairly(comparison)
    asked = comparison.asked
    yield Column("requests", "Requests"), asked.counter("requests", BY)
    titles = {"prompt-length": "Prompt", "generation-length": "Answer"}
    for key, _, length in comparison.lengths():
        yield Column(key, titles[key], decimals=0), length


def _judged(comparison: Comparison) -> Iterator[tuple[Column, Expr]]:
    asked = comparison.asked
    errors = Column("errors", "Errors", thresholds=ERROR_SHARE)
    yield errors, asked.error_share(BY)
    if asked.has("requests_waiting"):
        waiting = Column("waiting", "Waiting", thresholds=QUEUE)
        yield waiting, total(asked.gauge("requests_waiting"), BY)
    if asked.has("kv_cache_use"):
        kv = Column("kv", "KV cache", thresholds=KV_CACHE)
        yield kv, asked.fullest(BY)
    for name, key, title in (
        ("time_to_first_token", "ttft", "TTFT"),
        ("inter_token_latency", "itl", "ITL"),
    ):
        if asked.has(name, buckets=True):
            p95 = asked.quantile(name, 0.95, BY)
            yield (
                Column(
                    f"{key}-p95", f"{title} p95", thresholds=slow_limits(name, p95.facts.bounds[1])
                ),
                p95,
            )


def _fairly(comparison: Comparison) -> Iterator[tuple[Column, Expr]]:
    asked = comparison.asked
    if asked.has("generation_tokens"):
        yield Column("per-engine", "Per engine"), comparison.per_engine()
        if asked.has("end_to_end_latency"):
            yield Column("per-request", "Per request"), comparison.per_request()
    if asked.has("time_to_first_token", buckets=True):
        yield Column("ttft-p50", "TTFT p50"), asked.quantile("time_to_first_token", 0.5, BY)
    if asked.has("end_to_end_latency", buckets=True):
        yield Column("e2e-p95", "E2E p95"), asked.quantile("end_to_end_latency", 0.95, BY)
    if asked.has("end_to_end_latency"):
        yield Column("e2e-mean", "E2E mean"), asked.mean("end_to_end_latency", BY)
    if asked.has("prefix_cache_hit_ratio"):
        yield Column("hits", "Cache hits"), asked.ratio("prefix_cache_hit_ratio", BY)
