"""A chart with its axes, made of lines of equal width that stand where they stood before.

Numbers on its y axis have a width of their own, and the scale grows in few steps (1, 2, 3, 4, 6 …),
so that neither the columns nor the lines in them move with every new value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

from rich.segment import Segment
from rich.style import Style

from llmstack.terminal.braille import Canvas, Point
from llmstack.terminal.intensity import LEVELS, QUIET
from llmstack.terminal.screen import Line

#: Returns a value in so many cells.
Shown = Callable[[float | None, int], str]

#: Lines of a chart beside those of its plot: its title above it, and its x axis below.
FRAME = 2
#: Of each power of ten; the half of each is a short number too.
_STEPS = (1, 2, 3, 4, 6, 8)
#: Cells of the latest value in a title.
_LATEST = 5
_TITLE = Style(bold=True)


@dataclass(frozen=True)
class Series:
    """Values over time, the newest last; None where there is nothing to show."""

    name: str
    values: Sequence[float | None]
    style: Style


@dataclass(frozen=True)
class Chart:
    """What is drawn."""

    title: str
    series: Sequence[Series]
    #: How its values are told, on the axis and in the title.
    shown: Shown
    #: Whether colours say how high a line is, and not which one it is.
    has_levels: bool = False


@dataclass(frozen=True)
class Shape:
    """How large charts are, in cells, and how much time they show."""

    width: int
    #: Rows of the plot.
    height: int
    #: Cells of a number on the y axis.
    y_width: int
    #: Seconds from the left to the right.
    window: float


def draw(chart: Chart, ages: Sequence[float], shape: Shape) -> list[Line]:
    """Return the lines of a chart: its title, its plot and its x axis.

    Args:
        chart: what is drawn.
        ages: how many seconds older than the newest each of the values is.
        shape: how large it is.
    """
    canvas = Canvas(max(1, shape.width - shape.y_width - 1), shape.height)
    top = scale_of(chart)
    places = [_column(age, shape.window, canvas.dots_across) for age in ages]
    for series in chart.series:
        canvas.trace(_points(series.values, places, top, canvas.dots_high))
    lines = [_title(chart)]
    for row, runs in enumerate(canvas.rows()):
        label = _label(row, shape, top, chart.shown)
        line = [Segment(f"{label}{'│' if label.isspace() else '┤'}", QUIET)]
        line += [Segment(text, _style(chart, owner, row, shape.height)) for text, owner in runs]
        lines.append(line)
    lines.append(_x_axis(shape))
    return [Segment.adjust_line_length(line, shape.width) for line in lines]


def scale_of(chart: Chart) -> float:
    """Return what the top of a chart is: a step no less than any value; 0 where there is none."""
    # A value that is none, or not a number, is nothing; what has no end has no place in a chart.
    values = (value for series in chart.series for value in series.values if value)
    most = max((value for value in values if isfinite(value)), default=0.0)
    if most <= 0:
        return 0.0
    power = 10.0 ** floor(log10(most))
    # A value that is the step but for a rounding error needs no larger one.
    return next((step * power for step in _STEPS if most <= step * power * 1.000001), 10 * power)


def _column(age: float, window: float, dots: int) -> int:
    return dots - 1 - round(age / window * (dots - 1))


def _points(
    values: Sequence[float | None], places: Sequence[int], top: float, dots: int
) -> Iterator[Point]:
    highest = dots - 1
    for x, value in zip(places, values, strict=True):
        if x < 0:
            continue
        if value is None or not isfinite(value):
            yield None
        else:
            yield x, min(highest, max(0, round(value / top * highest))) if top else 0


def _title(chart: Chart) -> Line:
    line = [Segment(chart.title, _TITLE)]
    for series in chart.series:
        latest = series.values[-1] if series.values else None
        name = f" ━ {series.name}" if series.name else ""
        style = None if chart.has_levels else series.style
        line += [Segment(name, style), Segment(f" {chart.shown(latest, _LATEST)}")]
    return line


def _label(row: int, shape: Shape, top: float, shown: Shown) -> str:
    """Return the number beside a row: the top, the middle and the bottom have one."""
    values = {0: top, shape.height // 2: top / 2, shape.height - 1: 0.0}
    # Of two or three rows the middle would stand too close to the others.
    if row not in values or not top or (0 < row < shape.height - 1 and shape.height < 4):
        return " " * shape.y_width
    return shown(values[row], shape.y_width)


def _style(chart: Chart, owner: int, row: int, height: int) -> Style | None:
    if owner < 0:
        return None
    if not chart.has_levels:
        return chart.series[owner].style
    return LEVELS[min(len(LEVELS) - 1, (height - 1 - row) * len(LEVELS) // height)]


def _x_axis(shape: Shape) -> Line:
    room = max(0, shape.width - shape.y_width - 1)
    begin, end = f"{shape.window:g} s ago ", " now"
    between = room - len(begin) - len(end)
    text = f"{begin}{'─' * between}{end}" if between > 0 else "─" * room
    return [Segment(f"{' ' * shape.y_width}└{text}", QUIET)]
