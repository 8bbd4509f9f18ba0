"""When requests arrive: processes with a mean rate in requests a second, by a seed.

A process yields times without end, whose mean gap is one over the rate: of `burst` over whole
bursts, of `sinusoidal` over whole periods.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from math import cos, pi, sqrt
from typing import Any, Protocol

from llmstack.load.specification import parse, require


class Arrivals(Protocol):
    """A process of arrivals."""

    def times(self, rate: float, chance: random.Random, /) -> Iterator[float]:
        """Yield seconds after the start, in order, without end.

        Args:
            rate: requests a second in the mean.
            chance: what decides.
        """


@dataclass(frozen=True)
class Deterministic:
    """One after the other with the same gap; the first at once."""

    def times(self, rate: float, _: random.Random, /) -> Iterator[float]:
        """Yield times."""
        return (number / rate for number in count())


@dataclass(frozen=True)
class Uniform:
    """Any gap from none to twice the mean is as likely."""

    def times(self, rate: float, chance: random.Random, /) -> Iterator[float]:
        """Yield times."""
        return _added(chance.uniform(0, 2 / rate) for _ in count())


@dataclass(frozen=True)
class Poisson:
    """Independent of one another, as requests of many users are: gaps are exponential."""

    def times(self, rate: float, chance: random.Random, /) -> Iterator[float]:
        """Yield times."""
        return _added(chance.expovariate(rate) for _ in count())


@dataclass(frozen=True)
class Pareto:
    """Gaps with a heavy tail: crowds and long silences, the more the nearer alpha is to 1."""

    alpha: float = 2.5

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.alpha > 1, "alpha above 1", self.alpha)

    def times(self, rate: float, chance: random.Random, /) -> Iterator[float]:
        """Yield times."""
        # paretovariate starts at 1 and has the mean alpha/(alpha-1).
        least = (self.alpha - 1) / self.alpha / rate
        return _added(least * chance.paretovariate(self.alpha) for _ in count())


@dataclass(frozen=True)
class Burst:
    """So many at the same time, then silence; the first burst at once."""

    size: float = 10

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.size >= 1 and self.size == int(self.size), "size, a whole number", self.size)

    def times(self, rate: float, _: random.Random, /) -> Iterator[float]:
        """Yield times."""
        size = int(self.size)
        return (number // size * size / rate for number in count())


@dataclass(frozen=True)
class Sinusoidal:
    """A Poisson process whose rate swings around the mean, as days and nights do, rising first."""

    #: Seconds of a swing.
    period: float = 60.0
    #: How far it swings: 1 is from nothing to twice the mean.
    depth: float = 0.8

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.period > 0, "period above 0", self.period)
        require(0 <= self.depth <= 1, "depth from 0 to 1", self.depth)

    def times(self, rate: float, chance: random.Random, /) -> Iterator[float]:
        """Yield times."""
        steady = Poisson().times(rate, chance)
        # Where a steady process has had so much time, this one is where as many were to be
        # expected.
        return (self._reached(time) for time in steady)

    def _reached(self, steady: float) -> float:
        """Return the time by which as much was to be expected as in a steady time, by bisection."""
        swing = self.depth * self.period / (2 * pi)
        low, high = steady - 2 * swing, steady + 2 * swing
        for _ in range(60):
            middle = (low + high) / 2
            # The integral of 1 + depth·sin(2πt/period) from 0.
            expected = middle + swing * (1 - cos(2 * pi * middle / self.period))
            low, high = (middle, high) if expected < steady else (low, middle)
        return max(0.0, low)


ARRIVALS: Mapping[str, type[Any]] = {
    "deterministic": Deterministic,
    "uniform": Uniform,
    "poisson": Poisson,
    "pareto": Pareto,
    "burst": Burst,
    "sinusoidal": Sinusoidal,
}


def arrivals(text: str) -> Arrivals:
    """Return the process that a text says, such as `poisson`, or `burst:size=20`.

    Raises:
        SettingsError: it says none.
    """
    found: Arrivals = parse(text, ARRIVALS, "arrivals")
    return found


def ramped(times: Iterable[float], ramp: float) -> Iterator[float]:
    """Yield times of a process whose rate grows evenly from nothing to its own in so many seconds.

    Any process keeps its nature: it is its clock that starts slowly. After the ramp it has had half
    of that time.
    """
    for time in times:
        yield sqrt(2 * ramp * time) if time < ramp / 2 else time + ramp / 2


def _added(gaps: Iterable[float]) -> Iterator[float]:
    time = 0.0
    for gap in gaps:
        time += gap
        yield time
