"""What a plan offers counts when it is due, whether or not there is a place for it."""

from __future__ import annotations

from llmstack.load.planned import Planned
from llmstack.load.telling.offered import Offered

PLAN = [Planned(float(number), 7 + number, 3) for number in range(4)]


def test_one_that_was_only_looked_at_does_not_count() -> None:
    """An open loop takes the next request before it is due."""
    offered = Offered(PLAN)
    taken = iter(offered)
    counts = []
    for _ in range(3):
        next(taken)
        counts.append(offered.requests)

    assert [0, 1, 2] == counts
    assert (7 + 8, 6) == (offered.prompt_tokens, offered.answer_tokens)


def test_a_plan_that_ends_counts_whole() -> None:
    """Its last request, too."""
    offered = Offered(PLAN)

    assert PLAN == list(offered)
    assert (4, 7 + 8 + 9 + 10, 12) == (
        offered.requests,
        offered.prompt_tokens,
        offered.answer_tokens,
    )


def test_the_end_of_a_run_says_whether_the_last_was_due() -> None:
    """It counts once, if it was."""
    offered = Offered(PLAN)
    taken = iter(offered)
    next(taken)
    next(taken)
    offered.settle(1)
    not_due = offered.requests
    offered.settle(2)
    offered.settle(2)

    assert (1, 2) == (not_due, offered.requests)
