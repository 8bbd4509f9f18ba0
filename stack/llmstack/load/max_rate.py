"""Looks for the highest rate at which all objectives are held.

It is doubled until one is not, and then put halfway between what was held and what was not. Latency
counts from the plan, so a backlog that grows shows in it the longer a rate is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: The search ends when what is held and what is not are as near as this.
NEAR = 0.05
#: A search that has not ended by then will not.
MOST_RUNS = 24


@dataclass(frozen=True)
class Tried:
    """What came of one rate, in requests a second."""

    rate: float
    is_held: bool


def find_max_rate(
    start: float, holds: Callable[[float], bool | None], least: float = 0.0
) -> tuple[list[Tried], float | None]:
    """Return what was tried in order, and the highest rate that was held; None where none was.

    Args:
        start: the rate that is tried first.
        holds: measures a rate and tells whether all objectives were held; None ends the search.
        least: no lower rate is tried than this, but for the first.
    """
    tried: list[Tried] = []
    held, missed = 0.0, float("inf")
    rate = start
    while len(tried) < MOST_RUNS and held < (1 - NEAR) * missed:
        found = holds(rate)
        if found is None:
            break
        tried.append(Tried(rate, found))
        if found:
            held = rate
        else:
            missed = rate
        rate = held * 2 if missed == float("inf") else (held + missed) / 2
        if rate < least:
            break
    return tried, held or None
