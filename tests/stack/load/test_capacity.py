"""What this client can read, and how that is told before a run."""

from __future__ import annotations

import asyncio
import gc
import os

import pytest

from llmstack.load import capacity
from llmstack.load.capacity import compared, tokens_a_second
from llmstack.load.demand import Demand
from llmstack.load.program import loop_factory


@pytest.mark.parametrize("factory", [None, loop_factory()])
def test_it_is_measured_and_leaves_nothing(factory: object) -> None:
    """Every token is read, whichever loop it is, and all sockets are closed."""
    made = factory if callable(factory) else asyncio.new_event_loop
    # What a library opens once stays open.
    tokens_a_second(made)
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    found = tokens_a_second(made)
    gc.collect()

    assert 0 < found < 1 / capacity._LEAST
    assert before == len(os.listdir("/proc/self/fd"))


def test_what_takes_longer_is_read_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the time that a core has is for tokens."""

    async def seconds() -> float:
        return 25e-6

    monkeypatch.setattr(capacity, "_seconds_of_a_token", seconds)

    assert 20_000 == pytest.approx(tokens_a_second())


def test_a_plan_that_asks_for_less_is_told_what_can_be_read() -> None:
    assert "This client can read about 20,000 tokens/s on one core of this machine." == compared(Demand(most_answer_tokens=20_000), 20_000.4)  # fmt: skip


def test_a_plan_that_asks_for_more_is_told_what_to_do() -> None:
    """With both figures."""
    told = compared(Demand(most_answer_tokens=20_001), 20_000.4)

    assert "about 20,000 tokens/s" in told
    assert "the busiest second asks for 20,001" in told
    assert "--speedup or --share" in told
