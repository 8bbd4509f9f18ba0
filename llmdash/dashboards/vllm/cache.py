"""vLLM's caches: what any engine tells of them, how long blocks live, and how they are set up."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.engine.cache import DESCRIPTION, cache_rows
from llmdash.dashboards.engine.page import engine_dashboard
from llmdash.dashboards.engine.series import distribution_of
from llmdash.dashboards.panels import LabelColumn, Panel, Query, Stat, Table, TimeSeries
from llmdash.dashboards.policy import KV_CACHE, REUSE_NEAR_EVICTION
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage, percent
from llmdash.dashboards.style import BLOCK_LIVES
from llmdash.dashboards.vllm.offload import offload_rows
from llmdash.layer import Layer
from llmdash.metrics import vllm as metrics
from llmdash.metrics import vllm_features, vllm_v0
from llmdash.metrics.metric import Histogram
from llmdash.promql.expressions import counted_as, greatest
from llmdash.promql.nodes import Expr
from llmdash.promql.units import base
from llmdash.promql.windows import RANGE, RATE_INTERVAL, Window
from llmdash.sources.source import Source

BLOCKS = base("blocks")

#: The configuration that explains the rest of the page; the exporter has more.
SETTINGS = (
    LabelColumn("instance", "Instance"),
    LabelColumn("engine", "Engine"),
    LabelColumn("num_gpu_blocks", "GPU blocks"),
    LabelColumn("block_size", "Tokens per block"),
    LabelColumn("kv_cache_size_tokens", "Tokens in all"),
    LabelColumn("kv_cache_max_concurrency", "Longest requests at once"),
    LabelColumn("cache_dtype", "Data type"),
    LabelColumn("enable_prefix_caching", "Prefix caching"),
    LabelColumn("gpu_memory_utilization", "GPU memory share"),
    LabelColumn("num_cpu_blocks", "CPU blocks"),
)


def vllm_cache(source: Source, layer: Layer) -> Dashboard | None:
    """Return the page."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    return engine_dashboard(page, "cache", DESCRIPTION, vllm_cache_rows(page))


def vllm_cache_rows(page: SourcePage) -> tuple[Row, ...]:
    """Return what any engine says of its caches, and what only vLLM does."""
    return (
        *cache_rows(page),
        *row_of("settings", "How the cache is set up", _settings(page)),
        *row_of("v0", "CPU cache (V0)", _cpu_cache(page)),
        *row_of("residency", "How long blocks live", _residency(page), collapsed=True),
        *row_of("finer", "Tiers and inputs", _finer(page), collapsed=True),
        *offload_rows(page),
    )


def _settings(page: SourcePage) -> Iterator[Panel]:
    yield Table(
        key="settings",
        title="Cache configuration",
        description="What each engine was started with, and what that came to. Two engines of one "
        "model that differ here answer differently under the same load; prefix caching False "
        "explains a hit ratio of zero. None in CPU blocks is usual since V1.",
        queries=(Query("info", page.select(metrics.CACHE_CONFIG_INFO)),),
        by=SETTINGS,
    )


# --- life of blocks ------------------------------------------------------------------------------


def _life(
    page: SourcePage, family: Histogram, share: float, window: Window = RATE_INTERVAL
) -> Expr:
    return distribution_of(page, family).quantile(share, window, (), page.matchers())


def reuse_near_eviction(page: SourcePage) -> Expr:
    """Return how late blocks are used again, over how long they are kept without use.

    Few blocks are watched and fewer are evicted, so it is of the whole time on screen.
    """
    gap = _life(page, vllm_features.KV_BLOCK_REUSE_GAP_SECONDS, 0.9, RANGE)
    return gap / _life(page, vllm_features.KV_BLOCK_IDLE_BEFORE_EVICT_SECONDS, 0.5, RANGE)


