"""GPUs that are played: the same again for the same seed, and as a GPU at work behaves."""

from __future__ import annotations

from itertools import pairwise

from llmstack.gpu_exporter.exposition import Exposition
from llmstack.gpu_exporter.names import Names
from llmstack.gpu_exporter.sampler import Sampler
from llmstack.gpu_exporter.settings import Settings
from llmstack.gpu_exporter.simulated import SimulatedNvml
from llmstack.gpu_exporter.simulated_gpu import POWER_LIMIT_WATTS, SimulatedGpu
from tests.exposition import read_exposition

#: A whole swell and ebb, as often as it is sampled.
EVENING = range(0, 600, 2)


def pages(seed: int, moments: range) -> list[str]:
    now = 0.0
    library = SimulatedNvml(2, seed, clock=lambda: now)
    sampler = Sampler(library, Settings(), clock=lambda: now, say=lambda _: None)
    shown = Exposition(Names.LEGACY, "inn", 10)
    found = []
    for moment in moments:
        now = float(moment)
        sampler.sample()
        found.append(shown.text(sampler.snapshot, now))
    sampler.stop()
    return found


def test_equal_seeds_make_equal_pages() -> None:
    """What is played depends on the seed and the time alone."""
    moments = range(0, 20, 2)

    assert pages(3, moments) == pages(3, moments)
    assert pages(3, moments) != pages(4, moments)


def test_load_swells_and_ebbs() -> None:
    """Within ten minutes a GPU idles and stands at its power limit, and hotter with more power."""
    gpu = SimulatedGpu(0, 1)
    seen = []
    for moment in EVENING:
        gpu.advance(float(moment))
        seen.append((gpu.watts, gpu.temperature, gpu.utilisation, gpu.clock_events))

    watts, heat, busy, events = (list(each) for each in zip(*seen, strict=True))
    assert (95, POWER_LIMIT_WATTS) == (min(watts), max(watts))
    assert 30 <= min(heat) < 45
    assert 60 < max(heat) < 85
    assert {0} == {share for share, each in zip(busy, watts, strict=True) if each == 95}
    assert {0, 1, 4} == set(events)


def test_energy_is_power_over_time() -> None:
    """What the counter grew by is what was drawn meanwhile."""
    gpu = SimulatedGpu(0, 1)
    drawn = 0.0
    for moment in EVENING:
        before = gpu.now
        gpu.advance(float(moment))
        drawn += gpu.watts * (gpu.now - before)

    assert round(drawn) == round(gpu.energy_millijoules / 1000)


def test_counters_only_grow() -> None:
    """No counter of a played GPU falls in ten minutes."""
    shown = [read_exposition(page) for page in pages(1, range(0, 600, 30))]
    fell = [
        name
        for earlier, later in pairwise(shown[1:])
        for name, family in later.items()
        if family.kind == "counter" and name != "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL"
        for before, after in zip(earlier[name].samples, family.samples, strict=True)
        if after.value < before.value
    ]

    assert [] == fell


def test_what_a_played_gpu_lacks_is_not_there() -> None:
    """It has no fan, remaps rows, and retires no pages, as its likes do."""
    shown = read_exposition(pages(1, range(0, 4, 2))[-1])

    assert set() == {"DCGM_FI_DEV_FAN_SPEED", "DCGM_FI_DEV_RETIRED_SBE"} & set(shown)
    assert {"DCGM_FI_DEV_ROW_REMAP_FAILURE", "DCGM_FI_PROF_DRAM_ACTIVE"} <= set(shown)
    assert "gpu_exporter_call_failures_total" not in shown
