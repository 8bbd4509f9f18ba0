"""The memory rows of the TensorRT-LLM page: blocks of the KV cache, and the runtime's buffers."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.policy import KV_CACHE
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import hue
from llmdash.dashboards.triton.tensorrt_llm_series import (
    PER_MODEL,
    WHERE,
    blocks,
    growth,
    of_value,
)
from llmdash.metrics import triton_trtllm as metrics
from llmdash.promql.expressions import total
from llmdash.promql.nodes import Expr


def kv_cache_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield how full the KV cache is, and how much of it serves twice."""
    yield TimeSeries(
        key="kv-use",
        title="KV cache use by server",
        description="Share of KV blocks in use, for each model and instance. One line above the "
        "others is uneven routing; near 1, requests are paused or wait.",
        queries=(Query("use", page.gauge("kv_cache_use", "max", PER_MODEL), WHERE),),
        thresholds=KV_CACHE,
        minimum=0,
        maximum=1,
    )
    yield TimeSeries(
        key="kv-blocks",
        title="KV blocks by model",
        description="Blocks in use, free, and in all, by model over its servers. Free and used "
        "add up to max; max that steps down has lost a server.",
        queries=tuple(
            Query(kind, total(blocks(page, kind), ("model",)), f"{{{{model}}}} {kind}")
            for kind in ("used", "free", "max")
        ),
    )
    yield TimeSeries(
        key="kv-reused",
        title="KV blocks reused",
        description="Blocks found again from earlier prompts, each second. Zero while prompts "
        "share a beginning: reuse is off (enable_kv_cache_reuse), or the cache is too small to "
        "keep them. From backend 0.13.",
        queries=(
            Query(
                "rate",
                total(growth(blocks(page, "reused")), ("model",)),
                "{{model}}",
                color=hue("prefix_cache_hit_ratio"),
            ),
        ),
    )
    yield TimeSeries(
        key="kv-capacity",
        title="KV cache capacity",
        description="Tokens that the cache holds when full: max blocks times tokens per block, by "
        "model over its servers. Divide it by the usual prompt and answer to know how many "
        "requests fit.",
        queries=(Query("tokens", page.gauge("kv_cache_capacity", "sum", ("model",)), "{{model}}"),),
        minimum=0,
    )


def memory_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield the runtime's buffers, each kind of memory by itself."""

    def buffers(kind: str) -> Expr:
        return total(of_value(page, metrics.NV_TRT_LLM_RUNTIME_MEMORY_METRICS, kind), PER_MODEL)

    yield TimeSeries(
        key="memory-gpu",
        title="GPU memory of the runtime",
        description="Buffers that the runtime holds on the GPU, not weights or all that the GPU "
        "holds. It is flat after the start; a line that climbs is a leak.",
        queries=(Query("gpu", buffers("gpu"), WHERE),),
        width=8,
    )
    yield TimeSeries(
        key="memory-cpu",
        title="CPU memory of the runtime",
        description="Buffers that the runtime holds in the host's ordinary memory. A line that "
        "climbs from day to day will end the server when the host's memory is used up.",
        queries=(Query("cpu", buffers("cpu"), WHERE),),
        width=8,
    )
    yield TimeSeries(
        key="memory-pinned",
        title="Pinned memory of the runtime",
        description="Buffers in host memory that may not be swapped, for copies to and from the "
        "GPU. A KV cache offloaded to the host shows here; other growth is not expected.",
        queries=(Query("pinned", buffers("pinned"), WHERE),),
        width=8,
    )
