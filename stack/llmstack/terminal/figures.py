"""Numbers that are never wider than their place: `1.23k`, `35.1M`, `283ms`, and `–` for none."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf, isnan

#: What a number is divided by, and what stands behind it then; a unit begins at its own size.
_Units = Sequence[tuple[float, str]]

_PREFIXES: _Units = tuple((1000.0**power, mark) for power, mark in enumerate(("", *"kMGTPEZY")))
#: Seconds are told as such up to a thousand: a server's time limit is told in seconds too.
_TIMES: _Units = ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h"))
NONE, TOO_WIDE = "–", "#"


def figure(value: float | None, width: int) -> str:
    """Return a number of at most three digits with its prefix, on the right of so many cells."""
    return _told(value, width, _PREFIXES)


def time_figure(seconds: float | None, width: int) -> str:
    """Return a length of time likewise, with its unit."""
    return _told(seconds, width, _TIMES)


def clock(seconds: float) -> str:
    """Return a length of time as hours, minutes and seconds."""
    minutes, whole = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}"


def _told(value: float | None, width: int, units: _Units) -> str:
    if value is None or isnan(value):
        return NONE.rjust(width)
    if isinf(value):
        text = "∞" if value > 0 else "-∞"
        return (text if len(text) <= width else TOO_WIDE * width).rjust(width)
    for size, mark in units[_first(abs(value), units) :]:
        found = _fitted(value / size, mark, width)
        if found is not None:
            return found.rjust(width)
    return TOO_WIDE * width


def _first(value: float, units: _Units) -> int:
    """Return the place of the smallest unit in which a number rounds to at most three digits."""
    for place, (size, _) in enumerate(units):
        if value < 999.5 * size:
            return place
    return len(units) - 1


def _fitted(value: float, mark: str, width: int) -> str | None:
    """Return a number with as many digits after its point as fit; None where not even one fits."""
    if not value:
        return _if_fits("0", width)
    if not mark and value == int(value):
        return _if_fits(f"{value:.0f}", width)
    size = abs(value)
    # What is rounded up to ten has a digit more, and needs a decimal less.
    decimals = 2 if size < 9.995 else 1 if size < 99.95 else 0
    for count in range(decimals, -1, -1):
        # What is left of a number has to be some of it.
        is_seen = size >= 10.0**-count / 2
        if is_seen and (text := _if_fits(f"{value:.{count}f}{mark}", width)):
            return text
    # Less than the smallest unit can tell.
    return _if_fits(f"{0:.{decimals}f}{mark}", width) if size < 0.005 else None


def _if_fits(text: str, width: int) -> str | None:
    return text if len(text) <= width else None
