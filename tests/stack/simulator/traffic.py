"""Requests that tests play, drawn from seeds, and small engines whose numbers are round."""

from __future__ import annotations

import random
from collections.abc import Iterator

from llmstack.simulator.conditions import ConditionsAt, always_sound
from llmstack.simulator.engine import Engine
from llmstack.simulator.rates import Limits, Rates
from llmstack.simulator.request import Request

#: 10 ms a step, 1 ms a token of a prompt, 0.1 ms a sequence.
RATES = Rates(0.01, 0.001, 0.0001)


def engine(
    blocks: int = 1000,
    sequences: int = 64,
    batched: int = 512,
    conditions: ConditionsAt = always_sound,
    *,
    remembers: bool = True,
) -> Engine:
    limits = Limits(blocks, sequences, batched, min(8192, blocks * 16))
    return Engine(RATES, limits, conditions, remembers=remembers)


def poisson(
    rate: float, seconds: float, seed: int, prompt: tuple[int, int] = (20, 600)
) -> Iterator[Request]:
    """Requests at random times, so many a second on average."""
    chance = random.Random(seed)
    now, number = 0.0, 0
    while True:
        now += chance.expovariate(rate)
        if now > seconds:
            return
        number += 1
        yield Request(number, chance.randint(*prompt), chance.randint(1, 200), now)
