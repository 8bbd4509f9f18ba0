"""vLLM's KV blocks outside the GPU: what connectors load, store and find in CPU memory and beyond.

None of these families is there without its connector, so the rows are closed until asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Row
from llmdash.dashboards.engine.series import distribution_of, engine_labels, engine_legend
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import DIRECTIONS
from llmdash.errors import SourceError
from llmdash.metrics import vllm_offload as metrics
from llmdash.metrics.metric import Counter
from llmdash.promql.expressions import greatest, total
from llmdash.promql.nodes import Expr, Matcher
from llmdash.promql.windows import RATE_INTERVAL

BY_TIER = ("tier",)

#: The newer name of each direction, and the older one's value of transfer_type.
LOADS = (metrics.KV_OFFLOAD_LOAD_BYTES_TOTAL, metrics.KV_OFFLOAD_LOAD_TIME_TOTAL, "CPU_to_GPU")
STORES = (metrics.KV_OFFLOAD_STORE_BYTES_TOTAL, metrics.KV_OFFLOAD_STORE_TIME_TOTAL, "GPU_to_CPU")

#: What it means that blocks did not reach CPU memory.
LOST = {
    "skipped": "Stores that were left out each second because their blocks had not been asked for "
    "often enough (store_threshold). Most of them is the intent; all of them, the threshold is "
    "above what traffic repeats.",
    "failed": "Blocks each second for which CPU memory had no room. Steadily above zero, the tier "
    "is too small, or transfers hold it for too long.",
}


def offload_rows(page: SourcePage) -> tuple[Row, ...]:
    """Return what vLLM's offloading connectors tell, where the releases have them."""
    return (
        *row_of("offload", "KV offload (OffloadingConnector)", _offload(page), collapsed=True),
        *row_of("tiers", "KV offload tiers (below CPU memory)", _tiers(page), collapsed=True),
        *row_of(
            "simple-offload",
            "KV offload (SimpleCPUOffloadConnector)",
            _simple(page),
            collapsed=True,
        ),
    )


# --- expressions ---------------------------------------------------------------------------------


def moved(page: SourcePage, newer: Counter, older: Counter, transfer_type: str) -> Expr:
    """Return the rate of what one direction moves, under whichever name a release has.

    Raises:
        SourceError: no release of the source has either.
    """
    dialect = page.source.dialect
    selected = [dialect.select(newer)] if dialect.speaks(newer) else []
    if dialect.speaks(older):
        selected.append(dialect.select(older, Matcher("transfer_type", "=", transfer_type)))
    term = dialect.joined(selected)
    if term is None:
        raise SourceError(f"{page.source.name} never exposes {newer.name}")
    chosen = term.narrowed(page.matchers())
    return chosen.grouped("sum", chosen.per_second(RATE_INTERVAL), ())


def _bytes(page: SourcePage, direction: tuple[Counter, Counter, str]) -> Expr:
    newer, _, older = direction
    return moved(page, newer, metrics.KV_OFFLOAD_TOTAL_BYTES_TOTAL, older)


def _time(page: SourcePage, direction: tuple[Counter, Counter, str]) -> Expr:
    _, newer, older = direction
    return moved(page, newer, metrics.KV_OFFLOAD_TOTAL_TIME_TOTAL, older)


# --- panels --------------------------------------------------------------------------------------


def _directions(load: Expr, store: Expr) -> tuple[Query, ...]:
    return (
        Query("load", load, "load", color=DIRECTIONS["load"]),
        Query("store", store, "store", color=DIRECTIONS["store"]),
    )


