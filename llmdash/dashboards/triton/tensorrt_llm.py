"""Triton's TensorRT-LLM backend: slots, batches, KV cache, memory, and how old the numbers are.

A family's meaning is chosen by one label, so each value of it is a series with a unit of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import KV_CACHE
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import PLAIN, hue
from llmdash.dashboards.triton.overview import restart
from llmdash.dashboards.triton.tensorrt_llm_details import detail_rows, length_panels
from llmdash.dashboards.triton.tensorrt_llm_memory import kv_cache_panels, memory_panels
from llmdash.dashboards.triton.tensorrt_llm_series import (
    PER_MODEL,
    WHERE,
    age,
    iterations,
    of_value,
    requests,
    slots_in_use,
)
from llmdash.layer import Layer
from llmdash.metrics import triton_trtllm as metrics
from llmdash.promql.expressions import counted_as, greatest, total
from llmdash.promql.units import TOKENS
from llmdash.sources.source import Source


def tensorrt_llm(source: Source, layer: Layer) -> Dashboard:
    """Return the page."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    return page.dashboard(
        "tensorrt-llm",
        "The TensorRT-LLM backend's slots, batches, KV cache and memory, by model and instance.",
        rows=(
            Row(key="now", title="Summary", panels=tuple(_now(page))),
            Row(key="requests", title="Requests", panels=tuple(_requests(page))),
            Row(key="batches", title="Batches", panels=tuple(_batches(page))),
            Row(key="kv-cache", title="KV cache", panels=tuple(kv_cache_panels(page))),
            *row_of("lengths", "Lengths", length_panels(page)),
            Row(key="memory", title="Memory of the runtime", panels=tuple(memory_panels(page))),
            *detail_rows(page),
        ),
        annotations=(restart(page),),
        title=f"{source.title} engine",
    )


def _now(page: SourcePage) -> Iterator[Panel]:
    yield Stat(
        key="slots-now",
        title="Slots in use, fullest",
        description="Active requests over the most that the engine was built or started for, on "
        "the fullest server. At 1 a new request waits outside, where no gauge here counts it: "
        "raise max_batch_size or add replicas.",
        queries=(Query("share", greatest(slots_in_use(page))),),
        minimum=0,
        maximum=1,
    )
    yield Stat(
        key="scheduled-now",
        title="Scheduled",
        description="Requests that the last iteration worked on, over all servers chosen. Zero "
        "with requests waiting is an engine that stands still.",
        queries=(Query("scheduled", page.gauge("requests_running", "sum")),),
    )
    yield Stat(
        key="waiting-now",
        title="Waiting",
        description="Requests that the engine has taken and not scheduled. Steadily above zero, "
        "batch or KV cache are full. Up to backend 0.17 it is active less scheduled.",
        queries=(Query("waiting", page.gauge("requests_waiting", "sum")),),
    )
    yield Stat(
        key="kv-now",
        title="KV cache, fullest",
        description="Share of KV blocks in use on the fullest server. Near 1 requests are paused "
        "or wait. Up to backend 0.17 it is used over max blocks.",
        queries=(Query("max", page.gauge("kv_cache_use", "max")),),
        thresholds=KV_CACHE,
    )
    yield Stat(
        key="iterations-now",
        title="Iterations",
        description="Steps of the engine each second, over all servers chosen. Zero with active "
        "requests is a hang; falling at equal load, each step has become slower.",
        queries=(Query("rate", iterations(page)),),
        graph=True,
    )
    yield Stat(
        key="age-now",
        title="Age of these numbers",
        description="Time since the iteration that the gauges tell of, on the server where it is "
        "longest. Beyond some seconds that server is idle or hung, and its gauges are as old. A "
        "negative age is a wrong clock or time zone.",
        queries=(Query("age", greatest(age(page))),),
    )


