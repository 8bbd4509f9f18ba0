"""How the values of a made fleet move: every one is a sum of two loads, a wave and a constant.

Counters are integrals in closed form, so any stretch of time can be written on its own and the next
one goes on where it ended.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Two replicas of one profile show the same; a prime, so that no two models have the same replicas.
PROFILES = 23
#: Requests per second of one replica: the quick ones, and the slow ones of busy minutes.
QUICK, SLOW = 2.0, 0.5
#: Load comes and goes this often.
PERIOD_SECONDS = 5400.0
_SWING = 0.6


@dataclass(frozen=True)
class Made:
    """How a series is made of its server's load."""

    #: Share of the quick and of the slow requests that it counts.
    quick: float = 0.0
    slow: float = 0.0
    wave: float = 0.0
    constant: float = 0.0
    #: Counts of events are whole numbers.
    is_whole: bool = False


@dataclass(frozen=True)
class Load:
    """The load of all servers of one profile, at each moment of a stretch of time."""

    quick: tuple[float, ...]
    slow: tuple[float, ...]
    wave: tuple[float, ...]

    def values(self, made: Made) -> list[str]:
        """Return a series' values as texts."""
        found = (
            made.quick * quick + made.slow * slow + made.wave * wave + made.constant
            for quick, slow, wave in zip(self.quick, self.slow, self.wave, strict=True)
        )
        if made.is_whole:
            return [str(int(value)) for value in found]
        return [f"{value:.4f}" for value in found]


def load_of(profile: int, moments: Sequence[int], since: int) -> Load:
    """Return what the servers of a profile have done at each moment since they started."""
    turn = 2 * math.pi / PERIOD_SECONDS
    phase = 2 * math.pi * profile / PROFILES
    size = 0.6 + 0.8 * profile / PROFILES

    def done(rate: float, shift: float) -> tuple[float, ...]:
        at_start = math.cos(shift)
        return tuple(
            rate * size * (past + _SWING / turn * (at_start - math.cos(turn * past + shift)))
            for past in (moment - since for moment in moments)
        )

    wave = tuple(math.sin(turn * (moment - since) + phase) for moment in moments)
    return Load(done(QUICK, phase), done(SLOW, phase + 2.0), wave)
