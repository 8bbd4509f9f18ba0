"""What a plan asks of a server, in the mean and in its busiest second."""

from __future__ import annotations

from llmstack.load.demand import Demand, demand
from llmstack.load.planned import Planned


def test_the_busiest_second_is_of_the_clock() -> None:
    """Whole seconds from the start; each of the three figures has its own."""
    plan = [
        Planned(0.0, 10, 1),
        Planned(0.9, 10, 1),
        Planned(0.99, 10, 1),
        Planned(1.0, 100, 1),
        Planned(4.0, 1, 50),
    ]

    assert Demand(5, 131, 54, 4.0, 3, 100, 50) == demand(plan)


def test_the_last_second_counts_too() -> None:
    """Also where nothing comes after it."""
    assert 2 == demand([Planned(0.0, 1, 1), Planned(5.0, 1, 1), Planned(5.5, 1, 1)]).most_requests


def test_nothing_asks_for_nothing() -> None:
    """And is told without dividing by it."""
    found = demand([])

    assert Demand() == found
    assert str(found).startswith("0 requests in 0 s")


def test_it_is_told_in_one_sentence() -> None:
    """Requests, then tokens of answers and of prompts."""
    told = str(demand(Planned(number / 10, 1000, 100) for number in range(101)))

    assert (
        "101 requests in 10 s: 10.1 req/s in the mean and 10 in the busiest second; answers 1,010 "
        "tokens/s and 1,000, prompts 10,100 and 10,000"
    ) == told
