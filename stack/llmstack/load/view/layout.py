"""What fits into a terminal: the table always does, and charts as many as there is room for."""

from __future__ import annotations

from dataclasses import dataclass

#: Charts are no narrower, so that a chart shows a minute or two with its axis and its title.
_NARROWEST_CHART = 39
_MOST_ACROSS = 4
#: Rows of a plot that is as low, and as high, as it becomes by itself.
_LOWEST, _HIGHEST = 5, 16
#: Lines of the table that are there before charts are, and that are wanted beside them.
_FEWEST_ROWS, _USUAL_ROWS = 3, 8
#: Lines of a terminal that always are: title, progress, the head of the table, and totals.
_ALWAYS = 5
#: With these: the plan in words and the strips.
_PLAN, _STRIPS = 1, 2


@dataclass(frozen=True)
class Sizes:
    """What somebody asked for."""

    #: Seconds that a chart shows.
    plot_window: float = 120.0
    #: Lines of the table; None for what fits, at least eight where charts leave them.
    plot_rows: int | None = None
    #: Rows of a plot; None for what fits.
    plot_height: int | None = None
    #: Cells of a strip.
    spark_width: int = 12
    #: Cells of a number on a y axis.
    y_width: int = 6


@dataclass(frozen=True)
class Layout:
    """What is shown where."""

    #: Cells and lines of the terminal.
    width: int
    height: int
    #: Charts beside each other, and above each other.
    across: int
    down: int
    plot_height: int
    table_rows: int
    has_plan: bool
    strip_lines: int

    @property
    def part_width(self) -> int:
        """Cells of a chart, or of a strip with its name."""
        return self.width // self.across - (self.across > 1)


def layout(width: int, height: int, sizes: Sizes, charts: int, frame: int) -> Layout:
    """Return what fits.

    Args:
        width: cells of the terminal.
        height: its lines.
        sizes: what was asked for.
        charts: how many there are.
        frame: lines of a chart beside its plot.
    """
    across = max(1, min(_MOST_ACROSS, width // _NARROWEST_CHART))
    wanted = _USUAL_ROWS if sizes.plot_rows is None else sizes.plot_rows
    fewest = min(wanted, _FEWEST_ROWS)
    left = height - _ALWAYS - fewest
    has_plan = left >= _PLAN
    left -= _PLAN * has_plan
    strips = _STRIPS if left >= _STRIPS else 0
    left -= strips
    # More lines of the table come before more charts, but not before the first of them.
    lowest = frame + (sizes.plot_height or _LOWEST)
    beside_table = max(0, left - (wanted - fewest)) // lowest
    down = min(charts // across, max(beside_table, min(1, left // lowest)))
    each = lowest
    if down and sizes.plot_height is None:
        each = max(lowest, min(_HIGHEST + frame, (left - (wanted - fewest)) // down))
    rest = max(0, left - down * each)
    rows = fewest + (rest if sizes.plot_rows is None else min(wanted - fewest, rest))
    return Layout(width, height, across, down, each - frame, rows, has_plan, strips)
