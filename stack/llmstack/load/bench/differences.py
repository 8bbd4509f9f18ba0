"""Differences between servers: of the same requests in the same round, and only where there is one.

Each server is compared with the first. The intervals hold together (Bonferroni): that any of the
claims is there by chance alone happens in at most one of twenty such comparisons, however many
figures were looked at. Ten intervals of 95 % each would claim a difference between two equal
servers in up to four of ten comparisons.

They are of the logarithm of the ratio: twice as long is as far from equal as half as long, whoever
is the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import expm1, log

from llmstack.load.bench.columns import Column, Comparison
from llmstack.load.bench.figures import Figure
from llmstack.load.bench.student import CONFIDENCE, Interval, interval

#: Of a logarithm: a factor of a million.
_MOST = log(1e6)


@dataclass(frozen=True)
class Difference:
    """How a server differs from another in one figure."""

    figure: Figure
    of: str
    beside: str
    #: Of the logarithm of what the one has as a multiple of what the other has.
    interval: Interval

    @property
    def share(self) -> float:
        """What it has more than the other, as a share of that: 0.5 for half as much again."""
        return expm1(self.interval.mean)

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which shares the true one is."""
        mean, half = self.interval.mean, self.interval.half or 0.0
        # Of two rounds that differ nobody knows anything, and no number is large enough.
        return expm1(max(mean - half, -_MOST)), expm1(min(mean + half, _MOST))

    @property
    def is_told(self) -> bool:
        """Whether there is one."""
        return self.interval.excludes_0

    def told(self) -> str:
        """Say it."""
        title = self.figure.title.removesuffix(", ms")
        low, high = (100 * bound for bound in self.bounds)
        if not self.is_told:
            how = f"{self.of} {100 * self.share:+.1f} %, between {low:+.1f} and {high:+,.1f}"
            return f"{title}: no difference can be told ({how})"
        word = self.figure.higher if self.share > 0 else self.figure.lower
        least, most = sorted((abs(low), abs(high)))
        size = f"{abs(100 * self.share):.1f} % {word}"
        return f"{title}: {self.of} is {size} ({least:.1f} to {most:.1f})"


def differences(comparison: Comparison, confidence: float = CONFIDENCE) -> list[Difference]:
    """Return all that can be looked at: those of at least two rounds with the same requests.

    Args:
        comparison: the servers.
        confidence: with which all of them hold together.
    """
    if not comparison.is_paired or len(comparison.columns) < 2:
        return []
    first, *others = comparison.columns
    pairs = [
        (figure, other, ratios)
        for other in others
        for figure in comparison.figures()
        if figure.is_compared and len(ratios := list(_ratios(figure, first, other))) > 1
    ]
    each = 1 - (1 - confidence) / max(1, len(pairs))
    return [
        Difference(figure, other.name, first.name, found)
        for figure, other, ratios in pairs
        if (found := interval(ratios, each)) is not None
    ]


def _ratios(figure: Figure, first: Column, other: Column) -> Iterator[float]:
    for number, run in other.runs.items():
        if number not in first.runs:
            continue
        one, two = figure.compared(first.runs[number]), figure.compared(run)
        if one and two and one > 0 and two > 0:
            yield log(two / one)


def explained(found: Sequence[Difference]) -> str:
    """Say what the differences are."""
    return (
        "Each is the mean of differences within a round, whose requests are the same, and its "
        f"interval. Together they hold at {CONFIDENCE:.0%}: that any of the {len(found)} is told "
        "by chance happens in one of twenty comparisons at the most."
    )
