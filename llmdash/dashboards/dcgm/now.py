"""The answer first: are the GPUs well, which is not, and since when; a line for each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmdash.dashboards.counted import none_or
from llmdash.dashboards.dcgm.clock_events import MASK, harm, harm_mappings, is_held_back
from llmdash.dashboards.dcgm.memory import memory_share
from llmdash.dashboards.dcgm.page import BY_GPU_AND_MODEL, MODEL, GpuPage, ago
from llmdash.dashboards.dcgm.power import power_share_of_limit
from llmdash.dashboards.dcgm.xid import NAME as XID
from llmdash.dashboards.dcgm.xid import RECENTLY, named_codes, new_codes
from llmdash.dashboards.panels import (
    Column,
    LabelColumn,
    Mapping,
    Panel,
    Query,
    Stat,
    Table,
    Threshold,
    dashboard_url,
)
from llmdash.dashboards.policy import GPU_TEMPERATURE
from llmdash.promql.expressions import convert, greatest, total
from llmdash.promql.nodes import Binary, Expr
from llmdash.promql.units import COUNT, KILOWATT_HOURS

_ANY_IS_BAD = (Threshold(1, "red"),)


def gpu_tiles(page: GpuPage) -> Iterator[Panel]:
    """Yield the state of all GPUs chosen."""
    yield from _fleet_tiles(page)
    yield from _harm_tiles(page)
    yield from _load_tiles(page)


def _fleet_tiles(page: GpuPage) -> Iterator[Panel]:
    yield Stat(
        key="gpus",
        title="GPUs",
        description="GPUs that are seen now, each counted once, also one that several pods share "
        "or that is cut into slices. Fewer than you own: look at the next tile, then at the "
        "exporters.",
        queries=(Query("count", page.gpus()),),
    )
    before = ago(page.now("gpu_power"), RECENTLY)
    yield Stat(
        key="gpus-lost",
        title="GPUs lost, 1 h",
        description="GPUs that were seen an hour ago and are not any more: fallen off the bus "
        "(XID 79), their node down, or their exporter. Nodes that were taken away on purpose "
        "count until the hour is over.",
        queries=(
            Query("lost", none_or(Binary("unless", before, page.now("gpu_power")), page.gpus())),
        ),
        thresholds=_ANY_IS_BAD,
    )
    if page.has(XID):
        yield Stat(
            key="new-xids",
            title="New XIDs, 1 h",
            description="GPUs whose last XID is another one than an hour ago. It falls back by "
            "itself; the table of XIDs below says what each means. A repeat of the same code is "
            "not seen, and 0 is also shown where the exporter leaves XIDs out.",
            queries=(Query("new", none_or(new_codes(page, RECENTLY), page.gpus())),),
            thresholds=_ANY_IS_BAD,
        )
        yield Stat(
            key="gpus-with-xid",
            title="GPUs with an XID",
            description="GPUs for which the driver reported any error since it was loaded, weeks "
            "ago perhaps: the last code stays. It tells where to look, not that something is "
            "wrong now.",
            queries=(Query("count", none_or(page.now(XID) > 0, page.gpus())),),
            thresholds=(Threshold(1, "orange"),),
        )


def _harm_tiles(page: GpuPage) -> Iterator[Panel]:
    if page.has(MASK):
        yield Stat(
            key="held-back-now",
            title="Held back now",
            description=page.described(
                MASK,
                "GPUs whose clocks heat, a power brake or a hardware slowdown holds back at the "
                "moment. The power cap is not counted: at work it is normal.",
            ),
            queries=(Query("count", total(is_held_back(page.now(MASK)))),),
            thresholds=_ANY_IS_BAD,
        )
    if page.has("gpu_temperature"):
        yield Stat(
            key="hottest",
            title="Hottest",
            description="The temperature of the hottest GPU. Above 85 °C most GPUs lower their "
            "clocks by themselves; one alone points at its place in the rack, all at the room.",
            queries=(Query("celsius", page.gauge("gpu_temperature", "max")),),
            thresholds=GPU_TEMPERATURE,
        )
    if page.has("gpu_uncorrected_errors"):
        yield Stat(
            key="uncorrected-now",
            title="Uncorrected ECC errors",
            description=page.described(
                "gpu_uncorrected_errors",
                "Memory errors in the time on screen that ECC could not mend. Any is too many: "
                "drain the GPU, reset it, and replace it if they come back.",
            ),
            queries=(Query("errors", page.increased("gpu_uncorrected_errors")),),
            thresholds=_ANY_IS_BAD,
            unit=COUNT,
            decimals=0,
        )


def _load_tiles(page: GpuPage) -> Iterator[Panel]:
    if page.has("gpu_utilisation"):
        yield Stat(
            key="utilisation-now",
            title="Utilisation",
            description="The share of the time in which some kernel ran, averaged over the GPUs "
            "chosen. It shows which GPUs idle; a GPU at 100 % may still have room, see tensor "
            "cores and memory bandwidth.",
            queries=(Query("share", page.gauge("gpu_utilisation", "avg")),),
        )
    yield Stat(
        key="power-now",
        title="Power in all",
        description="Power that all GPUs chosen draw together. Servers need more than that: "
        "processors, fans and losses come on top.",
        queries=(Query("power", page.gauge("gpu_power", "sum")),),
        graph=True,
    )
    if page.has("gpu_power_limit"):
        yield Stat(
            key="power-of-limit-now",
            title="Share of power limit",
            description=page.described(
                "gpu_power_limit",
                "Power drawn, of what may be drawn at most, over the GPUs whose limit is known. "
                "Near 1 clocks are held back by power, which is normal for long prompts.",
            ),
            queries=(Query("share", power_share_of_limit(page)),),
        )
    if page.has("gpu_memory_used") and page.has("gpu_memory_free"):
        yield Stat(
            key="fullest-memory",
            title="Fullest memory",
            description="Memory taken on the GPU that has least left, of used and free. Engines "
            "take their share (90 % by default for vLLM) when they start and keep it, so nearly "
            "full is healthy there; how much is really in use, the KV cache of the engine tells.",
            queries=(Query("share", greatest(memory_share(page))),),
        )
    if page.has("gpu_energy"):
        yield Stat(
            key="energy-on-screen",
            title="Energy on screen",
            description="Energy that the GPUs chosen used in the time on screen, as they count "
            "it themselves. Processors, fans and cooling come on top.",
            queries=(Query("energy", convert(page.increased("gpu_energy"), KILOWATT_HOURS)),),
        )


_Cell = tuple[str, str, Expr, Sequence[Mapping], Sequence[Threshold]]


def gpu_table(page: GpuPage, uid: str) -> Panel:
    """Return a line for each GPU; a name filters the page to it."""
    cells = tuple(_cells(page))
    # What the panel's fields are called before columns are renamed.
    only = dashboard_url(
        uid,
        instance="${__data.fields.instance:percentencode}",
        gpu="${__data.fields.gpu:percentencode}",
    )
    return Table(
        key="gpus-table",
        title="Each GPU",
        description="A line for each GPU, hottest first; its number filters the page to it. The "
        "last XID stays when all is well again. A cell without data is something that this "
        "exporter or this GPU does not tell, not a zero.",
        by=(
            LabelColumn("instance"),
            LabelColumn("gpu", "GPU", only, "Show this GPU only"),
            LabelColumn(MODEL, "Model", stands_last=True),
        ),
        queries=tuple(Query(key, expression) for key, _, expression, *_ in cells),
        columns=tuple(
            Column(
                key,
                title,
                unit=COUNT if mappings else None,
                thresholds=tuple(thresholds),
                mappings=tuple(mappings),
            )
            for key, title, _, mappings, thresholds in cells
        ),
        sort_by="Temperature" if page.has("gpu_temperature") else "Power",
        height=10,
    )


def _cells(page: GpuPage) -> Iterator[_Cell]:
    """Yield the columns that the source can fill: first what judges, then what explains it."""
    if page.has(MASK):
        held = harm(page.now(MASK, BY_GPU_AND_MODEL))
        yield "held-back", "Held back", held, harm_mappings(), ()
    if page.has(XID):
        yield "xid", "Last XID", page.now(XID, BY_GPU_AND_MODEL), named_codes(), ()
    if page.has("gpu_temperature"):
        hot = page.now("gpu_temperature", BY_GPU_AND_MODEL)
        yield "temperature", "Temperature", hot, (), GPU_TEMPERATURE
    for name, title in (
        ("gpu_sm_clock", "SM clock"),
        ("gpu_power", "Power"),
        ("gpu_utilisation", "Utilisation"),
        ("gpu_tensor_activity", "Tensor cores"),
        ("gpu_memory_activity", "Memory bandwidth"),
        ("gpu_memory_used", "Memory used"),
        ("gpu_memory_free", "Memory free"),
    ):
        if page.has(name):
            yield _key(name), title, page.now(name, BY_GPU_AND_MODEL), (), ()


def _key(name: str) -> str:
    return name.removeprefix("gpu_").replace("_", "-")
