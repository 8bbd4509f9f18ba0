"""Intervals of confidence of a few figures, by Student's t.

The quantile is computed from the closed form that the distribution has for whole degrees of freedom
(Abramowitz and Stegun, 26.7.3 and 26.7.4): twenty lines, exact for any confidence, where a table
would have to be interpolated and a library of 100 MB be installed for one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import atan, cos, pi, sin, sqrt, tan
from statistics import fmean, stdev

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """The mean of some figures, and how far to either side the true one may be."""

    mean: float
    #: Half the width; None for one figure alone, of which nothing can be told.
    half: float | None
    count: int

    @property
    def excludes_0(self) -> bool:
        """Whether 0 is not in it."""
        return self.half is not None and abs(self.mean) > self.half


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """Return the interval of figures that are independent of each other; None where there are none.

    Args:
        values: the figures, one a round.
        confidence: in how many of 1 such intervals the true mean is.
    """
    count = len(values)
    if not count:
        return None
    if count == 1:
        return Interval(values[0], None, 1)
    half = t_quantile(confidence, count - 1) * stdev(values) / sqrt(count)
    return Interval(fmean(values), half, count)


@lru_cache(maxsize=256)
def t_quantile(confidence: float, freedom: int) -> float:
    """Return what |t| exceeds with a probability of 1 less the confidence.

    Args:
        confidence: between 0 and 1: 0.95 for what is known as t at 0.975.
        freedom: degrees of freedom, from 1.
    """
    # t is the tangent of an angle, and an angle has bounds between which it can be looked for.
    low, high = 0.0, pi / 2
    while (angle := (low + high) / 2) not in (low, high):
        if _within(angle, freedom) < confidence:
            low = angle
        else:
            high = angle
    return sqrt(freedom) * tan(angle)


def t_share(t: float, freedom: int) -> float:
    """Return the probability that |t| is not exceeded."""
    return _within(atan(t / sqrt(freedom)), freedom)


def _within(angle: float, freedom: int) -> float:
    is_odd = freedom % 2 == 1
    if freedom == 1:
        return 2 * angle / pi
    # cos + 2/3 cos³ + (2·4)/(3·5) cos⁵ …, or 1 + 1/2 cos² + (1·3)/(2·4) cos⁴ …
    term = cos(angle) if is_odd else 1.0
    total = term
    for number in range(3 if is_odd else 2, freedom - 1, 2):
        term *= (number - 1) / number * cos(angle) ** 2
        total += term
    found = sin(angle) * total
    return 2 / pi * (angle + found) if is_odd else found
