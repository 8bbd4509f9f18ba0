"""Where panels stand: rows flow from left to right over 24 columns, wrap, and stack.

Graphs take what a line leaves over, in equal parts. A repeated panel has a line of its own, since
Grafana spreads its copies over the whole width.
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
    y = top
    for line in _lines(panels):
        x = 0
        for panel, width in zip(line, _widths(line), strict=True):
            placed.append(Placed(panel, Cell(x, y, width, panel.height)))
            x += width
        y += max(panel.height for panel in line)
    return tuple(placed), y


def _width(panel: Panel) -> int:
    return COLUMNS if panel.repeat else panel.width


def _lines(panels: Iterable[Panel]) -> list[list[Panel]]:
    """Return the panels that stand side by side, line by line."""
    lines: list[list[Panel]] = []
    left = 0
    for panel in panels:
        if not lines or _width(panel) > left:
            lines.append([])
            left = COLUMNS
        lines[-1].append(panel)
        left -= _width(panel)
    return lines


def _widths(line: Sequence[Panel]) -> list[int]:
    """Return how wide the panels of a line are when graphs have taken what is left over."""
    widths = [_width(panel) for panel in line]
    graphs = [place for place, panel in enumerate(line) if panel.stretches]
    spare = COLUMNS - sum(widths)
    for turn, place in enumerate(graphs):
        part = spare // (len(graphs) - turn)
        widths[place] += part
        spare -= part
    return widths


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