def _offload(page: SourcePage) -> Iterator[Panel]:
    if not page.speaks(metrics.KV_OFFLOAD_TOTAL_BYTES_TOTAL):
        return
    loaded, stored = _bytes(page, LOADS), _bytes(page, STORES)
    loading, storing = _time(page, LOADS), _time(page, STORES)
    yield TimeSeries(
        key="offload-bytes",
        title="KV blocks loaded and stored",
        description="Bytes moved from CPU memory to the GPU (load) and back (store) each second. "
        "Stores without loads fill a tier that nobody reads. Needs OffloadingConnector, from "
        "vLLM 0.16.",
        queries=_directions(loaded, stored),
    )
    yield TimeSeries(
        key="offload-time",
        title="Time spent on transfers",
        description="Seconds of transfers each second, of all engines together. Loads near 1 for "
        "each engine mean that requests wait for the bus: computing the prompt again may be "
        "faster.",
        queries=_directions(loading, storing),
        zoomed=True,
    )
    yield TimeSeries(
        key="offload-bandwidth",
        title="Transfer bandwidth",
        description="Bytes moved for each second that a transfer took. Far below what PCIe can do, "
        "blocks are moved in small pieces: larger offloaded blocks help. A gap means no transfer.",
        queries=_directions(loaded / loading, stored / storing),
    )
    yield from _cpu_memory(page)
    yield from _lookups(page)


def _cpu_memory(page: SourcePage) -> Iterator[Panel]:
    if not page.speaks(metrics.KV_OFFLOAD_CPU_CACHE_USAGE_PERC):
        return
    pinned = [("pinned", metrics.KV_OFFLOAD_CPU_CACHE_USAGE_PERC)]
    if page.speaks(metrics.KV_OFFLOAD_CPU_CACHE_WRITE_USAGE_PERC):
        pinned += [
            ("written", metrics.KV_OFFLOAD_CPU_CACHE_WRITE_USAGE_PERC),
            ("read", metrics.KV_OFFLOAD_CPU_CACHE_READ_USAGE_PERC),
        ]
    yield TimeSeries(
        key="offload-pinned",
        title="CPU memory held by transfers",
        description="Share of the CPU blocks that transfers under way hold, on the busiest engine; "
        "it is not how full the tier is. Near 1, new stores find no block and are skipped. Needs "
        "OffloadingConnector, from vLLM 0.24.",
        queries=tuple(Query(name, greatest(page.select(gauge)), name) for name, gauge in pinned),
    )
    lost = [("skipped", "stores skipped", page.rate(metrics.KV_OFFLOAD_STORES_SKIPPED_TOTAL))]
    if page.speaks(metrics.KV_OFFLOAD_ALLOCATION_FAILURE_TOTAL):
        failures = page.rate(metrics.KV_OFFLOAD_ALLOCATION_FAILURE_TOTAL)
        lost.append(("failed", "no CPU block free", failures))
    for key, title, expression in lost:
        yield TimeSeries(
            key=f"offload-{key}",
            title=f"Offload: {title}",
            description=LOST[key],
            queries=(Query("rate", expression),),
            width=6,
        )


def _lookups(page: SourcePage) -> Iterator[Panel]:
    families = (
        ("sync", metrics.KV_OFFLOAD_LOOKUP_SYNC_DELAY_SECONDS),
        ("async", metrics.KV_OFFLOAD_LOOKUP_ASYNC_DELAY_SECONDS),
    )
    if not page.speaks(metrics.KV_OFFLOAD_LOOKUP_SYNC_DELAY_SECONDS):
        return
    chosen = page.matchers()
    yield TimeSeries(
        key="offload-lookup",
        title="Lookup delay, p95",
        description="95 of 100 lookups in the offloaded blocks took at most this long. Synchronous "
        "ones (sync) hold the scheduler and all requests with it, so milliseconds matter; "
        "asynchronous ones delay their own request only. From vLLM 0.26.",
        queries=tuple(
            Query(
                name, distribution_of(page, family).quantile(0.95, RATE_INTERVAL, (), chosen), name
            )
            for name, family in families
        ),
    )