def _residency(page: SourcePage) -> Iterator[Panel]:
    lifetime = vllm_features.KV_BLOCK_LIFETIME_SECONDS
    if not page.speaks(lifetime):
        return
    yield Stat(
        key="more-cache-now",
        title="Would more cache pay?",
        description="The time after which blocks are used again (p90) over the time that they lie "
        "idle before eviction (p50), in the time range on screen. Well below 1, blocks go long "
        "after their last use and more memory would lie idle; near 1 or above, many are lost just "
        "before they are needed. Needs --kv-cache-metrics.",
        queries=(Query("ratio", reuse_near_eviction(page)),),
        thresholds=REUSE_NEAR_EVICTION,
        width=6,
        height=8,
    )
    yield TimeSeries(
        key="idle-and-reuse",
        title="Idle before eviction, and gap until reuse",
        description="How long evicted blocks had lain idle, and how long blocks that were used "
        "again had waited for it. Reuse gaps that reach up to the idle times are cut off there: "
        "more KV cache, or another tier, would turn evictions into hits. Needs "
        "--kv-cache-metrics, from vLLM 0.12.",
        queries=(
            *_lives(page, "idle", vllm_features.KV_BLOCK_IDLE_BEFORE_EVICT_SECONDS, (0.5, 0.9)),
            *_lives(page, "reuse", vllm_features.KV_BLOCK_REUSE_GAP_SECONDS, (0.5, 0.9)),
        ),
        width=18,
    )
    yield TimeSeries(
        key="lifetime",
        title="Lifetime of blocks",
        description="From allocation to eviction, of a sample of blocks. Shorter than the pause "
        "between two turns of a conversation, each turn reads its whole history again. Lifetimes "
        "above half an hour are told as half an hour. Needs --kv-cache-metrics.",
        queries=_lives(page, "life", lifetime, (0.5, 0.9, 0.99)),
    )
    evicted = distribution_of(page, lifetime).count_rate(
        RATE_INTERVAL, (page.model,), page.matchers()
    )
    yield TimeSeries(
        key="evictions",
        title="Blocks evicted, of the sample",
        description="Evicted blocks each second among those watched (1 of 100 unless "
        "--kv-cache-metrics-sample says otherwise). Its shape counts, not its height: a rise "
        "while hits fall is a cache that turns over too fast.",
        queries=(Query("rate", counted_as(evicted, BLOCKS.per_second), f"{{{{{page.model}}}}}"),),
    )


def _lives(
    page: SourcePage, name: str, family: Histogram, shares: tuple[float, ...]
) -> tuple[Query, ...]:
    titles = {"idle": "idle before eviction ", "reuse": "gap until reuse ", "life": ""}
    return tuple(
        Query(
            f"{name}-{percent(share)}",
            _life(page, family, share),
            f"{titles[name]}{percent(share)}",
            color=BLOCK_LIVES[name, share],
        )
        for share in shares
    )


# --- what few servers have -----------------------------------------------------------------------


def _finer(page: SourcePage) -> Iterator[Panel]:
    by_tier = metrics.PROMPT_TOKENS_CACHED_BY_SOURCE_TOTAL
    if page.speaks(by_tier):
        yield TimeSeries(
            key="cached-by-tier",
            title="Cached prompt tokens by tier",
            description="Prompt tokens each second that came from the GPU's own cache (device), "
            "CPU memory (host), disk or another server (p2p), counted when a request is admitted. "
            "What moves from device to slower tiers is the cache running over. From vLLM 0.32.",
            queries=(Query("tokens", page.rate(by_tier, ("source",)), "{{source}}"),),
            stack=True,
        )
    if page.speaks(metrics.MM_CACHE_QUERIES_TOTAL):
        hits = page.rate(metrics.MM_CACHE_HITS_TOTAL, (page.model,))
        yield TimeSeries(
            key="mm-cache",
            title="Multimodal input cache",
            description="Share of images, clips and sounds that were already processed. Low while "
            "users ask again about the same image: raise --mm-processor-cache-gb. A gap means "
            "that prompts are text. From vLLM 0.11.1.",
            queries=(
                Query(
                    "ratio",
                    hits / page.rate(metrics.MM_CACHE_QUERIES_TOTAL, (page.model,)),
                    f"{{{{{page.model}}}}}",
                ),
            ),
            maximum=1,
        )


def _cpu_cache(page: SourcePage) -> Iterator[Panel]:
    if page.speaks(vllm_v0.CPU_CACHE_USAGE_PERC):
        yield TimeSeries(
            key="cpu-cache",
            title="CPU cache use",
            description="Share of the V0 engine's CPU cache in use, which holds requests that were "
            "swapped out. At 1, requests that should go there are computed again instead.",
            queries=(
                Query(
                    "use",
                    greatest(page.select(vllm_v0.CPU_CACHE_USAGE_PERC), (page.model, "instance")),
                    f"{{{{{page.model}}}}} {{{{instance}}}}",
                ),
            ),
            thresholds=KV_CACHE,
        )
    if page.speaks(vllm_v0.CPU_PREFIX_CACHE_HIT_RATE):
        yield TimeSeries(
            key="prefix-v0",
            title="Prefix cache hit rate, V0",
            description="The V0 engine's own hit rates since its start, for blocks on the GPU and "
            "in CPU memory; they move ever more slowly the longer it runs.",
            queries=(
                Query(
                    "gpu",
                    greatest(
                        page.select(vllm_v0.GPU_PREFIX_CACHE_HIT_RATE), (page.model, "instance")
                    ),
                    f"{{{{{page.model}}}}} {{{{instance}}}} GPU",
                ),
                Query(
                    "cpu",
                    greatest(
                        page.select(vllm_v0.CPU_PREFIX_CACHE_HIT_RATE), (page.model, "instance")
                    ),
                    f"{{{{{page.model}}}}} {{{{instance}}}} CPU",
                ),
            ),
        )
