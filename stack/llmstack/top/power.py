"""The power that GPUs draw: what DCGM says under its new and old names, and otherwise Triton."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from llmdash.metrics import triton
from llmstack.scraping.gpus import POWER as DCGM
from llmstack.top.figures import Gpus
from llmstack.top.page import Page

#: Each name with the label that names the GPU; of a GPU that several tell of, the first counts.
FAMILIES = (
    *((family.name, "UUID") for family in DCGM),
    (triton.NV_GPU_POWER_USAGE.name, "gpu_uuid"),
)
NAMES = tuple(name for name, _ in FAMILIES)


def _each_gpu() -> str:
    # A GPU that pods or slices share has a series for each of them, with the power of all of it.
    return " or ".join(
        f'max by (gpu) (label_replace({name}{{{label}!=""}}, "gpu", "$1", "{label}", "(.+)"))'
        for name, label in FAMILIES
    )


POWER = f"sum({_each_gpu()})"
GPUS = f"count({_each_gpu()})"


def gpus_on(pages: Iterable[Page]) -> Gpus | None:
    """Return what pages tell of GPUs; each counts once, however many pages it is on."""
    watts: dict[str, float] = {}
    seen = list(pages)
    for name, label in FAMILIES:
        found: dict[str, float] = {}
        for page in seen:
            for sample in page.samples(name):
                gpu = sample.labels.get(label, "")
                if gpu and isfinite(sample.value):
                    found[gpu] = max(sample.value, found.get(gpu, sample.value))
        watts = {**found, **watts}
    return Gpus(len(watts), sum(watts.values())) if watts else None
