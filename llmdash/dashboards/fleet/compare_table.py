"""The table of the page that compares back ends: a line for each source, its load at the end."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.fleet.comparison import BY, Comparison
from llmdash.dashboards.panels import Column, LabelColumn, Panel, Query, Table
from llmdash.dashboards.policy import ERROR_SHARE, KV_CACHE
from llmdash.promql.nodes import Expr


def back_ends_table(comparison: Comparison) -> Panel:
    """Return a line for each source."""
    columns = tuple(_columns(comparison))
    return Table(
        key="back-ends",
        title="Back ends",
        description="A line for each source, over the models chosen. Compare lines whose "
        "prompts and answers are of like length and whose requests per engine are alike. "
        "A server that chains models counts a request for each of them: choose the one that "
        "clients call, whose tokens may stand under the model that writes them. Quantiles are "
        "read off each source's own buckets, never off a sum of two. No data is a question that "
        "the source does not answer.",
        by=(LabelColumn("source", "Source"),),
        queries=tuple(Query(column.query_key, expr) for column, expr in columns),
        columns=tuple(column for column, _ in columns),
        sort_by="Requests",
        height=7,
    )


def _columns(comparison: Comparison) -> Iterator[tuple[Column, Expr]]:
    asked = comparison.asked
    yield Column("requests", "Requests"), asked.counter("requests", BY)
    errors = Column("errors", "Errors", thresholds=ERROR_SHARE)
    yield errors, asked.error_share(BY)
    for name, key, title, shares in (
        ("time_to_first_token", "ttft", "TTFT", (0.5, 0.95)),
        ("inter_token_latency", "itl", "Inter-token", (0.95,)),
        ("end_to_end_latency", "e2e", "End to end", (0.95,)),
    ):
        if asked.has(name, buckets=True):
            for share in shares:
                column = Column(f"{key}-p{share * 100:g}", f"{title} p{share * 100:g}")
                yield column, asked.quantile(name, share, BY)
    if asked.has("end_to_end_latency"):
        mean = Column("e2e-mean", "End to end, mean")
        yield mean, asked.mean("end_to_end_latency", BY)
    for name, title in (
        ("prompt_tokens", "Prompt tokens"),
        ("generation_tokens", "Generation tokens"),
    ):
        if asked.has(name):
            yield Column(name.replace("_", "-"), title), asked.counter(name, BY)
    if asked.has("generation_tokens"):
        if asked.has("end_to_end_latency"):
            yield Column("per-request", "Tokens per request-second"), comparison.per_request()
        yield Column("per-engine", "Tokens per engine"), comparison.per_engine()
    if asked.has("kv_cache_use"):
        kv = Column("kv", "KV cache, fullest", thresholds=KV_CACHE)
        yield kv, asked.fullest(BY)
    if asked.has("prefix_cache_hit_ratio"):
        yield Column("hits", "Prefix cache hits"), asked.ratio("prefix_cache_hit_ratio", BY)
    for key, title, length in comparison.lengths():
        yield Column(key, title, decimals=0), length
