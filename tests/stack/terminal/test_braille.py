"""The canvas: dots where they belong, lines without gaps, and who owns a cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.terminal.braille import Canvas, Point

#: Which dot of the character is at which place of a cell, counted from its lower left corner.
DOTS = {(0, 3): 1, (0, 2): 2, (0, 1): 4, (1, 3): 8, (1, 2): 16, (1, 1): 32, (0, 0): 64, (1, 0): 128}


def drawn(points: list[Point], width: int = 4, height: int = 2) -> list[str]:
    canvas = Canvas(width, height)
    canvas.trace(points)
    return ["".join(text for text, _ in runs) for runs in canvas.rows()]


def lit(rows: list[str]) -> set[tuple[int, int]]:
    """The dots of a picture, counted from the lower left corner."""
    return {
        (2 * x + across, 4 * (len(rows) - 1 - y) + up)
        for y, row in enumerate(rows)
        for x, cell in enumerate(row)
        for (across, up), bit in DOTS.items()
        if cell != " " and (ord(cell) - 0x2800) & bit
    }


@pytest.mark.parametrize("place", DOTS)
def test_each_dot_has_its_place(place: tuple[int, int]) -> None:
    """Eight in a cell, as Unicode numbers them."""
    assert [chr(0x2800 + DOTS[place])] == drawn([place], 1, 1)


@pytest.mark.parametrize(
    ("points", "picture"),
    [
        ([(0, 0), (7, 7)], ["  ⡠⠊", "⡠⠊  "]),
        ([(0, 7), (7, 0)], ["⠑⢄  ", "  ⠑⢄"]),
        ([(0, 0), (7, 0)], ["    ", "⣀⣀⣀⣀"]),
        ([(3, 0), (3, 7)], [" ⢸  ", " ⢸  "]),
        ([(3, 7), (3, 0)], [" ⢸  ", " ⢸  "]),
        ([(0, 0), None, (7, 7)], ["   ⠈", "⡀   "]),
        ([None, (2, 4), None], [" ⡀  ", "    "]),
        ([], ["    ", "    "]),
    ],
)
def test_lines_go_from_point_to_point(points: list[Point], picture: list[str]) -> None:
    """And are interrupted where there is none."""
    assert picture == drawn(points)


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 31)), min_size=1, max_size=20))
def test_a_line_has_no_gap(points: list[tuple[int, int]]) -> None:
    """Every point is lit, and each column joins the one before it, however steep the line is."""
    points.sort(key=lambda point: point[0])
    dots = lit(drawn(list(points), 20, 8))

    assert set(points) <= dots
    assert {x for x, _ in dots} == set(range(points[0][0], points[-1][0] + 1))
    for x in range(points[0][0], points[-1][0]):
        here, there = ([y for at, y in dots if at == column] for column in (x, x + 1))
        assert min(there) <= max(here) + 1
        assert max(there) >= min(here) - 1
        assert len(here) == max(here) - min(here) + 1


def test_later_series_cover_earlier_ones() -> None:
    """Cells are of the last series that is in them, with the dots of all; empty ones of a neighbour."""
    canvas = Canvas(5, 1)
    canvas.trace([(0, 0), (5, 0)])
    canvas.trace([(2, 3)])

    assert [[("⣀", 0), ("⣁", 1), ("⣀  ", 0)]] == canvas.rows()


def test_a_canvas_without_series_is_empty() -> None:
    """It has its size all the same."""
    assert [[("   ", -1)], [("   ", -1)]] == Canvas(3, 2).rows()
