"""Panels that show the newest values: large numbers, arcs and bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.patches import Wedge

from tests.pictures.answers import Line, TimeRange
from tests.pictures.canvas import Box, Canvas, text_width
from tests.pictures.fields import Field, Json, field_of
from tests.pictures.palette import GRID, TEXT, WEAK_TEXT, classic, readable_on
from tests.pictures.timeseries import draw_spark


def draw_stat(
    canvas: Canvas, box: Box, panel: Json, lines: Sequence[Line], time_range: TimeRange
) -> None:
    """Draw the newest value of each line as large as there is room."""
    if not lines:
        _no_data(canvas, box, panel)
        return
    options = panel["options"]
    inner = box.inside(8, 4, 8, 8)
    across = inner.width > inner.height
    share = 1 / len(lines)
    for place, line in enumerate(lines):
        field = field_of(panel, line.query_key, line.name)
        cell = (
            Box(
                inner.left + place * share * inner.width,
                inner.top,
                share * inner.width,
                inner.height,
            )
            if across
            else Box(
                inner.left,
                inner.top + place * share * inner.height,
                inner.width,
                share * inner.height,
            )
        )
        color = field.color(line.last)
        if options["colorMode"] == "background":
            canvas.box(cell, color, radius=3)
        named = len(lines) > 1 or options["textMode"] in ("value_and_name", "name")
        if options["graphMode"] == "area" and len(line.values) > 1:
            low = cell.inside(0, 0.55 * cell.height, 0, 0)
            draw_spark(canvas, low, line, color, time_range)
        ink = readable_on(color) if options["colorMode"] == "background" else color
        text = "" if options["textMode"] == "name" else field.text(line.last)
        top = 0.36 if options["graphMode"] == "area" else 0.5
        _large(canvas, cell, text, ink, line.name if named else "", top)


def _large(canvas: Canvas, cell: Box, text: str, color: str, name: str, top: float) -> None:
    size = min(0.42 * cell.height, 38.0)
    wide = text_width(text, size)
    if wide > cell.width - 8:
        size *= (cell.width - 8) / wide
    middle = cell.left + cell.width / 2
    y = cell.top + top * cell.height
    if name:
        canvas.text(middle, cell.top + 10, name, size=12, side="center", within=cell.width - 6)
        y += 9
    canvas.text(middle, y, text, size=size, color=color, side="center", bold=size > 20)


def _no_data(canvas: Canvas, box: Box, panel: Json) -> None:
    text = field_of(panel).get("noValue") or "No data"
    x, y = box.left + box.width / 2, box.top + 0.45 * box.height
    canvas.text(x, y, text, size=min(24, 0.3 * box.height), color=TEXT, side="center")


def draw_gauge(canvas: Canvas, box: Box, panel: Json, lines: Sequence[Line]) -> None:
    """Draw the newest value of each line on an arc."""
    if not lines:
        _no_data(canvas, box, panel)
        return
    width = box.width / len(lines)
    for place, line in enumerate(lines):
        field = field_of(panel, line.query_key, line.name)
        radius = min(width / 2, box.height * 0.72) - 14
        x, y = box.left + (place + 0.5) * width, box.top + 0.66 * box.height
        share = _share(field, line.last)
        for start, end, color in ((0.0, 1.0, GRID), (0.0, share, field.color(line.last))):
            # The page's y axis points down, so that angles run with the clock.
            canvas.page.add_patch(
                Wedge(
                    (x, y),
                    radius,
                    180 + 180 * start,
                    180 + 180 * end,
                    width=0.28 * radius,
                    color=color,
                )
            )
        canvas.text(
            x, y - 8, field.text(line.last), size=22, color=field.color(line.last), side="center"
        )
        if len(lines) > 1:
            canvas.text(x, y + 18, line.name, size=11, side="center", within=width - 8)


def draw_bars(canvas: Canvas, box: Box, panel: Json, lines: Sequence[Line]) -> None:
    """Draw the newest value of each line as a bar."""
    if not lines:
        _no_data(canvas, box, panel)
        return
    inner = box.inside(10, 4, 10, 8)
    height = min(inner.height / len(lines), 60)
    by_place = field_of(panel).get("color", {}).get("mode") == "palette-classic"
    least = max(height, 18)
    greatest = max((line.last for line in lines if math.isfinite(line.last)), default=1.0)
    names = min(0.4 * inner.width, max(text_width(line.name, 12) for line in lines) + 8)
    for place, line in enumerate(lines):
        top = inner.top + place * least
        if top + least > inner.bottom + 1:
            canvas.text(
                inner.right,
                inner.bottom,
                f"+{len(lines) - place} ↕",
                size=10,
                color=WEAK_TEXT,
                side="right",
            )
            break
        field = field_of(panel, line.query_key, line.name)
        color = classic(place) if by_place else field.color(line.last)
        high = field.get("max")
        share = _share(field, line.last) if high is not None else line.last / (greatest or 1)
        bar = Box(inner.left + names, top + 2, inner.width - names - 84, least - 4)
        canvas.text(bar.left - 6, top + least / 2, line.name, size=12, side="right", within=names)
        canvas.box(bar, GRID)
        if math.isfinite(share) and share > 0:
            canvas.box(Box(bar.left, bar.top, min(share, 1) * bar.width, bar.height), color)
        text = field.text(line.last)
        canvas.text(bar.right + 8, top + least / 2, text, size=12, color=color)


def _share(field: Field, value: float) -> float:
    low, high = field.get("min") or 0.0, field.get("max") or 1.0
    return min(1.0, max(0.0, (value - low) / (high - low))) if math.isfinite(value) else 0.0
