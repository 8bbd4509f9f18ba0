"""Tiles over the whole width of a page, whichever of them a source can fill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from llmdash.dashboards.panel import COLUMNS
from llmdash.dashboards.panels import Panel

#: Narrower, and a number with its unit is too small to be read across a room.
MOST_IN_LINE = 8


def side_by_side(tiles: Iterable[Panel]) -> tuple[Panel, ...]:
    """Return the tiles over few lines of about as many, each as wide as fills its line."""
    found = tuple(tiles)
    lines = -(-len(found) // MOST_IN_LINE)
    spread = []
    for line in range(lines):
        start, end = (len(found) * place // lines for place in (line, line + 1))
        own = found[start:end]
        for place, each in enumerate(own):
            left, right = (COLUMNS * edge // len(own) for edge in (place, place + 1))
            spread.append(replace(each, width=right - left))
    return tuple(spread)
