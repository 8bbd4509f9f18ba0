"""A canvas of braille: eight dots a cell, two beside each other and four above each other.

Each series keeps, for each column of dots, one number whose bits are its dots. A vertical stroke is
then a single operation, and a chart of a hundred cells takes a fraction of a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import or_

#: Dots of a cell.
DOTS_ACROSS, DOTS_HIGH = 2, 4
_EMPTY = 0x2800


def _bits(dots: int, lowest_first: tuple[int, int, int, int]) -> int:
    return sum(bit for place, bit in enumerate(lowest_first) if dots >> place & 1)


#: The character of the dots of both halves of a cell, each a number of four bits, lowest dot first.
#: Unicode counts them down from the top, and put the lowest two last.
_CELLS = tuple(
    tuple(
        chr(_EMPTY + _bits(left, (0x40, 0x04, 0x02, 0x01)) + _bits(right, (0x80, 0x20, 0x10, 0x08)))
        if left or right
        # A cell without dots is a space, which every font has.
        else " "
        for right in range(16)
    )
    for left in range(16)
)

#: A point in dots from the lower left corner; None where a line is interrupted.
Point = tuple[int, int] | None
#: Text of cells beside each other, and the number of the series that is seen in them.
Run = tuple[str, int]


class Canvas:
    """Lines of several series."""

    def __init__(self, width: int, height: int) -> None:
        """Begin with nothing; width and height are in cells."""
        self._width, self._height = width, height
        self._series: list[list[int]] = []

    @property
    def dots_across(self) -> int:
        """Dots from the left to the right."""
        return self._width * DOTS_ACROSS

    @property
    def dots_high(self) -> int:
        """Dots from the bottom to the top."""
        return self._height * DOTS_HIGH

    def trace(self, points: Iterable[Point]) -> None:
        """Draw a series as lines from point to point; those that come later cover the others.

        Args:
            points: from the left to the right, each on the canvas.
        """
        columns = [0] * self.dots_across
        before: Point = None
        for point in points:
            if point is not None:
                if before is None:
                    columns[point[0]] |= 1 << point[1]
                else:
                    _stroke(columns, before, point)
            before = point
        self._series.append(columns)

    def rows(self) -> list[list[Run]]:
        """Return what was drawn, from the top; a cell belongs to the last series that is in it."""
        if not self._series:
            return [[(" " * self._width, -1)] for _ in range(self._height)]
        together = [reduce(or_, dots) for dots in zip(*self._series, strict=True)]
        halves = list(zip(together[::2], together[1::2], strict=True))
        heights = [reduce(or_, columns, 0) for columns in self._series]
        shifts = [row * DOTS_HIGH for row in reversed(range(self._height))]
        return [self._row(shift, halves, heights) for shift in shifts]

    def _row(
        self, shift: int, halves: Sequence[tuple[int, int]], heights: Sequence[int]
    ) -> list[Run]:
        """Return a row.

        Args:
            shift: how many dots are below it.
            halves: the dots of both columns of each cell, of all series together.
            heights: of each series, at which heights it has a dot anywhere.
        """
        there = [number for number, dots in enumerate(heights) if dots >> shift & 15]
        if not there:
            return [(" " * self._width, -1)]
        text = "".join([_CELLS[left >> shift & 15][right >> shift & 15] for left, right in halves])
        if len(there) == 1:
            return [(text, there[0])]
        runs: list[Run] = []
        begin, owner = 0, -1
        for cell, seen in enumerate(self._owners(shift, there)):
            # An empty cell has no colour, so it belongs to whatever it stands beside.
            if seen not in (owner, -1):
                if owner >= 0:
                    runs.append((text[begin:cell], owner))
                    begin = cell
                owner = seen
        runs.append((text[begin:], owner))
        return runs

    def _owners(self, shift: int, there: Sequence[int]) -> Iterator[int]:
        columns = [(number, self._series[number]) for number in reversed(there)]
        band = 15 << shift
        for left in range(0, self.dots_across, DOTS_ACROSS):
            for number, dots in columns:
                if (dots[left] | dots[left + 1]) & band:
                    yield number
                    break
            else:
                yield -1


def _stroke(columns: list[int], begin: tuple[int, int], end: tuple[int, int]) -> None:
    """Draw from a point, which is there already, to another; no gap is left however steep it is."""
    x, y = begin
    across, up = end[0] - x, end[1] - y
    for step in range(1, across + 1):
        _column(columns, x + step, y + up * (step - 1) // across, y + up * step // across)
    if not across:
        _column(columns, x, y, y + up)


def _column(columns: list[int], x: int, begin: int, end: int) -> None:
    """Draw upright from a height, which is drawn already in the column before, to another."""
    if end > begin:
        begin += 1
    elif end < begin:
        begin, end = end, begin - 1
    columns[x] |= ((1 << (end - begin + 1)) - 1) << begin
