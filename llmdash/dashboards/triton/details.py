"""What an option of Triton switches on, and what only details ask: quantiles, cache, load time."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage, percent
from llmdash.dashboards.style import hue
from llmdash.metrics import triton as metrics
from llmdash.metrics.metric import Counter, Summary
from llmdash.promql.expressions import convert, counted_as, greatest, mean_of
from llmdash.promql.nodes import Expr
from llmdash.promql.rewrite import narrowed_selector
from llmdash.promql.units import REQUESTS, SECONDS
from llmdash.sources.source import Dialect

_SERVER = ("model", "instance")
_WHERE = "{{model}} {{instance}}"


def detail_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield the panels of the row that is opened when it is needed."""
    yield from _summaries(page)
    yield from _cache(page)
    yield from _models(page)


def _summary(page: SourcePage, summary: Summary, share: float) -> Expr:
    """Return a quantile that Triton computed, of the slowest copy of a model on each server.

    Quantiles of several servers cannot be combined: each is a line of its own.
    """
    dialect: Dialect = page.source.dialect
    own = dialect.spoken(summary).value(quantile=f"{share:g}")
    chosen = narrowed_selector(own.where(*dialect.matchers(own)), *page.matchers())
    return convert(greatest(chosen, _SERVER), SECONDS)


def _summaries(page: SourcePage) -> Iterator[Panel]:
    if not page.speaks(metrics.NV_INFERENCE_REQUEST_SUMMARY_US):
        return
    yield TimeSeries(
        key="request-summary",
        title="Request time as Triton measured it",
        description="Quantiles over a sliding window, for each server: they cannot be combined "
        "into one. p99 far from p50 means that few requests wait long. No data: start Triton "
        "with --metrics-config summary_latencies=true, which costs throughput.",
        queries=tuple(
            Query(
                percent(share),
                _summary(page, metrics.NV_INFERENCE_REQUEST_SUMMARY_US, share),
                f"{_WHERE} {percent(share)}",
            )
            for share in (0.5, 0.95, 0.99)
        ),
    )
    yield TimeSeries(
        key="queue-summary",
        title="Queue time as Triton measured it",
        description="Quantiles of the time in Triton's queue over a sliding window, for each "
        "server. p99 that rises while p50 stays is a burst; both rising, too few instances of "
        "the model. Needs summary_latencies=true.",
        queries=tuple(
            Query(
                percent(share),
                _summary(page, metrics.NV_INFERENCE_QUEUE_SUMMARY_US, share),
                f"{_WHERE} {percent(share)}",
            )
            for share in (0.5, 0.95, 0.99)
        ),
    )
    yield TimeSeries(
        key="compute-summary",
        title="Compute time as Triton measured it, p95",
        description="p95 of copying inputs, running the model and copying outputs, for each "
        "server. Infer rising alone is the model or the GPU; input or output, large tensors. The "
        "parts' quantiles do not add up. Needs summary_latencies=true.",
        queries=tuple(
            Query(part, _summary(page, summary, 0.95), f"{_WHERE} {part}")
            for part, summary in (
                ("input", metrics.NV_INFERENCE_COMPUTE_INPUT_SUMMARY_US),
                ("infer", metrics.NV_INFERENCE_COMPUTE_INFER_SUMMARY_US),
                ("output", metrics.NV_INFERENCE_COMPUTE_OUTPUT_SUMMARY_US),
            )
        ),
    )


def _cache(page: SourcePage) -> Iterator[Panel]:
    hits = page.rate(metrics.NV_CACHE_NUM_HITS_PER_MODEL, ("model",))
    misses = page.rate(metrics.NV_CACHE_NUM_MISSES_PER_MODEL, ("model",))

    def lasting(durations: Counter, lookups: Expr) -> Expr:
        spent = convert(page.rate(durations, ("model",)), SECONDS.per_second)
        return mean_of(spent, counted_as(lookups, REQUESTS.per_second))

    yield TimeSeries(
        key="response-cache",
        title="Response cache lookups",
        description="Requests answered from the response cache, and those it did not hold, each "
        "second. Only misses under traffic that repeats itself: the cache is too small. No data "
        "without a response cache (--cache-config).",
        queries=(
            Query("hits", hits, "{{model}} hits"),
            Query("misses", misses, "{{model}} misses"),
        ),
        stack=True,
    )
    yield TimeSeries(
        key="response-cache-ratio",
        title="Response cache hit ratio",
        description="Share of lookups that the response cache answered, by model. Low for long, "
        "the cache costs a lookup and an insertion for nothing: switch it off for that model.",
        queries=(
            Query(
                "ratio", hits / (hits + misses), "{{model}}", color=hue("prefix_cache_hit_ratio")
            ),
        ),
        minimum=0,
        maximum=1,
    )
    if page.speaks(metrics.NV_CACHE_HIT_DURATION_PER_MODEL):
        yield TimeSeries(
            key="response-cache-time",
            title="Mean response cache time",
            description="Time of a lookup that hit, and of one that missed with the insertion "
            "after it. A hit that takes as long as inference makes the cache worthless; a slow "
            "miss delays every new request.",
            queries=(
                Query(
                    "hit", lasting(metrics.NV_CACHE_HIT_DURATION_PER_MODEL, hits), "{{model}} hit"
                ),
                Query(
                    "miss",
                    lasting(metrics.NV_CACHE_MISS_DURATION_PER_MODEL, misses),
                    "{{model}} miss",
                ),
            ),
        )
    if page.speaks(metrics.NV_CACHE_HIT_SUMMARY_PER_MODEL):
        yield TimeSeries(
            key="response-cache-summary",
            title="Response cache time as Triton measured it, p95",
            description="p95 of lookups that hit and of those that missed, for each server. Far "
            "above the mean, some entries are large. Needs a response cache and "
            "summary_latencies=true.",
            queries=tuple(
                Query(kind, _summary(page, summary, 0.95), f"{_WHERE} {kind}")
                for kind, summary in (
                    ("hit", metrics.NV_CACHE_HIT_SUMMARY_PER_MODEL),
                    ("miss", metrics.NV_CACHE_MISS_SUMMARY_PER_MODEL),
                )
            ),
        )


def _models(page: SourcePage) -> Iterator[Panel]:
    if page.speaks(metrics.NV_MODEL_LOAD_DURATION_SECS):
        yield TimeSeries(
            key="load-time",
            title="Model load time",
            description="How long each model's last load took: what a restart or a new replica "
            "costs before it serves. A step up is a slower disk or a larger model. From 24.11.",
            queries=(
                Query(
                    "load",
                    # A twin with gpu_uuid stays 0.
                    greatest(page.select(metrics.NV_MODEL_LOAD_DURATION_SECS), _SERVER),
                    _WHERE,
                ),
            ),
        )
