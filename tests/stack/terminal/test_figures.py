"""Numbers of fixed width: what they say, and that none is ever wider than its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.terminal.figures import clock, figure, time_figure


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [
        (None, 5, "    –"),
        (float("nan"), 5, "    –"),
        (float("inf"), 5, "    ∞"),
        (float("-inf"), 5, "   -∞"),
        (0, 5, "    0"),
        (31, 5, "   31"),
        (3.14159, 5, " 3.14"),
        (31.4159, 5, " 31.4"),
        (314.159, 5, "  314"),
        (999.4, 5, "  999"),
        (999.6, 5, "1.00k"),
        (1234, 5, "1.23k"),
        (1234, 4, "1.2k"),
        (1234, 3, " 1k"),
        (1234, 2, "1k"),
        (12_345, 4, " 12k"),
        (123_456, 3, "###"),
        (999_999, 2, "1M"),
        (35_100_000, 5, "35.1M"),
        (-1234, 5, "-1.2k"),
        (0.05, 5, " 0.05"),
        (0.001, 5, " 0.00"),
        (1e30, 6, "######"),
    ],
)  # fmt: skip
def test_numbers_have_prefixes(value: float | None, width: int, text: str) -> None:
    """At most three digits, fewer where there is no room, on the right of their place."""
    assert text == figure(value, width)


@pytest.mark.parametrize(
    ("seconds", "width", "text"),
    [
        (None, 5, "    –"),
        (0.0, 5, "    0"),
        (0.000_25, 5, "250µs"),
        (0.002, 6, "2.00ms"),
        (0.002_346, 6, "2.35ms"),
        (0.002_346, 5, "2.3ms"),
        (0.283, 5, "283ms"),
        (1.254, 5, "1.25s"),
        (12.54, 5, "12.5s"),
        (600.0, 5, " 600s"),
        (1020.0, 5, "17min"),
        (3600.0, 5, "60min"),
        (7200.0, 5, "2.00h"),
    ],
)  # fmt: skip
def test_times_have_units(seconds: float | None, width: int, text: str) -> None:
    """The smallest in which they have at most three digits and fit."""
    assert text == time_figure(seconds, width)


@given(
    st.sampled_from([figure, time_figure]),
    st.none() | st.floats() | st.integers(-(10**30), 10**30),
    st.integers(1, 12),
)
def test_no_number_is_wider_than_its_place(
    told: Callable[[float | None, int], str], value: float | None, width: int
) -> None:
    """Nor narrower: what stands behind it never moves."""
    assert width == len(told(value, width))


@given(st.floats(1e-3, 1e15))
def test_a_number_says_how_much_it_is(value: float) -> None:
    """Read back, it is within half of its last digit."""
    text = figure(value, 6).strip()
    prefixes = {mark: 1000.0**power for power, mark in enumerate("kMGTP", 1)}
    size = prefixes.get(text[-1], 1.0)
    number = text.rstrip("kMGTP")
    last = 10.0 ** -len(number.partition(".")[2])

    assert abs(float(number) * size - value) <= (last / 2 + 0.005 * float(number)) * size * 1.001


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0:00:00"), (59.99, "0:00:59"), (83, "0:01:23"), (3600, "1:00:00"), (604_800, "168:00:00"), (-1, "0:00:00")],
)  # fmt: skip
def test_clocks_have_hours(seconds: float, text: str) -> None:
    """However few there are, so that they are as wide as long ones."""
    assert text == clock(seconds)
