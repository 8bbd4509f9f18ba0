"""The lower half of the TensorRT-LLM page: lengths, transfers, and what only some servers have."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Row
from llmdash.dashboards.panels import Heatmap, Panel, Query, TimeSeries
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import hue
from llmdash.dashboards.triton.tensorrt_llm_series import (
    PER_MODEL,
    WHERE,
    age,
    blocks,
    of_value,
)
from llmdash.metrics import triton_trtllm as metrics
from llmdash.promql.expressions import convert, counted_as, greatest, mean_of, rate, total
from llmdash.promql.nodes import Expr
from llmdash.promql.units import SECONDS, TOKENS
from llmdash.promql.windows import RATE_INTERVAL

_LENGTHS = (("prompt_length", "Prompt"), ("generation_length", "Answer"))


def length_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield how long prompts and answers are; nothing before 0.16."""
    known = [(name, title) for name, title in _LENGTHS if page.has_buckets(name)]
    for name, title in known:
        edges = page.distribution(name).canonical_edges
        assert edges is not None  # it has buckets
        buckets = page.distribution(name).bucket_rates(RATE_INTERVAL, (), page.matchers())
        yield Heatmap(
            key=name.replace("_", "-"),
            title=f"{title} lengths",
            description=f"How many {title.lower()}s of which length end each second. A band that "
            "moves up makes every request dearer, whatever the request rate says. All beyond "
            f"{max(edges.values):g} tokens is one bucket.",
            queries=(Query("buckets", buckets),),
            width=8,
        )
    if known:
        yield TimeSeries(
            key="lengths-beyond",
            title="Beyond the last bucket",
            description="Share of prompts and answers longer than the last bucket edge, of which "
            "the heatmaps know no more. Above a few percent, judge lengths by the means of token "
            "throughput over requests instead.",
            queries=tuple(
                Query(name.replace("_", "-"), page.beyond(name), title.lower(), color=hue(name))
                for name, title in known
            ),
            width=8,
            minimum=0,
        )


def detail_rows(page: SourcePage) -> Iterator[Row]:
    """Yield the rows that are opened when they are needed."""
    yield from row_of("disaggregated", "Disaggregated serving", _transfers(page), collapsed=True)
    yield from row_of("static", "Static batching (V1)", _static(page), collapsed=True)
    yield from row_of("details", "Details", _details(page), collapsed=True)


def _transfers(page: SourcePage) -> Iterator[Panel]:
    family = metrics.NV_TRT_LLM_DISAGGREGATED_SERVING_METRICS

    def transferred(kind: str, *by: str) -> Expr:
        return total(rate(of_value(page, family, kind), RATE_INTERVAL), by)

    spent = convert(transferred("kv_cache_transfer_ms", *PER_MODEL), SECONDS.per_second)
    yield TimeSeries(
        key="transfer-time",
        title="Mean KV cache transfer time",
        description="Time that moving a request's KV cache from prefill to decode took, on "
        "average. It adds to the time to first token; rising at equal lengths, the network "
        "between the two is the bottleneck. No data without disaggregated serving.",
        queries=(Query("mean", mean_of(spent, transferred("request_count", *PER_MODEL)), WHERE),),
    )
    yield TimeSeries(
        key="transfers",
        title="Requests transferred",
        description="Requests whose KV cache was moved from prefill to decode, each second. Below "
        "the request rate, requests are prefilled where they are decoded, or fail in between.",
        queries=(Query("rate", transferred("request_count", *PER_MODEL), WHERE),),
    )


def _static(page: SourcePage) -> Iterator[Panel]:
    def last(kind: str) -> Expr:
        return total(of_value(page, metrics.NV_TRT_LLM_V1_METRICS, kind), PER_MODEL)

    yield TimeSeries(
        key="static-tokens",
        title="Tokens of the last batch",
        description="Context and generation tokens of the last static batch. Much context and "
        "little generation means that requests of unlike length wait for each other. No data "
        "with in-flight batching, which is the usual way.",
        queries=(
            Query("context", last("total_context_tokens"), f"{WHERE} context"),
            Query("generation", last("total_generation_tokens"), f"{WHERE} generation"),
        ),
    )
    yield TimeSeries(
        key="static-slots",
        title="Empty generation slots",
        description="Places of the last static batch in which nothing was generated. Many are "
        "wasted work: in-flight batching would fill them. No data with in-flight batching.",
        queries=(Query("slots", last("empty_generation_slots"), WHERE),),
    )


def _details(page: SourcePage) -> Iterator[Panel]:
    batcher = metrics.NV_TRT_LLM_INFLIGHT_BATCHER_METRICS
    yield TimeSeries(
        key="age",
        title="Age of the gauges by server",
        description="Time since the iteration that the gauges tell of. A saw between polls is "
        "normal; a line that climbs without end is an idle server, or with active requests a "
        "hung one.",
        queries=(Query("age", age(page), WHERE),),
    )
    yield TimeSeries(
        key="tokens-per-block",
        title="Tokens per KV block",
        description="How many tokens one block of the KV cache holds, a setting of the engine. "
        "Lines of one model that differ are servers with unlike engines.",
        queries=(
            Query(
                "tokens",
                counted_as(greatest(blocks(page, "tokens_per"), PER_MODEL), TOKENS),
                WHERE,
            ),
        ),
    )
    yield TimeSeries(
        key="micro-batch",
        title="Micro batch",
        description="Number of the micro batch that ran last. With pipeline parallelism it moves "
        "between the stages; stuck at one number while requests are active, a stage hangs.",
        queries=(
            Query("id", greatest(of_value(page, batcher, "micro_batch_id"), PER_MODEL), WHERE),
        ),
    )
    yield TimeSeries(
        key="terminated",
        title="Requests ended by the batcher",
        description="Requests that the last iteration has ended. Only backend 0.8 tells it: later "
        "ones show no data here, and Triton's own request counters take its place.",
        queries=(
            Query(
                "requests",
                total(of_value(page, batcher, "terminated_requests"), PER_MODEL),
                WHERE,
            ),
        ),
    )
