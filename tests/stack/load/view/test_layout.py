"""What fits: the table always does, charts as many as there is room for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.load.view.layout import Layout, Sizes, layout

#: Charts that there are, and lines of a chart beside its plot.
CHARTS, FRAME = 9, 2
#: Lines that are always there: title, progress, head of the table, totals.
ALWAYS = 5


def fitting(width: int, height: int, sizes: Sizes | None = None) -> Layout:
    return layout(width, height, sizes or Sizes(), CHARTS, FRAME)


def used(found: Layout) -> int:
    charts = found.down * (found.plot_height + FRAME)
    return ALWAYS + found.has_plan + found.strip_lines + charts + found.table_rows


@pytest.mark.parametrize(
    ("width", "height", "across", "down", "plot_height", "table_rows"),
    [
        (80, 24, 2, 1, 6, 8),
        (80, 40, 2, 3, 6, 8),
        (120, 40, 3, 3, 6, 8),
        (200, 60, 4, 2, 16, 16),
        (80, 16, 2, 0, 5, 8),
        (60, 24, 1, 1, 6, 8),
        (40, 8, 1, 0, 5, 3),
    ],
)
def test_charts_fill_the_room(
    width: int, height: int, across: int, down: int, plot_height: int, table_rows: int
) -> None:
    """As many beside each other as are wide enough, then as many rows, then as high as may be."""
    found = fitting(width, height)

    assert (across, down, plot_height, table_rows) == (found.across, found.down, found.plot_height, found.table_rows)  # fmt: skip
    assert used(found) == height


def test_sizes_that_were_asked_for_are_kept() -> None:
    """Where they fit; the table has no more lines than were asked for."""
    found = fitting(120, 40, Sizes(plot_rows=4, plot_height=9))

    assert (9, 2, 4) == (found.plot_height, found.down, found.table_rows)


SIZES = st.builds(
    Sizes,
    plot_rows=st.none() | st.integers(1, 100),
    plot_height=st.none() | st.integers(2, 100),
)


@given(st.integers(1, 400), st.integers(1, 150), SIZES)
def test_the_table_always_fits(width: int, height: int, sizes: Sizes) -> None:
    """From 8 lines on nothing is higher than the terminal, and the table has at least a line."""
    found = fitting(width, height, sizes)

    assert found.table_rows >= 1
    assert found.across * found.down <= CHARTS
    assert found.part_width >= min(width, 37)
    if height >= 8:
        assert used(found) <= height
