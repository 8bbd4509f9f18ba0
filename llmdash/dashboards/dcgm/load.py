"""What GPUs do: utilisation, the two things that limit language models, and their links."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dcgm.page import LEGEND, GpuPage
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.style import hue


def load_panels(page: GpuPage) -> Iterator[Panel]:
    """Yield how busy GPUs are, and with what."""
    yield from page.graph(
        "gpu_utilisation",
        "GPU utilisation",
        "Which share of the time some kernel ran on each GPU. It tells idle from busy and no "
        "more: one small kernel at a time makes 1. One GPU at 0 beside busy ones serves "
        "nothing.",
    )
    yield from page.graph(
        "gpu_tensor_activity",
        "Tensor cores",
        "Which share of the time the tensor cores of each GPU worked. Reading prompts (prefill) "
        "lives on them; while tokens are written it is near 0, which is no fault. Low with a "
        "queue of long prompts means that something else holds prefill up.",
    )
    yield from page.graph(
        "gpu_memory_activity",
        "Memory bandwidth",
        "Which share of the time the memory of each GPU moved data. Writing tokens (decode) "
        "lives on it: high is a GPU well used, and only fewer bytes for each token, by larger "
        "batches or smaller weights, make it faster.",
    )


def link_panels(page: GpuPage) -> Iterator[Panel]:
    """Yield what goes over PCIe and NVLink."""
    directions = tuple(name for name in ("gpu_pcie_received", "gpu_pcie_sent") if page.has(name))
    if directions:
        yield TimeSeries(
            key="pcie",
            title="PCIe traffic",
            description=page.described(
                directions[0],
                "What each GPU receives and sends over PCIe. An engine that serves needs little; "
                "much is weights being loaded, a KV cache offloaded to the host, or tensor "
                "parallelism without NVLink.",
            ),
            queries=tuple(
                Query(
                    name.removeprefix("gpu_pcie_"),
                    page.now(name),
                    f"{LEGEND} {name.removeprefix('gpu_pcie_')}",
                    color=hue(name),
                )
                for name in directions
            ),
        )
    yield from page.graph(
        "gpu_nvlink_traffic",
        "NVLink traffic",
        "What goes over all NVLinks of each GPU, both directions together. Ranks of tensor "
        "parallelism have about the same; at zero while PCIe is busy, NVLink is not used.",
        width=12,
    )


def detail_panels(page: GpuPage) -> Iterator[Panel]:
    """Yield what is seldom asked."""
    yield from page.graph(
        "gpu_engine_activity",
        "Compute engine activity",
        "Which share of the time the compute engine of each GPU was busy. Unlike utilisation "
        "it is known for slices of a GPU too (MIG), of which the busiest is shown.",
        width=12,
    )
    yield from page.graph(
        "gpu_copy_utilisation",
        "Memory controller utilisation",
        "Which share of the time the memory controller of each GPU was busy: a rough measure "
        "of bandwidth where the profiling module is missing, and none of how full memory is.",
        width=12,
    )
    yield from page.graph(
        "gpu_encoder_utilisation",
        "Video encoder",
        "How busy the video encoder of each GPU is. Language models do not use it: above zero, "
        "something else runs on the GPU.",
        width=12,
    )
    yield from page.graph(
        "gpu_decoder_utilisation",
        "Video decoder",
        "How busy the video decoder of each GPU is. Only models that watch videos use it; near "
        "1 their requests queue for it.",
        width=12,
    )
