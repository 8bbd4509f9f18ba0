"""Who is asked when: rounds in which every server has its turn, in an order that changes.

A machine drifts (it warms up, somebody else works on it). One server after the other would charge
that to whoever comes last; in rounds it hits all alike.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import StrEnum

#: Rounds of which the order is told.
_TOLD = 6


class Order(StrEnum):
    """How the order changes from round to round."""

    ROTATED = "rotated"
    SHUFFLED = "shuffled"


def rounds_of(
    names: Sequence[str], rounds: int, order: Order, seed: int
) -> tuple[tuple[str, ...], ...]:
    """Return the servers of each round, in the order in which they are asked."""
    found = []
    for number in range(rounds):
        turn = number % len(names)
        line = [*names[turn:], *names[:turn]]
        if order is Order.SHUFFLED:
            random.Random(f"{seed} order {number}").shuffle(line)
        found.append(tuple(line))
    return tuple(found)


def seed_of(seed: int, number: int) -> int:
    """Return the seed of a round (from 1), which is the same for every server in it."""
    return random.Random(f"{seed} round {number}").getrandbits(32)


def told(rounds: Sequence[Sequence[str]]) -> str:
    """Return the order in words, of many rounds that of the first."""
    lines = [f"{number} {', '.join(line)}" for number, line in enumerate(rounds, 1)]
    return "; ".join([*lines[:_TOLD], *(["…"] if len(lines) > _TOLD else [])])
