"""The memory of GPUs: engines take it ahead, so how full it is says little of the load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmdash.dashboards.dcgm.page import BY_GPU, LEGEND, GpuPage
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.style import PLAIN, hue
from llmdash.promql.expressions import first_of
from llmdash.promql.nodes import Expr

_PARTS = ("gpu_memory_used", "gpu_memory_free")


def memory_share(page: GpuPage, by: Sequence[str] = BY_GPU) -> Expr:
    """Return which share of what is used or free is used, on each GPU."""
    used, free = (page.now(name, by) for name in _PARTS)
    return used / (used + free)


def memory_panels(page: GpuPage) -> Iterator[Panel]:
    """Yield which share of its memory is taken on each GPU."""
    if all(page.has(name) for name in _PARTS):
        yield TimeSeries(
            key="memory-share",
            title="Memory used, share",
            description="Memory taken on each GPU, of used and free. vLLM and its kin take their "
            "share at the start (gpu-memory-utilization, 0.9 by default) for weights and KV "
            "cache and never give it back: near full and flat is healthy, and no alarm. A line "
            "that climbs is a leak, or another process on the GPU; one that falls is an engine "
            "that ended or sleeps.",
            queries=(Query("share", memory_share(page), LEGEND, color=hue("gpu_memory_used")),),
            width=8,
        )


def memory_details(page: GpuPage) -> Iterator[Panel]:
    """Yield how much memory is taken, left, and there at all, in bytes."""
    yield from page.graph(
        "gpu_memory_used",
        "Memory used",
        "Memory taken on each GPU, by all processes together. GPUs of one engine have much the "
        "same; one with more has a guest, which the engine may miss at its next start.",
        width=12,
    )
    yield from page.graph(
        "gpu_memory_free",
        "Memory free",
        "Memory left on each GPU. What an engine leaves is for CUDA graphs and peaks of "
        "activations: near nothing, its next large batch may end in an out-of-memory error.",
        width=12,
    )
    yield from _all_memory(page)


def _all_memory(page: GpuPage) -> Iterator[Panel]:
    if not all(page.has(name) for name in _PARTS):
        return
    used, free = (page.now(name) for name in _PARTS)
    whole: Expr = used + free
    text = "Memory of each GPU that can be used: used and free together."
    if page.has("gpu_memory_reserved"):
        reserved = page.now("gpu_memory_reserved")
        # Exporters before 4.3.1 do not tell of it.
        whole = first_of(whole + reserved, whole)
        text = "All memory of each GPU: used, free, and what the driver keeps where that is told."
    yield TimeSeries(
        key="memory-total",
        title="Memory in all",
        description=f"{text} It changes only when a GPU is cut into slices, loses pages, or is "
        "another one: a line that jumps is a GPU that took another's number.",
        queries=(Query("total", whole, LEGEND, color=PLAIN),),
    )
    yield from page.graph(
        "gpu_memory_reserved",
        "Memory reserved by the driver",
        "Memory that the driver keeps for itself on each GPU and no process can have. It is "
        "small and flat; a step is another driver, or ECC switched on or off.",
        width=12,
    )
