"""The detection table: troubles of every size, when somebody is told, and when it is quiet again."""

from __future__ import annotations

from math import inf

import pytest

from llmdash.promql.windows import Duration
from llmdash.slos.detection import detections, time_to_end, time_until
from llmdash.slos.policy import Policy
from llmdash.slos.tiers import Fast, Severity, Tier

MONTH = Duration.parse("30d")


def table(policy: Policy) -> list[tuple[str | float, ...]]:
    return [
        (
            found.title,
            found.bad,
            *(time_until(each) for each in (found.page, found.page_by_budget, found.ticket)),
            time_to_end(found.page_ends),
            time_to_end(found.ticket_ends),
        )
        for found in detections(policy)
    ]


def test_three_nines() -> None:
    """The workbook's tiers at 99.9 %: 52 s for an outage, half an hour until its page has ended."""
    assert [
        ("total outage", 1, "52s", "52s", "4m19s", "34m49s", "5h59m38s"),
        ("half of all events", 0.5, "1m44s", "1m44s", "8m38s", "34m38s", "5h59m17s"),
        ("a tenth of them", 0.1, "8m38s", "8m38s", "43m12s", "33m12s", "5h56m24s"),
        ("burn at 2 x", 0.002, "never", "never", "36h", "–", "3h"),
    ] == table(Policy.solved(0.999, MONTH))


def test_a_large_budget() -> None:
    """At 95 % the fast tier pages in minutes what is far beyond the threshold; the budget takes 43."""
    assert [
        ("total outage", 1, "2m30s", "43m12s", "3h36m", "26m", "5h42m"),
        ("half of all events", 0.5, "3h36m", "3h36m", "7h12m", "17m", "5h24m"),
        ("a tenth of them", 0.1, "never", "never", "36h", "–", "3h"),
        ("burn at 2 x", 0.1, "never", "never", "36h", "–", "3h"),
    ] == table(Policy.solved(0.95, MONTH))


def test_nothing_burns_twice_what_is_nearly_all() -> None:
    """Where over half of all events may be bad, a burn of 2 x is more than all of them."""
    titles = [[found.title for found in detections(Policy.solved(o, MONTH))] for o in (0.5, 0.49)]

    assert [True, False] == ["burn at 2 x" in each for each in titles]


def test_a_fast_tier_alone_ends_too() -> None:
    """Its page ends by its own window, and there is no ticket."""
    assert [
        ("total outage", 1, "3m30s", "never", "never", "16m30s", "–"),
        ("half of all events", 0.5, "never", "never", "never", "–", "–"),
    ] == table(Policy.solved(0.98, MONTH, [], Fast(0.7)))[:2]


def test_the_last_tier_ends_last() -> None:
    """Of two pages the one with the longer short window ends it."""
    one, other = (
        Tier(Severity.PAGE, 0.01, Duration.parse(long), Duration.parse(short))
        for long, short in (("1h", "50m"), ("2h", "10m"))
    )
    (outage, *_) = detections(Policy.solved(0.99, MONTH, [one, other]))

    # 7.2 x and 3.6 x a budget of 1 %.
    assert 50 * (1 - 0.072) + 5 == pytest.approx(outage.page_ends)
    assert 0 == outage.ticket_ends


@pytest.mark.parametrize(
    ("minutes", "until", "end"),
    [
        (0.001, "1s", "1s"),
        (0.864, "52s", "52s"),
        (2.5, "2m30s", "2m30s"),
        (216, "3h36m", "3h36m"),
        (inf, "never", "never"),
    ],
)
def test_times_are_said_as_durations(minutes: float, until: str, end: str) -> None:
    """To the second, as Prometheus spells them."""
    assert (until, end) == (time_until(minutes), time_to_end(minutes))


def test_what_never_began_has_no_end() -> None:
    """A dash, for there was nothing to end."""
    assert "–" == time_to_end(0)
