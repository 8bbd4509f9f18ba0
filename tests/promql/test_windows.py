"""Lengths of time are read and spelled as PromQL does."""

from __future__ import annotations

import promql_parser as parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmdash.errors import PromqlError
from llmdash.promql.windows import INTERVALS, RANGE, RATE_INTERVAL, Duration, window

#: What is read, and how it is spelled; nothing means: as it was.
SPELLED = (
    ("5m", ""),
    ("11m", ""),
    ("250ms", ""),
    ("1h30m", ""),
    ("60s", "1m"),
    ("90m", "1h30m"),
    ("24h", "1d"),
    ("25h", ""),
    ("1d1h", "25h"),
    ("7d", "1w"),
    ("30d", ""),
    ("1w2d", "9d"),
    ("1h1m1s1ms", ""),
)


@pytest.mark.parametrize(("text", "spelled"), SPELLED)
def test_durations_are_spelled_as_prometheus_does(text: str, spelled: str) -> None:
    """The largest units stand first; days and weeks only where they are whole."""

    assert (spelled or text) == str(Duration.parse(text))


@settings(derandomize=True, database=None, deadline=None)
@given(st.integers(1, 2**63 // 1_000_000).map(Duration))
def test_durations_read_back(duration: Duration) -> None:
    """What is spelled is read back, by us and by promql-parser."""

    assert duration == Duration.parse(str(duration))
    assert duration.milliseconds == round(
        parser.parse_duration(str(duration)).total_seconds() * 1000
    )


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5m5h", "-5m", "5 m", "1.5h", "5M", "$__interval", "٥m"]
)
def test_other_texts_are_no_durations(text: str) -> None:
    """What PromQL would not read is refused."""
    with pytest.raises(PromqlError, match="expected a duration such as 5m, 1h30m or 250ms"):
        Duration.parse(text)


@pytest.mark.parametrize("milliseconds", [0, -1, 2**63 // 1_000_000 + 1])
def test_durations_are_positive_and_below_292_years(milliseconds: int) -> None:
    """Prometheus refuses nothing, less, and what its 63 bits cannot hold."""
    with pytest.raises(PromqlError):
        Duration(milliseconds)


def test_durations_compare() -> None:
    """Checks compare windows."""

    assert Duration.parse("5m") < Duration.parse("1h")
    assert 300 == Duration.parse("5m").seconds


def test_intervals_are_spelled_as_grafana_does() -> None:
    """Grafana fills in two intervals, whose placeholders a parser tells apart."""

    assert ["$__rate_interval", "$__range"] == [str(interval) for interval in INTERVALS]
    assert RATE_INTERVAL.placeholder != RANGE.placeholder
    assert all(interval.placeholder.milliseconds < 2**32 for interval in INTERVALS)


def test_window_reads_text() -> None:
    """A window is given as itself or as text."""

    assert Duration(300_000) == window("5m")
    assert RANGE is window(RANGE)
