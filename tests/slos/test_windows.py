"""Longer windows from shorter ones: which tiles they are made of, and how they are written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration
from llmdash.slos.series import SloSeries
from llmdash.slos.windows import (
    HOUR,
    MONTHLY_EVALUATION,
    TILE,
    chain,
    once_an_hour,
    over_period,
    tiled,
)
from tests.slos.taverns import slo

SERIES = SloSeries((slo(),), ("tavern",))


def durations(*texts: str) -> list[Duration]:
    return [Duration.parse(text) for text in texts]


@pytest.mark.parametrize(
    ("windows", "made"),
    [
        ((), "1h of 5m"),
        (("5m",), "1h of 5m"),
        (
            ("5m", "30m", "1h", "2h", "6h", "1d", "3d"),
            "30m of 5m, 1h of 30m, 2h of 1h, 6h of 2h, 1d of 6h, 3d of 1d",
        ),
        (("35m", "70m"), "35m of 5m, 1h of 5m, 1h10m of 35m"),
        (("3d", "7h"), "1h of 5m, 7h of 1h, 3d of 1h"),
        (("20m", "30m"), "20m of 5m, 30m of 5m, 1h of 30m"),
    ],
)
def test_a_window_is_made_of_the_longest_that_divides_it(
    windows: tuple[str, ...], made: str
) -> None:
    """Each has the longest of the shorter ones as its tile; an hour is always among them."""
    assert made == ", ".join(f"{window} of {tile}" for window, tile in chain(durations(*windows)))


@given(st.sets(st.integers(1, 2000), max_size=7))
@settings(derandomize=True, database=None, max_examples=200)
def test_chains_are_whole(multiples: set[int]) -> None:
    """Whatever the windows: all are made, in order, each of a whole number of what is there by then."""
    windows = {Duration(TILE.milliseconds * each) for each in multiples}
    there = {TILE}
    for window, tile in chain(windows):
        assert tile in there
        assert 0 == window.milliseconds % tile.milliseconds
        assert window > max(there)
        there.add(window)

    assert windows | {TILE, HOUR} == there


def test_tiles_are_adjacent() -> None:
    """A window is its newest tile and those before it, each counted once; one that lacks adds nothing."""
    found = tiled(SERIES.events("good", TILE), Duration.parse("15m"), TILE, ("slo", "model"))

    assert (
        "sum by (slo, model) ("
        'label_replace(llm:slo_good:increase5m, "part", "0", "", "")'
        ' or label_replace(llm:slo_good:increase5m offset 5m, "part", "1", "", "")'
        ' or label_replace(llm:slo_good:increase5m offset 10m, "part", "2", "", ""))'
    ) == to_text(found, RULES)


def test_a_window_of_one_tile() -> None:
    """A window as long as its tile is that tile."""
    found = tiled(SERIES.events("good", TILE), TILE, TILE, ("slo",))

    assert "sum by (slo) (llm:slo_good:increase5m)" == to_text(found, RULES)


def test_hours_are_gathered_once() -> None:
    """Of the evaluations of an hour only the first has a sample: the group is that much slower."""
    found = once_an_hour(SERIES.events("total", HOUR))

    assert "llm:slo_total:increase1h and on () minute() < 2" == to_text(found, RULES)
    assert 120 == MONTHLY_EVALUATION.seconds
    assert 0 == HOUR.milliseconds % MONTHLY_EVALUATION.milliseconds


def test_a_period_has_equally_many_hours_everywhere() -> None:
    """The range is a second short: a sample at its very beginning is in it up to Prometheus 2 only."""
    found = over_period("sum", SERIES.hour("good"), Duration.parse("7d"))

    assert "sum_over_time(llm:slo_good:hour[167h59m59s])" == to_text(found, RULES)
