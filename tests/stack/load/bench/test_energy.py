"""Joules of a run, from counters that move now and then, or from watts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pytest

from llmstack.load.bench.energy import Drawn, Meter, energy
from llmstack.load.server_side.sources import Look, UnreadableError
from llmstack.scraping.samples import samples_of


@dataclass
class Page:
    """A page of an exporter."""

    text: str

    def look(self, names: Collection[str]) -> Look:
        return Look(samples_of(self.text, names), 0.0)

    def __str__(self) -> str:
        return "http://gpus"


OLD = """\
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="a"} 5000
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="1",UUID="b"} 70000
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="a"} 100.5
DCGM_FI_DEV_POWER_USAGE{gpu="1",UUID="b"} 300
"""
NEW = """\
DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL{gpu="0"} 5
DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL{gpu="1"} 70
DCGM_FI_DEV_BOARD_POWER_WATTS{gpu="0"} 100.5
DCGM_FI_DEV_BOARD_POWER_WATTS{gpu="1"} 300
"""
#: Each instance of a GPU shows what the whole draws.
CUT = OLD + OLD.replace('UUID="b"', 'UUID="b",GPU_I_ID="2"')


@pytest.mark.parametrize("page", [OLD, NEW, CUT], ids=["old", "4.6", "MIG"])
@pytest.mark.parametrize(
    ("gpus", "expected"), [(None, (75.0, 400.5)), (["0"], (5.0, 100.5)), (["1"], (70.0, 300.0))]
)
def test_gpus_are_added_up(
    page: str, gpus: list[str] | None, expected: tuple[float, float]
) -> None:
    """All of them or those that are named, in joules and watts, under either generation of names."""
    meter = Meter(Page(page), gpus, lambda: 3.0)
    meter.look()

    assert [Drawn(3.0, *expected)] == meter.seen


def test_a_gpu_that_is_not_there_is_told() -> None:
    """It is not charged as nothing."""
    for gpus in (["7"], ["0", "7"]):
        with pytest.raises(UnreadableError, match="no energy or power of GPU 7"):
            Meter(Page(OLD), gpus).look()
    with pytest.raises(UnreadableError, match="no energy or power of a GPU"):
        Meter(Page("up 1\n"), None).look()


def test_a_counter_that_moves_now_and_then_is_read_from_move_to_move() -> None:
    """It moves every four seconds: 200 W from the first move to the last, and so in all of it."""
    seen = [Drawn(at / 4, 200.0 * (at // 16 * 4), None) for at in range(100)]
    found = energy(seen, 0.0, 25.0, 1250)

    assert (5000.0, 200.0, 4.0, 0.25, "the counter of joules", "") == (
        found["joules"], found["watts"], found["joules_a_token"], found["tokens_a_second_and_watt"], found["read_from"], found["problem"]
    )  # fmt: skip


def test_the_warm_up_is_not_charged() -> None:
    """Only what is seen between begin and end counts."""
    seen = [Drawn(float(at), 900.0 * min(at, 3) + 100.0 * max(0, at - 3), None) for at in range(12)]

    assert 700.0 == energy(seen, 4.0, 11.0, 1)["joules"]


def test_how_well_joules_are_known_is_told() -> None:
    """It moved within the second before it was seen to, in a run of four."""
    seen = [Drawn(float(at), 100.0 * at, None) for at in range(6)]

    assert "known to 25% alone; a longer run says more" == energy(seen, 0.0, 5.0, 9)["problem"]


def test_watts_are_added_up_where_nothing_is_counted() -> None:
    """100 W for two seconds, rising to 300 W over two more."""
    seen = [Drawn(0.0, None, 100.0), Drawn(2.0, None, 100.0), Drawn(4.0, None, 300.0)]
    found = energy(seen, 0.0, 4.0, 0)

    assert (600.0, "samples of watts", None) == (
        found["joules"],
        found["read_from"],
        found["joules_a_token"],
    )


def test_what_is_not_known_is_told() -> None:
    """A counter that began anew; an exporter that was read once; one that moved once, with watts."""
    anew = [Drawn(0.0, 5.0, None), Drawn(1.0, 9.0, None), Drawn(2.0, 1.0, None)]
    slow = [Drawn(0.0, 5.0, 80.0), Drawn(1.0, 9.0, 80.0)]

    assert {"problem": "the counter of joules began anew during the run"} == energy(anew, 0, 2, 9)
    assert {"problem": "the exporter was read less than twice in the run"} == energy(
        anew[:1], 0, 2, 9
    )
    assert (80.0, "its counter of joules moved less than twice in the run") == (
        energy(slow, 0, 1, 9)["joules"],
        energy(slow, 0, 1, 9)["problem"],
    )
