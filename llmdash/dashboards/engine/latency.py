"""Latency of any engine: who waits, where the time to the first token goes, how far to trust it."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.distribution_panels import quantile_panel
from llmdash.dashboards.engine.latency_details import (
    bucket_limits,
    by_instance,
    by_model,
    felt,
    heatmaps,
    one_number,
    p95_or_mean,
)
from llmdash.dashboards.engine.page import engine_dashboard
from llmdash.dashboards.grafana_units import PER_THOUSAND_TOKENS
from llmdash.dashboards.panels import (
    Column,
    LabelColumn,
    Panel,
    Query,
    Stat,
    Table,
    TimeSeries,
)
from llmdash.dashboards.policy import slow_limits
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import hue
from llmdash.dashboards.tiles import side_by_side
from llmdash.layer import Layer
from llmdash.promql.expressions import call, convert, joined, total
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.signals import signal
from llmdash.sources.source import Source


def engine_latency(source: Source, layer: Layer) -> Dashboard | None:
    """Return the page; None where the engine tells too little of latency."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    return engine_dashboard(page, "latency", DESCRIPTION, latency_rows(page))


DESCRIPTION = (
    "Who waits and for how long: the first token, the gaps after it, the phases behind them, and "
    "how far the buckets can be trusted."
)


def latency_rows(page: SourcePage) -> tuple[Row, ...]:
    """Return what can be shown of the source's latency."""
    return (
        *row_of("latency-now", "Now", (*side_by_side(_tiles(page)), *_table(page))),
        *row_of("first-token", "The first token", _first_token(page)),
        *row_of("next-tokens", "The tokens after it, and the whole", _next_tokens(page)),
        *row_of("latency-models", "Models side by side", by_model(page)),
        *row_of("latency-instances", "Instances side by side", by_instance(page), collapsed=True),
        *row_of("latency-heatmaps", "Distributions", heatmaps(page), collapsed=True),
        *row_of("latency-trust", "How far the buckets see", bucket_limits(page), collapsed=True),
    )


def tile(page: SourcePage, name: str, key: str, title: str, description: str) -> Iterator[Panel]:
    """Yield the number that stands for a signal: its p95, or its mean."""
    if not page.has(name):
        return
    word, value = one_number(page, name), p95_or_mean(page, name)
    yield Stat(
        key=key,
        title=f"{title} {word}",
        description=description,
        queries=(Query(word, value),),
        thresholds=slow_limits(name, _top(page, name)) if word == "p95" else (),
    )


def _top(page: SourcePage, name: str) -> float:
    """Return the last bucket edge of a signal, in seconds whatever the exporter counts in."""
    edges = page.distribution(name).canonical_edges
    assert edges is not None  # a p95 comes of buckets
    return edges.values[-1]


def _tiles(page: SourcePage) -> Iterator[Panel]:
    yield from tile(
        page,
        "time_to_first_token",
        "ttft-now",
        "TTFT",
        "How long users look at an empty screen, as most of them feel it. Rising without more "
        "traffic, prompts have grown or a queue has formed: the next row says which.",
    )
    yield from tile(
        page,
        "inter_token_latency",
        "itl-now",
        "Inter-token",
        "The gap between two outputs of a stream. Above about 0.15 s, people read faster than the "
        "answer comes: the batch is too large or long prefills interrupt decoding.",
    )
    if "time_per_output_token" in felt(page):
        yield from tile(
            page,
            "time_per_output_token",
            "tpot-now",
            "Time per token",
            "Each request's own average time per token after the first. Far above its usual value, "
            "whole requests are slow and not only single gaps.",
        )
    yield from tile(
        page,
        "end_to_end_latency",
        "e2e-now",
        "End to end",
        "The whole wait of a caller that does not stream. It grows with the length of answers, so "
        "compare it with generation length before blaming the server.",
    )
    yield from tile(
        page,
        "queue_time",
        "queue-now",
        "Queue",
        "Time that requests spent waiting before work on them began. None of it produces a token: "
        "steadily above zero, capacity is missing. A mean: next to zero where nobody waits.",
    )
    yield from tile(
        page,
        "prefill_time",
        "prefill-now",
        "Prefill",
        "Time to read the prompt. Rising while prompts stay as long as they were, prefills share "
        "the GPU with more work, or the prefix cache helps less.",
    )


def _table(page: SourcePage) -> Iterator[Panel]:
    """Yield the answer to `who suffers`: a line for each model."""
    known = [*felt(page), *(name for name in ("queue_time", "prefill_time") if page.has(name))]
    if not page.model or not known:
        return
    queries, columns = [], []
    for name in known:
        key = name.replace("_", "-")
        word = one_number(page, name)
        queries.append(Query(key, p95_or_mean(page, name, (page.model,))))
        columns.append(Column(key, f"{signal(name).title} {word}"))
    yield Table(
        key="latency-by-model",
        title="Latency by model",
        description="A line for each model, the slowest first token (or whole) on top: who "
        "suffers, and at which step. A model that is slow in its queue needs capacity; one slow "
        "in its prefill, shorter prompts or a warmer cache.",
        queries=tuple(queries),
        by=(LabelColumn(page.model, "Model"),),
        columns=tuple(columns),
        sort_by=columns[0].title,
        height=6,
    )


