"""Turns values into places on a plot, and chooses where an axis has its marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

#: With more between the least and the most, what is small would lie on the axis.
_MOST_LINEAR = 50.0


@dataclass(frozen=True)
class Scale:
    """An axis of values above 0, in pixels."""

    low: float
    high: float
    begin: float
    end: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Return where a value lies; what is outside lies at the nearer end."""
        value = min(max(value, self.low), self.high)
        if self.is_log:
            share = log10(value / self.low) / log10(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def marks(self) -> list[float]:
        """Return round values, three to eight of them."""
        if not self.is_log:
            step = _round_step((self.high - self.low) / 5)
            count = floor(self.high / step + 1e-9)
            first = ceil(self.low / step - 1e-9)
            return [number * step for number in range(first, count + 1)]
        powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        factors = (1, 2, 5) if len(powers) <= 4 else (1,)
        found = [factor * 10.0**power for power in powers for factor in factors]
        return [value for value in found if self.low <= value <= self.high * (1 + 1e-9)]


def scale_of(values: Sequence[float], begin: float, end: float, *, from_0: bool = True) -> Scale:
    """Return an axis on which all values have a place; logarithmic where they are far apart.

    Args:
        values: at least one, none below 0.
        begin: the pixel of the least value.
        end: that of the most.
        from_0: whether the axis begins at 0, where it is not logarithmic.
    """
    above = [value for value in values if value > 0] or [1.0]
    least, most = min(above), max(above)
    if from_0 and most > _MOST_LINEAR * least:
        return Scale(_below(least), _beyond(most), begin, end, is_log=True)
    if from_0:
        step = _round_step(most / 5)
        return Scale(0.0, ceil(most / step - 1e-9) * step, begin, end)
    margin = (most - least) * 0.08 or most * 0.05
    return Scale(max(0.0, least - margin), most + margin, begin, end)


def _round_step(least: float) -> float:
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999999)


def _below(value: float) -> float:
    power = 10.0 ** floor(log10(value))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= value * 1.000001)


def _beyond(value: float) -> float:
    return _round_step(value)