def _tiers(page: SourcePage) -> Iterator[Panel]:
    if not page.speaks(metrics.KV_OFFLOAD_TIERING_CHUNK_QUERIES_TOTAL):
        return
    hits = page.rate(metrics.KV_OFFLOAD_TIERING_CHUNK_HITS_TOTAL, BY_TIER)
    yield TimeSeries(
        key="tier-hits",
        title="Hit ratio by tier",
        description="Share of chunks looked up in each tier that it has. A lower tier is asked "
        "only for what those above lack; one that finds nothing adds delay and no tokens. Needs "
        "OffloadingConnector with tiers, from vLLM 0.28.",
        queries=(
            Query(
                "ratio",
                hits / page.rate(metrics.KV_OFFLOAD_TIERING_CHUNK_QUERIES_TOTAL, BY_TIER),
                "{{tier}}",
            ),
        ),
        maximum=1,
    )
    read = page.rate(metrics.KV_OFFLOAD_TIERING_READ_BYTES_TOTAL, BY_TIER)
    written = page.rate(metrics.KV_OFFLOAD_TIERING_WRITE_BYTES_TOTAL, BY_TIER)
    yield TimeSeries(
        key="tier-bytes",
        title="Read and written by tier",
        description="Bytes read from and written to each tier every second. Writes that stay far "
        "above reads wear a disk out for blocks that nobody asks for again.",
        queries=(Query("read", read, "{{tier}} read"), Query("write", written, "{{tier}} written")),
    )
    yield TimeSeries(
        key="tier-bandwidth",
        title="Bandwidth by tier",
        description="Bytes for each second that a read or write took. A tier that is "
        "slower than computing the same tokens costs more than it saves; falling bandwidth is a "
        "disk or a network that others use too. A gap means no transfer.",
        queries=(
            Query(
                "read",
                read / page.rate(metrics.KV_OFFLOAD_TIERING_READ_TIME_TOTAL, BY_TIER),
                "{{tier}} read",
            ),
            Query(
                "write",
                written / page.rate(metrics.KV_OFFLOAD_TIERING_WRITE_TIME_TOTAL, BY_TIER),
                "{{tier}} written",
            ),
        ),
    )
    yield TimeSeries(
        key="tier-failures",
        title="Failed jobs by tier",
        description="Promotions (up to CPU memory) and cascades (down to the next tier) that "
        "failed each second. Any at all for longer than a restart points at the tier's storage.",
        queries=(
            Query(
                "promotion",
                page.rate(metrics.KV_OFFLOAD_TIERING_PROMOTION_JOB_FAILURES_TOTAL, BY_TIER),
                "{{tier}} promotion",
            ),
            Query(
                "cascade",
                page.rate(metrics.KV_OFFLOAD_TIERING_CASCADE_JOB_FAILURES_TOTAL, BY_TIER),
                "{{tier}} cascade",
            ),
        ),
    )


def _simple(page: SourcePage) -> Iterator[Panel]:
    if not page.speaks(metrics.SIMPLE_KV_OFFLOAD_SAVE_OUTCOMES_TOTAL):
        return
    yield TimeSeries(
        key="simple-outcomes",
        title="Stores by outcome",
        description="stored went to CPU memory; skipped_… was there already; dropped_cpu_full "
        "found no room, so the tier is too small for the traffic. Needs "
        "SimpleCPUOffloadConnector, from vLLM 0.31.",
        queries=(
            Query(
                "rate",
                page.rate(metrics.SIMPLE_KV_OFFLOAD_SAVE_OUTCOMES_TOTAL, ("outcome",)),
                "{{outcome}}",
            ),
        ),
        stack=True,
    )
    yield TimeSeries(
        key="simple-blocks",
        title="Blocks in CPU memory",
        description="Blocks that each engine keeps in CPU memory, and those that wait to be "
        "stored. A flat line of used blocks is a tier that is full and replaces its oldest; "
        "pending that grows, the bus cannot follow.",
        queries=(
            Query(
                "used",
                total(page.select(metrics.SIMPLE_KV_OFFLOAD_USED_BLOCKS), engine_labels(page)),
                f"{engine_legend(page)} used",
            ),
            Query(
                "pending",
                total(
                    page.select(metrics.SIMPLE_KV_OFFLOAD_PENDING_STORE_BLOCKS),
                    engine_labels(page),
                ),
                f"{engine_legend(page)} pending",
            ),
        ),
    )
    yield TimeSeries(
        key="simple-loads",
        title="Blocks loaded from CPU memory",
        description="Blocks that came back to the GPU each second instead of being computed. Zero "
        "while blocks are stored means that prompts do not come again in time.",
        queries=(Query("rate", page.rate(metrics.SIMPLE_KV_OFFLOAD_LOAD_BLOCKS_TOTAL)),),
    )
