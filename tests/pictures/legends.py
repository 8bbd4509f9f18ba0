"""The legend below a graph: a table of lines with a reduction of each, cut where it would scroll."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from tests.pictures.answers import Line
from tests.pictures.canvas import Box, Canvas, text_width
from tests.pictures.fields import Json, field_of
from tests.pictures.palette import LINK, TEXT, WEAK_TEXT

_ROW, _HEAD = 22, 22
#: Grafana lets a legend at the bottom have this share of the panel; the rest scrolls.
_SHARE = 0.35
_COLUMN = 70


def _finite(line: Line) -> list[float]:
    return [value for value in line.values if math.isfinite(value)]


def _mean(line: Line) -> float:
    values = _finite(line)
    return sum(values) / len(values) if values else math.nan


_REDUCED: Mapping[str, tuple[str, Callable[[Line], float]]] = {
    "mean": ("Mean", _mean),
    "max": ("Max", lambda line: max(_finite(line), default=math.nan)),
    "min": ("Min", lambda line: min(_finite(line), default=math.nan)),
    "lastNotNull": ("Last *", lambda line: next(reversed(_finite(line)), math.nan)),
    "last": ("Last", lambda line: line.last),
}


def legend_height(panel: Json, lines: Sequence[Line], height: float) -> float:
    """Return how much of a panel's height its legend takes."""
    legend = panel["options"].get("legend") or {}
    if not legend.get("showLegend") or not lines:
        return 0
    if legend["displayMode"] != "table":
        return _ROW
    return min(_HEAD + _ROW * len(lines) + 4, _SHARE * height)


def draw_legend(
    canvas: Canvas, box: Box, panel: Json, lines: Sequence[Line], colors: Sequence[str]
) -> None:
    """Draw the lines' names and reductions, as many as there is room for."""
    legend = panel["options"].get("legend") or {}
    if not legend.get("showLegend") or not lines:
        return
    lines, colors = _sorted(legend, lines, colors)
    calcs = legend["calcs"] if legend["displayMode"] == "table" else []
    if legend["displayMode"] != "table":
        x = box.left + 10
        for line, color in zip(lines, colors, strict=True):
            canvas.box(Box(x, box.top + 9, 12, 4), color)
            canvas.text(x + 17, box.top + 11, line.name, size=11)
            x += 36 + 7 * len(line.name)
        return
    columns = [[_reduced_text(panel, line, calc) for line in lines] for calc in calcs]
    widths = [max(_COLUMN, *(text_width(t, 11) + 14 for t in column)) for column in columns]
    ends = [box.right - 12 - sum(widths[place + 1 :]) for place in range(len(calcs))]
    canvas.text(box.left + 10, box.top + 11, "Name", size=11, color=LINK)
    for calc, end in zip(calcs, ends, strict=True):
        name = _REDUCED[calc][0]
        canvas.text(end, box.top + 11, name, size=11, color=LINK, side="right")
    room = int((box.height - _HEAD) / _ROW + 0.3)
    for place, (line, color) in enumerate(zip(lines[:room], colors[:room], strict=True)):
        y = box.top + _HEAD + (place + 0.5) * _ROW
        if color != "none":
            canvas.box(Box(box.left + 10, y - 2, 13, 4), color)
        width = (ends[0] - widths[0] if ends else box.right) - box.left - 34
        canvas.text(box.left + 29, y, line.name, size=11, color=TEXT, within=width)
        for column, end in zip(columns, ends, strict=True):
            canvas.text(end, y, column[place], size=11, side="right")
    if len(lines) > room:
        more = f"+{len(lines) - room} ↕"
        canvas.text(box.left + 60, box.top + 11, more, size=10, color=WEAK_TEXT)


def _reduced_text(panel: Json, line: Line, calc: str) -> str:
    value = _REDUCED[calc][1](line)
    return "" if math.isnan(value) else field_of(panel, line.query_key, line.name).text(value)


def _sorted(
    legend: Json, lines: Sequence[Line], colors: Sequence[str]
) -> tuple[Sequence[Line], Sequence[str]]:
    """Return lines and their colours as the legend orders them."""
    calc = next((each for name, each in _REDUCED.values() if name == legend.get("sortBy")), None)
    if calc is None or not lines:
        return lines, colors

    def rank(pair: tuple[Line, str]) -> tuple[bool, float]:
        value = calc(pair[0])
        return (math.isnan(value), -value if legend.get("sortDesc") else value)

    ordered = sorted(zip(lines, colors, strict=True), key=rank)
    return [line for line, _ in ordered], [color for _, color in ordered]
