"""The GPUs and the host under Triton, as it tells of them itself."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.metrics import triton as metrics
from llmdash.promql.expressions import greatest, total
from llmdash.promql.nodes import Expr


def host_panels(page: SourcePage) -> tuple[Panel, ...]:
    """Return what Triton tells of its GPUs and its host."""
    by_gpu = ("instance", "gpu_uuid")
    legend = "{{instance}} {{gpu_uuid}}"

    def of_gpu(name: str, gauge: Expr) -> Query:
        return Query(name, greatest(gauge, by_gpu), legend)

    select = page.select
    return (
        TimeSeries(
            key="gpu-utilisation",
            title="GPU utilisation",
            description="Share of time in which some kernel ran on each GPU. High is normal for a "
            "busy server; low with a queue means that the GPU waits for something else.",
            queries=(of_gpu("use", select(metrics.NV_GPU_UTILIZATION)),),
            width=8,
        ),
        TimeSeries(
            key="gpu-memory",
            title="GPU memory",
            description="Memory in use and in all, for each GPU. LLM backends take their share at "
            "start, so a high flat line is normal; a climbing one is a leak.",
            queries=(
                Query(
                    "used",
                    greatest(select(metrics.NV_GPU_MEMORY_USED_BYTES), by_gpu),
                    f"{legend} used",
                ),
                Query(
                    "total",
                    greatest(select(metrics.NV_GPU_MEMORY_TOTAL_BYTES), by_gpu),
                    f"{legend} total",
                ),
            ),
            width=8,
        ),
        TimeSeries(
            key="gpu-power",
            title="GPU power",
            description="Power drawn by each GPU, and its limit. Drawn at the limit for long, "
            "clocks are held back.",
            queries=(
                Query(
                    "power",
                    greatest(select(metrics.NV_GPU_POWER_USAGE), by_gpu),
                    f"{legend} drawn",
                ),
                Query(
                    "limit",
                    greatest(select(metrics.NV_GPU_POWER_LIMIT), by_gpu),
                    f"{legend} limit",
                ),
            ),
            width=8,
        ),
        TimeSeries(
            key="cpu-utilisation",
            title="Host CPU utilisation",
            description="Share of all the host's cores in use, whatever the container's limit is. "
            "Near 1, tokenising and Python backends slow everything down.",
            queries=(
                Query(
                    "use",
                    greatest(select(metrics.NV_CPU_UTILIZATION), ("instance",)),
                    "{{instance}}",
                ),
            ),
        ),
        TimeSeries(
            key="host-memory",
            title="Host memory",
            description="The host's memory in use and in all, not the container's. Growing without "
            "end is a leak in a backend.",
            queries=(
                Query(
                    "used",
                    total(select(metrics.NV_CPU_MEMORY_USED_BYTES), ("instance",)),
                    "{{instance}} used",
                ),
                Query(
                    "total",
                    total(select(metrics.NV_CPU_MEMORY_TOTAL_BYTES), ("instance",)),
                    "{{instance}} total",
                ),
            ),
        ),
    )


def host_details(page: SourcePage) -> Iterator[Panel]:
    """Yield what only details ask of them."""
    if page.speaks(metrics.NV_PINNED_MEMORY_POOL_USED_BYTES):
        used, whole = (
            total(page.select(pool), ("instance",))
            for pool in (
                metrics.NV_PINNED_MEMORY_POOL_USED_BYTES,
                metrics.NV_PINNED_MEMORY_POOL_TOTAL_BYTES,
            )
        )
        yield TimeSeries(
            key="pinned-memory",
            title="Pinned memory pool",
            description="Host memory for copies to the GPU, in use and in all. When it is used "
            "up, Triton copies through ordinary memory and compute input grows: raise "
            "--pinned-memory-pool-byte-size. From 24.01.",
            queries=(
                Query("used", used, "{{instance}} used"),
                Query("total", whole, "{{instance}} total"),
            ),
        )
    yield TimeSeries(
        key="gpu-energy",
        title="GPU power, from energy",
        description="Energy that each GPU used, as power on average between scrapes. Unlike the "
        "power gauge it misses no peak; the two far apart means that the gauge is sampled at "
        "unlucky moments. Not every GPU counts energy.",
        queries=(
            Query(
                "power",
                page.rate(metrics.NV_ENERGY_CONSUMPTION, ("instance", "gpu_uuid")),
                "{{instance}} {{gpu_uuid}}",
            ),
        ),
    )