def _first_token(page: SourcePage) -> Iterator[Panel]:
    yield from _parts(page)
    yield from quantile_panel(
        page,
        "time_to_first_token",
        "ttft",
        "Time to first token",
        "From arrival to the first token. p99 leaving p50 behind means that some requests wait; "
        "all lines rising together, that every prompt takes longer. A gap means no traffic.",
    )
    yield from quantile_panel(
        page,
        "queue_time",
        "queue-time",
        "Queue time",
        "How long requests waited before work on them began. When it stays above zero, add "
        "replicas or find what fills the batch or the KV cache.",
        width=8,
    )
    yield from quantile_panel(
        page,
        "prefill_time",
        "prefill-time",
        "Prefill time",
        "How long reading the prompt took, other work of the same steps included. Rising with "
        "computed tokens it is honest work; rising alone, the engine is crowded.",
        width=8,
    )
    yield from _pace(page)


def _parts(page: SourcePage) -> Iterator[Panel]:
    """Yield the mean time to the first token, split into the phases that lead to it."""
    needed = ("time_to_first_token", "queue_time", "prefill_time")
    if not all(page.has(name) for name in needed):
        return
    whole, queue, prefill = (page.mean(name) for name in needed)
    # A picture of parts has no negative part: below zero it would be drawn over the others.
    rest = call("clamp_min", whole - queue - prefill, 0)
    yield TimeSeries(
        key="first-token-parts",
        title="Where the first token's time goes",
        description="Mean time to first token, split: waiting in the queue, reading the prompt, "
        "and the rest (tokenising, the API process, the way between processes). Means of one "
        "window, but queue and prefill are written when requests finish and the first token when "
        "it is out: while load changes the rest may be off (below zero it is drawn as zero), and "
        "during a stall the parts are silent. A large queue asks for replicas, a large prefill for "
        "shorter prompts or a warmer cache, a large rest for CPU.",
        queries=(
            Query("queue", queue, "queue", color=hue("queue_time")),
            Query("prefill", prefill, "prefill", color=hue("prefill_time")),
            Query("rest", rest, "rest", color=hue("time_to_first_token")),
        ),
        stack=True,
        minimum=0,
    )


def _pace(page: SourcePage) -> Iterator[Panel]:
    """Yield the prefill time for what was computed, which prompts and caches do not blur."""
    if not (page.has("prefill_time") and page.has("computed_length") and page.model):
        return
    by = (page.model, "instance")
    chosen = page.matchers()
    computed = page.distribution("computed_length").sum_rate(RATE_INTERVAL, by, chosen)
    prefill = page.distribution("prefill_time").sum_rate(RATE_INTERVAL, by, chosen)
    # A release that does not say what it computed has no part in the time either.
    told = joined(prefill, "and", computed, on=by)
    pace = total(told, (page.model,)) / total(computed, (page.model,))
    yield TimeSeries(
        key="prefill-pace",
        title="Prefill time per 1,000 computed tokens",
        description="Prefill seconds of finished requests over the prompt tokens that no cache "
        "had, so that neither longer prompts nor a colder cache move it. It includes the time that "
        "a prefill shares with other requests: a rise is a slower or a more crowded engine, and "
        "after an upgrade without more load, a regression.",
        queries=(
            Query(
                "pace",
                convert(pace, PER_THOUSAND_TOKENS),
                f"{{{{{page.model}}}}}",
            ),
        ),
        width=8,
    )


def _next_tokens(page: SourcePage) -> Iterator[Panel]:
    yield from quantile_panel(
        page,
        "inter_token_latency",
        "itl",
        "Inter-token latency",
        "The gap between two outputs of a stream: how fluently users can read. It rises with the "
        "batch; spikes are long prefills that interrupt decoding. A gap means no streams.",
    )
    yield from quantile_panel(
        page,
        "time_per_output_token",
        "tpot",
        "Time per output token, per request",
        "Each request's own average after its first token, so a slow short answer counts as much "
        "as a long one. Far above inter-token latency, few requests suffer much.",
    )
    yield from quantile_panel(
        page,
        "decode_time",
        "decode-time",
        "Decode time",
        "From the first token to the last: the length of the answer times the pace of the batch. "
        "Compare with generation length; rising without it, the batch has grown.",
    )
    yield from quantile_panel(
        page,
        "end_to_end_latency",
        "e2e",
        "End-to-end latency",
        "From arrival to the end of the answer, of requests that finished. It follows the length "
        "of answers first and the load second; what never finishes is missing.",
    )
