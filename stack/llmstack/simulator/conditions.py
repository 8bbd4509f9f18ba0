"""What is wrong with an engine at some time, as far as its model is concerned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Conditions:
    """How an engine differs from a sound one."""

    #: How many times longer a token of a prompt takes.
    prefill: float = 1.0
    #: How many times longer every step takes.
    step: float = 1.0
    #: The share of the KV blocks that is kept from requests.
    withheld: float = 0.0
    #: Until when no step begins, in seconds of the engine's clock.
    hangs_until: float = 0.0
    #: The share of requests that fail as they come.
    failing: float = 0.0


SOUND = Conditions()

#: What holds at a time of the engine's clock.
ConditionsAt = Callable[[float], Conditions]


def always_sound(at: float) -> Conditions:
    """Return that nothing is wrong."""
    del at
    return SOUND
