"""Where panels stand: rows flow from left to right over 24 columns, wrap, and stack.

A repeated panel has a line of its own, since Grafana spreads its copies over the whole width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from llmdash.dashboards.panel import COLUMNS, Panel


@dataclass(frozen=True)
class Cell:
    """A rectangle of the grid."""

    x: int
    y: int
    width: int
    height: int

    def overlaps(self, other: Cell) -> bool:
        """Tell whether two rectangles share a square."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


@dataclass(frozen=True)
class Placed:
    """A panel and its place."""

    panel: Panel
    cell: Cell


def flow(panels: Iterable[Panel], top: int) -> tuple[tuple[Placed, ...], int]:
    """Return the panels placed from line `top` on, and the first line below all of them."""
    placed: list[Placed] = []
    x, y, tallest = 0, top, 0
    for panel in panels:
        width = COLUMNS if panel.repeat else panel.width
        if x + width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        placed.append(Placed(panel, Cell(x, y, width, panel.height)))
        x, tallest = x + width, max(tallest, panel.height)
    return tuple(placed), y + tallest


@dataclass(frozen=True)
class Band:
    """A row's heading and the panels below it."""

    heading: Cell
    panels: tuple[Placed, ...]


def stack(rows: Iterable[tuple[Sequence[Panel], bool]]) -> tuple[Band, ...]:
    """Return rows one below the other; the panels of a collapsed one take no room of the page."""
    bands = []
    top = 0
    for panels, collapsed in rows:
        placed, below = flow(panels, top + 1)
        bands.append(Band(Cell(0, top, COLUMNS, 1), placed))
        top = top + 1 if collapsed else below
    return tuple(bands)


def misplaced(placed: Sequence[Placed]) -> tuple[str, ...]:
    """Return what is wrong with a layout: cells beyond the grid, and cells that overlap."""
    outside = [
        f"{each.panel.key} reaches beyond column {COLUMNS}"
        for each in placed
        if each.cell.x < 0 or each.cell.x + each.cell.width > COLUMNS
    ]
    crossing = [
        f"{one.panel.key} and {other.panel.key} overlap"
        for one, other in combinations(placed, 2)
        if one.cell.overlaps(other.cell)
    ]
    return (*outside, *crossing)
