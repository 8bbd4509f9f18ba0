"""Numbers in as few characters as they need: none is wider than six."""

from __future__ import annotations

from collections.abc import Callable
from math import isinf, isnan

from llmstack.terminal.figures import NONE

#: What stands where nothing has happened that could be told of.
NO_TRAFFIC = "·"

#: From the first on, numbers are told in the second: 9999 is itself, and 10,000 is 10.0k.
_STEPS = ((1e13, 1e12, "T"), (1e10, 1e9, "G"), (1e7, 1e6, "M"), (1e4, 1e3, "k"))


def seconds(value: float | None) -> str:
    """Return a time: milliseconds below one second."""
    return _told(value, _seconds)


def quantity(value: float | None) -> str:
    """Return how many there are, or come in a second."""
    return _told(value, _quantity)


def share(value: float | None) -> str:
    """Return a ratio in percent."""
    return _told(value, lambda found: f"{100 * found:.0f}%")


def _told(value: float | None, tell: Callable[[float], str]) -> str:
    if value is None:
        return NONE
    if isnan(value):
        return NO_TRAFFIC
    return "∞" if isinf(value) else tell(value)


def _seconds(value: float) -> str:
    # 0.9996 s is 1.00 s, not 1000 ms.
    if _rounded(value) < 1:
        return f"{_three(value * 1000)}ms"
    return f"{_three(value)}s" if value < 10_000 else f"{_quantity(value)}s"


def _quantity(value: float) -> str:
    for least, step, letter in _STEPS:
        if abs(value) >= least - step / 2000:
            return f"{_three(value / step)}{letter}"
    return f"{value:.0f}" if value == int(value) else _three(value)


def _three(value: float) -> str:
    """Return a number with three digits, or with all that stand before its point."""
    size = abs(_rounded(value))
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
