"""Each process keeps its rate in the mean, and has the shape that it is asked for."""

from __future__ import annotations

import random
from itertools import islice, pairwise
from math import pi
from statistics import fmean, pstdev

import pytest

from llmstack.load.arrivals import ARRIVALS, Arrivals, arrivals, ramped

#: Requests a second, and how many are looked at. Seeds are fixed, so what is found is always the same.
RATE, COUNT = 7.0, 40_000


def times(process: Arrivals, count: int = COUNT, seed: int = 3) -> list[float]:
    return list(islice(process.times(RATE, random.Random(seed)), count))


def gaps(text: str) -> list[float]:
    return [after - before for before, after in pairwise(times(arrivals(text)))]


@pytest.mark.parametrize("name", [*ARRIVALS, "pareto:1.8", "burst:50", "sinusoidal:10,1"])
def test_the_mean_rate_is_the_one_asked_for(name: str) -> None:
    """To three hundredths, which is five deviations of the widest."""
    found = times(arrivals(name))

    assert pytest.approx(RATE, rel=0.03) == COUNT / found[-1]


@pytest.mark.parametrize("name", ARRIVALS)
def test_times_are_in_order_from_0_and_equal_seeds_make_equal_ones(name: str) -> None:
    """Other seeds make others, where anything is left to chance."""
    first, again, other = (times(arrivals(name), 500, seed) for seed in (1, 1, 2))

    assert 0 <= first[0]
    assert sorted(first) == first == again
    assert (name in ("deterministic", "burst")) == (first == other)


@pytest.mark.parametrize(
    ("name", "deviation"),
    [("deterministic", 0.0), ("uniform", 1 / 3**0.5), ("poisson", 1.0), ("pareto:3", 1 / 3**0.5)],
)
def test_gaps_vary_as_the_process_says(name: str, deviation: float) -> None:
    """The deviation of gaps over their mean: of Pareto's 1/√(alpha(alpha-2))."""
    found = gaps(name)

    assert pytest.approx(deviation, rel=0.1, abs=1e-6) == pstdev(found) / fmean(found)


def test_bursts_come_together() -> None:
    """So many at once, and the next when as many are due."""
    assert [0.0] * 3 + [3 / RATE] * 3 + [6 / RATE] == times(arrivals("burst:3"), 7)


def test_a_swing_rises_first_and_then_falls() -> None:
    """In the first half of each period come more, by the integral of the sine."""
    found = times(arrivals("sinusoidal:period=100,depth=0.8"))
    share = fmean(at % 100 < 50 for at in found)

    assert pytest.approx(0.5 + 0.8 / pi, abs=0.01) == share


def test_a_ramp_grows_evenly_and_is_over_when_it_is_said() -> None:
    """Of ten seconds: half of the requests of ten seconds, a quarter of them in the first half."""
    found = list(islice(ramped(times(arrivals("deterministic")), 10.0), 1000))
    within = [at for at in found if at < 10]

    assert pytest.approx(RATE * 10 / 2, abs=1) == len(within)
    assert pytest.approx(len(within) / 4, abs=1) == len([at for at in within if at < 5])
    assert pytest.approx(1 / RATE) == found[-1] - found[-2]
    assert times(arrivals("deterministic"), 9) == list(islice(ramped(times(arrivals("deterministic")), 0.0), 9))  # fmt: skip
