"""Panels flow from left to right, wrap, and never overlap."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmdash.dashboards.layout import Cell, Placed, flow, misplaced, stack
from llmdash.dashboards.panels import Panel, Text
from tests.dashboards.examples import time_series


def panel(key: str, width: int, height: int, repeat: str | None = None) -> Text:
    return Text(key=key, markdown="words", width=width, height=height, repeat=repeat)


def test_panels_wrap_at_the_edge() -> None:
    """What does not fit starts a new line, below the tallest of the last."""
    panels = (panel("a", 11, 3), panel("b", 13, 7), panel("c", 5, 2))
    placed, below = flow(panels, top=1)

    assert [Cell(0, 1, 11, 3), Cell(11, 1, 13, 7), Cell(0, 8, 5, 2)] == [
        each.cell for each in placed
    ]
    assert 10 == below


def test_a_repeated_panel_has_a_line_of_its_own() -> None:
    """Grafana spreads its copies over the whole width, so nothing may stand beside it."""
    placed, _ = flow((panel("a", 5, 2), panel("b", 5, 3, "engine"), panel("c", 5, 2)), top=0)

    assert [Cell(0, 0, 5, 2), Cell(0, 2, 24, 3), Cell(0, 5, 5, 2)] == [each.cell for each in placed]


def test_a_collapsed_row_takes_one_line() -> None:
    """What is folded away pushes nothing down; an open row starts below the last panel."""
    rows = (((panel("a", 5, 7),), False), ((panel("b", 5, 7),), True), ((panel("c", 5, 7),), False))
    bands = stack(rows)

    assert [0, 8, 9] == [band.heading.y for band in bands]
    assert [1, 9, 10] == [band.panels[0].cell.y for band in bands]


# No deadline: the time of one case says nothing on a busy machine.
@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 24), st.integers(1, 9)), max_size=12))
def test_no_layout_is_misplaced(sizes: list[tuple[int, int]]) -> None:
    """Whatever the sizes, no panel overlaps another or reaches beyond the grid."""
    placed, _ = flow([panel(f"p{n}", *size) for n, size in enumerate(sizes)], top=3)

    assert () == misplaced(placed)


def test_what_is_misplaced_is_named() -> None:
    """The check itself sees cells that overlap and cells that leave the grid."""
    one = Placed(panel("one", 5, 5), Cell(0, 0, 5, 5))
    other = Placed(panel("other", 5, 5), Cell(4, 4, 21, 5))

    assert ("other reaches beyond column 24", "one and other overlap") == misplaced((one, other))


def graph(key: str, width: int) -> Panel:
    return time_series(key, width=width)


@pytest.mark.parametrize(
    ("widths", "taken"),
    [((8,), [24]), ((8, 8), [12, 12]), ((12, 5), [15, 9]), ((8, 8, 8), [8, 8, 8])],
)
def test_graphs_take_what_is_left(widths: tuple[int, ...], taken: list[int]) -> None:
    """A line of graphs fills the page, each as much wider as the others."""
    placed, _ = flow([graph(f"g{n}", width) for n, width in enumerate(widths)], top=0)

    assert taken == [each.cell.width for each in placed]
    assert () == misplaced(placed)


def test_only_graphs_stretch() -> None:
    """A tile keeps its width; the graph beside it takes all that is left over."""
    placed, _ = flow((panel("a", 4, 4), graph("b", 12), panel("c", 23, 2)), top=0)

    assert [4, 20, 23] == [each.cell.width for each in placed]
