"""The highest rate that holds is between one that was held and one that was not, near each other."""

from __future__ import annotations

import pytest

from llmstack.load.max_rate import MOST_RUNS, NEAR, find_max_rate


@pytest.mark.parametrize("limit", [0.7, 3.0, 10.0, 777.0])
def test_the_highest_rate_is_found(limit: float) -> None:
    """From below and from above, within a twentieth."""
    tried, held = find_max_rate(5.0, lambda rate: rate <= limit)
    missed = min(each.rate for each in tried if not each.is_held)

    assert held is not None
    assert held <= limit < missed
    assert missed - held <= NEAR * missed
    assert len(tried) < MOST_RUNS


def test_rates_are_doubled_and_then_halved() -> None:
    """What was tried is told in order."""
    tried, held = find_max_rate(4.0, lambda rate: rate <= 11.0)

    assert [4.0, 8.0, 16.0, 12.0, 10.0, 11.0, 11.5] == [each.rate for each in tried]
    assert 11.0 == held


def test_a_server_that_holds_nothing_has_no_rate() -> None:
    """The search ends all the same."""
    tried, held = find_max_rate(4.0, lambda _: False)

    assert (None, MOST_RUNS) == (held, len(tried))


def test_there_is_a_lowest_rate() -> None:
    """A server that does not hold it holds nothing."""
    tried, held = find_max_rate(4.0, lambda _: False, 1.0)

    assert ([4.0, 2.0, 1.0], None) == ([each.rate for each in tried], held)


def test_a_search_can_be_ended() -> None:
    """With what was held until then."""
    answers = iter([True, True, None])
    tried, held = find_max_rate(4.0, lambda _: next(answers))

    assert (8.0, 2) == (held, len(tried))
