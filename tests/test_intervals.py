"""The lengths of time of a pack hold together, or say what does not and what would."""

from __future__ import annotations

from dataclasses import fields

import pytest

from llmdash.intervals import Intervals
from llmdash.promql.windows import Duration


def intervals(**lengths: str) -> Intervals:
    """Return the defaults with some lengths replaced."""
    return Intervals(**{name: Duration.parse(text) for name, text in lengths.items()})  # type: ignore[arg-type]


def test_the_defaults_hold_together() -> None:
    """What ships scrapes every 15 s, GPUs every 5 s, and keeps 35 days."""
    defaults = Intervals()

    assert () == defaults.problems()
    assert {
        "scrape": "15s",
        "gpu_scrape": "5s",
        "recordings": "30s",
        "alerts": "15s",
        "rate_window": "5m",
        "retention": "5w",
        "least_scrapes_in_a_window": "4",
    } == {field.name: str(getattr(defaults, field.name)) for field in fields(defaults)}


@pytest.mark.parametrize(
    ("found", "problems"),
    [
        (intervals(scrape="11s", rate_window="44s"), []),
        (
            intervals(scrape="11s", rate_window="43s"),
            ["rate_window 43s is under 4 scrapes of 11s: use 44s or more"],
        ),
        (intervals(recordings="5m"), []),
        (
            intervals(recordings="2m", rate_window="1m30s"),
            ["recordings every 2m leave gaps between windows of 1m30s"],
        ),
        (intervals(scrape="5m", rate_window="20m"), []),
        (
            intervals(scrape="5m1s", rate_window="21m"),
            ["scrape 5m1s is over 5m, after which Prometheus calls a series gone"],
        ),
        (
            intervals(gpu_scrape="7m"),
            ["gpu_scrape 7m is over 5m, after which Prometheus calls a series gone"],
        ),
        (
            intervals(alerts="11m"),
            ["alerts 11m is over 5m, after which Prometheus calls a series gone"],
        ),
        (intervals(retention="5m"), []),
        (intervals(retention="3m"), ["retention 3m is under the window 5m"]),
    ],
)
def test_a_length_that_cannot_hold_is_said(found: Intervals, problems: list[str]) -> None:
    """At the limit nothing is wrong; just beyond it one sentence says what is."""
    assert problems == list(found.problems())


def test_everything_wrong_is_said_at_once() -> None:
    """Several lengths that cannot hold give as many sentences."""
    found = intervals(scrape="7m", recordings="6m", rate_window="3m", retention="2m").problems()

    assert [
        "rate_window 3m is under 4 scrapes of 7m: use 28m or more",
        "recordings every 6m leave gaps between windows of 3m",
        "scrape 7m is over 5m, after which Prometheus calls a series gone",
        "recordings 6m is over 5m, after which Prometheus calls a series gone",
        "retention 2m is under the window 3m",
    ] == list(found)
