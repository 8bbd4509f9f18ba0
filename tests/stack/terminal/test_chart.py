"""Charts: their axes stand still whatever the values are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from llmstack.terminal.chart import FRAME, Chart, Series, Shape, draw, scale_of
from llmstack.terminal.figures import figure, time_figure
from llmstack.terminal.intensity import LEVELS

RED = Style(color="red")


def chart(*values: Sequence[float | None], has_levels: bool = False) -> Chart:
    series = [Series(f"s{number}", each, RED) for number, each in enumerate(values)]
    return Chart("Barns", series, figure, has_levels)


def drawn(shown: Chart, shape: Shape) -> list[str]:
    count = len(shown.series[0].values)
    lines = draw(shown, [float(count - 1 - number) for number in range(count)], shape)
    return ["".join(segment.text for segment in line) for line in lines]


def test_a_chart_has_a_title_a_plot_and_axes() -> None:
    """The latest value of each series in the title, numbers at top, middle and bottom."""
    found = drawn(chart([0, 2, 4, 6, 8, 10], [3, 3, 3, 3, 3, 3]), Shape(34, 5, 6, 5.0))

    assert [
        "Barns ━ s0    10 ━ s1     3       ",
        "    10┤                      ⢀⣀⠤⠔⠊",
        "      │                 ⢀⡠⠤⠒⠉⠁    ",
        "     5┤          ⢀⣀⡠⠤⠔⠒⠉⠁         ",
        "      │⠒⠒⠒⠒⠒⢒⣒⠶⠒⠚⠓⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒",
        "     0┤⣀⡠⠤⠒⠊⠁                     ",
        "      └5 s ago ─────────────── now",
    ] == found


@pytest.mark.parametrize(
    ("values", "top"),
    [
        ([], 0.0), ([None], 0.0), ([0.0, 0.0], 0.0), ([float("nan"), float("inf")], 0.0),
        ([1.0], 1.0), ([1.1], 2.0), ([2.5], 3.0), ([3.7], 4.0), ([5.0], 6.0), ([7.0], 8.0), ([8.1], 10.0),
        ([0.283], 0.3), ([0.3], 0.3), ([1_234_567.0], 2_000_000.0), ([0.1 + 0.2], 0.3),
    ],
)  # fmt: skip
def test_scales_grow_in_steps(values: list[float | None], top: float) -> None:
    """What is on top is a short number, no less than any value."""
    assert top == pytest.approx(scale_of(chart(values)))


VALUES = st.none() | st.floats(0, 1e12) | st.just(float("nan")) | st.just(float("inf"))


@given(st.lists(VALUES, max_size=40), st.integers(1, 60), st.integers(1, 20), st.integers(4, 12), st.floats(0.1, 1e5))  # fmt: skip
def test_axes_stand_still(
    values: list[float | None], width: int, height: int, y_width: int, window: float
) -> None:
    """Whatever the values are, each line has its width, and the axis its column."""
    shape = Shape(width, height, y_width, window)
    found = drawn(chart(values, values), shape)

    assert height + FRAME == len(found)
    assert {width} == set(map(cell_len, found))
    if width > y_width:
        assert set("│┤└") >= {line[y_width] for line in found[1:]}
        assert "└" == found[-1][y_width]


def test_values_older_than_the_window_are_not_drawn() -> None:
    """The newest is at the right, and what is as old as the window at the left."""
    at_left = drawn(chart([4.0, None, None]), Shape(14, 1, 4, 2.0))
    too_old = drawn(chart([4.0, None, None, None]), Shape(14, 1, 4, 2.0))

    assert ["⠁        ", "         "] == [at_left[1][5:], too_old[1][5:]]


def test_a_gap_stays_a_gap() -> None:
    """An interval in which no request ended has no latency: nothing is drawn there, not 0."""
    found = drawn(chart([4.0, 4.0, None, None, 4.0, 4.0]), Shape(16, 1, 5, 5.0))

    assert "⠉⠉⠁    ⠈⠉⠉" == found[1][6:]


def test_colours_say_which_line_it_is_or_how_high() -> None:
    """One or the other."""
    shape = Shape(16, 6, 4, 1.0)
    by_series = draw(chart([0.0, 6.0]), [1.0, 0.0], shape)
    by_height = draw(chart([0.0, 6.0], has_levels=True), [1.0, 0.0], shape)

    assert {RED} == {line[1].style for line in by_series[1:-1]}
    assert list(reversed(LEVELS)) == [line[1].style for line in by_height[1:-1]]


def test_times_are_told_with_their_units() -> None:
    """The axis and the title say values as they are asked to."""
    shown = Chart("E2E", [Series("", [0.2, 0.283], RED)], time_figure)
    found = drawn(shown, Shape(20, 4, 6, 1.0))

    assert ["E2E 283ms", " 300ms┤", " 150ms┤", "     0┤"] == [found[0].strip(), found[1][:7], found[3][:7], found[4][:7]]  # fmt: skip
