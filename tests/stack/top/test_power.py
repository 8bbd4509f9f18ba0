"""The power of GPUs on pages: each GPU once, under whichever name."""

from __future__ import annotations

import pytest

from llmstack.gpu_exporter.exposition import Exposition
from llmstack.gpu_exporter.names import Names
from llmstack.gpu_exporter.sampler import Sampler
from llmstack.gpu_exporter.settings import Settings
from llmstack.gpu_exporter.simulated import SimulatedNvml
from llmstack.top.figures import Gpus
from llmstack.top.page import Page, read_page
from llmstack.top.page_reader import NAMES
from llmstack.top.power import gpus_on

OLD = 'DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-a"} 100\nDCGM_FI_DEV_POWER_USAGE{gpu="1",UUID="GPU-b"} 200\n'
NEW = 'DCGM_FI_DEV_BOARD_POWER_WATTS{gpu="0",UUID="GPU-a"} 101\n'
TRITON = 'nv_gpu_power_usage{gpu_uuid="GPU-b"} 190\nnv_gpu_power_usage{gpu_uuid="GPU-c"} 50\n'


def read(text: str) -> Page:
    return read_page(text, NAMES)


def test_old_and_new_names() -> None:
    """Of a GPU under both names the new one counts, and of one that Triton tells of too, DCGM's."""
    assert Gpus(2, 300) == gpus_on([read(OLD)])
    assert Gpus(2, 301) == gpus_on([read(OLD + NEW)])
    assert Gpus(3, 351) == gpus_on([read(OLD + NEW), read(TRITON)])


def test_a_gpu_that_is_shared_counts_once() -> None:
    """Pods and slices have a series each, with the power of all of it; pages may be of one host."""
    shared = 'DCGM_FI_DEV_POWER_USAGE{UUID="GPU-a",pod="x"} 100\nDCGM_FI_DEV_POWER_USAGE{UUID="GPU-a",pod="y"} 102\n'

    assert Gpus(1, 102) == gpus_on([read(shared), read(shared)])


def test_no_gpu() -> None:
    """Is not 0 W."""
    assert gpus_on([read("nv_inference_request_success 1\n")]) is None


@pytest.mark.parametrize("names", Names)
def test_a_gpu_exporter(names: Names) -> None:
    """The one of the stack, with old names and with new ones: what both GPUs draw together."""
    sampler = Sampler(SimulatedNvml(2, 0, clock=lambda: 0.0), Settings(), clock=lambda: 0.0, say=lambda _: None)  # fmt: skip
    sampler.sample()
    text = Exposition(names, "inn", 10).text(sampler.snapshot, 0.0)
    sampler.stop()
    found = gpus_on([read(text)])

    assert found is not None
    assert 2 == found.count
    assert 2 * 50 < found.watts < 2 * 700