def _requests(page: SourcePage) -> Iterator[Panel]:
    yield TimeSeries(
        key="requests",
        title="Requests by state",
        description="Over all servers chosen: active ones are inside the engine, scheduled ones "
        "in the last batch, those in context read their prompt, the rest waits; max is how many "
        "may be active. Active that meets max while scheduled is lower means a full KV cache.",
        queries=(
            Query("active", total(requests(page, "active")), "active", color=hue("requests")),
            Query(
                "scheduled",
                page.gauge("requests_running", "sum"),
                "scheduled",
                color=hue("requests_running"),
            ),
            Query("context", total(requests(page, "context")), "context", color="yellow"),
            Query(
                "waiting",
                page.gauge("requests_waiting", "sum"),
                "waiting",
                color=hue("requests_waiting"),
            ),
            Query("max", total(requests(page, "max")), "max", color=PLAIN),
        ),
        minimum=0,
    )
    yield TimeSeries(
        key="slots",
        title="Slots in use by server",
        description="Active requests over the most allowed, for each model and instance. One line "
        "at 1 and others low is uneven routing; all at 1 is too little capacity.",
        queries=(Query("share", slots_in_use(page), WHERE),),
        maximum=1,
        minimum=0,
    )
    yield TimeSeries(
        key="scheduled",
        title="Scheduled requests by server",
        description="Requests in the last iteration's batch, for each model and instance. Lines "
        "of one model that lie far apart mean that the load is not spread.",
        queries=(Query("scheduled", page.gauge("requests_running", "sum", PER_MODEL), WHERE),),
    )
    yield TimeSeries(
        key="waiting",
        title="Waiting requests by server",
        description="Requests taken and not scheduled, for each model and instance. A line that "
        "climbs gets more than it serves; polled, so a short queue may not show.",
        queries=(Query("waiting", page.gauge("requests_waiting", "sum", PER_MODEL), WHERE),),
        minimum=0,
    )


def _batches(page: SourcePage) -> Iterator[Panel]:
    batcher = metrics.NV_TRT_LLM_INFLIGHT_BATCHER_METRICS
    yield TimeSeries(
        key="iterations",
        title="Iterations by server",
        description="Steps of the engine each second: each gives every request in generation one "
        "token or more. It falls when batches or contexts grow, and to zero when idle or hung.",
        queries=(Query("rate", iterations(page, *PER_MODEL), WHERE),),
    )
    yield from _tokens_per_iteration(page)
    yield TimeSeries(
        key="context-tokens",
        title="Context tokens of the last iteration",
        description="Prompt tokens that the last iteration polled has read. Peaks are long "
        "prefills, during which generation slows down: chunked context evens them out.",
        queries=(
            Query(
                "tokens", total(of_value(page, batcher, "total_context_tokens"), PER_MODEL), WHERE
            ),
        ),
    )
    yield TimeSeries(
        key="generation-requests",
        title="Requests in generation",
        description="Requests of the last iteration that write their answer; without drafts each "
        "gets one token from it. Flat at a number while requests wait, the batch is full.",
        queries=(
            Query(
                "requests", total(of_value(page, batcher, "generation_requests"), PER_MODEL), WHERE
            ),
        ),
    )
    yield TimeSeries(
        key="paused",
        title="Paused requests",
        description="Requests that the last iteration has put aside for want of KV blocks, whose "
        "work is done again later. Steadily above zero, the scheduler promises more than the "
        "cache holds: try GUARANTEED_NO_EVICT or a larger cache. From backend 0.9.",
        queries=(
            Query("paused", total(of_value(page, batcher, "paused_requests"), PER_MODEL), WHERE),
        ),
    )


def _tokens_per_iteration(page: SourcePage) -> Iterator[Panel]:
    def per_iteration(signal_name: str) -> Query:
        tokens = page.counter(signal_name, PER_MODEL) / iterations(page, *PER_MODEL)
        kind = signal_name.removesuffix("_tokens")
        return Query(kind, counted_as(tokens, TOKENS), f"{WHERE} {kind}")

    found = tuple(
        per_iteration(name) for name in ("prompt_tokens", "generation_tokens") if page.has(name)
    )
    if found:
        yield TimeSeries(
            key="tokens-per-iteration",
            title="Mean tokens per iteration",
            description="Tokens of finished requests over the engine's steps, by server: how full "
            "the steps are on average. Generation near 1 under load wastes the GPU on tiny "
            "batches. Tokens count when a request ends, so look at more than a few minutes.",
            queries=found,
            minimum=0,
        )
