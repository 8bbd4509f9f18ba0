"""Levels and strips: how much is told by colour and by height alike."""

from __future__ import annotations

import pytest
from rich.style import Style

from llmstack.terminal.intensity import LEVELS, QUIET, level, scale, strip


@pytest.mark.parametrize(
    ("value", "most", "style"),
    [
        (None, 6.0, QUIET),
        (0.0, 6.0, QUIET),
        (1.0, 0.0, QUIET),
        (0.1, 6.0, LEVELS[0]),
        (1.0, 6.0, LEVELS[1]),
        (5.9, 6.0, LEVELS[5]),
        (6.0, 6.0, LEVELS[5]),
        (9.0, 6.0, LEVELS[5]),
    ],
)
def test_a_level_is_a_part_of_the_most(value: float | None, most: float, style: Style) -> None:
    """Six equal parts, and none for nothing."""
    assert style is level(value, most)


@pytest.mark.parametrize(
    ("values", "width", "text"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], 8, "▂▃▄▅▆▇██"),
        ([8, 0, 4], 5, "  █▁▅"),
        ([8, None, 4], 3, "█ ▅"),
        ([1, 8, 8, 8], 2, "██"),
        ([], 3, "   "),
        ([8], 0, ""),
    ],
)
def test_a_strip_shows_the_last_values(
    values: list[float | None], width: int, text: str
) -> None:  # fmt: skip
    """The newest on the right, a cell each; what nobody knows leaves its cell empty."""
    assert text == "".join(segment.text for segment in strip(values, width, 8.0))


def test_a_strip_has_the_colours_of_its_values() -> None:
    """Cells of one colour are one piece of text."""
    found = [(segment.text, segment.style) for segment in strip([0, 8, 8, 1], 5, 8.0)]

    assert [(" ▁", QUIET), ("██", LEVELS[5]), ("▂", LEVELS[0])] == found


def test_a_strip_of_nothing_is_quiet() -> None:
    """Where nothing has happened there is no most of it."""
    assert ["▁▁"] == [segment.text for segment in strip([0, 0], 2, 0.0)]


def test_the_legend_has_all_levels() -> None:
    """From little to much, each higher than the one before."""
    found = scale()

    assert list(LEVELS) == [segment.style for segment in found]
    assert sorted({segment.text for segment in found}) == [segment.text for segment in found]
