"""Which state each series was in, over time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.pictures.answers import Line, TimeRange
from tests.pictures.canvas import Box, Canvas
from tests.pictures.fields import Json, field_of
from tests.pictures.palette import BORDER, TEXT, readable_on
from tests.pictures.time_axes import SMALL, points, time_axes


def draw_states(
    canvas: Canvas, box: Box, panel: Json, lines: Sequence[Line], time_range: TimeRange
) -> None:
    """Draw the states of each series one after the other, each in the colour of its name."""
    axes = time_axes(canvas, box.inside(150, 6, 12, 44), time_range)
    axes.grid(visible=False)
    axes.set_ylim(len(lines) or 1, 0)
    axes.set_yticks([])
    seen: dict[str, str] = {}
    row_height = box.inside(0, 6, 0, 44).height / max(1, len(lines))
    for place, line in enumerate(lines):
        field = field_of(panel, line.query_key, line.name)
        middle = box.top + 6 + (place + 0.5) * row_height
        canvas.text(box.left + 144, middle, line.name, size=11, side="right", within=136)
        for start, end, value in _spans(line):
            color, text = field.color(value), field.text(value)
            seen.setdefault(text, color)
            if color != "none":
                span = (start, end - start)
                axes.broken_barh([span], (place + 0.06, 0.88), facecolor=color, alpha=0.75)
                wide = (end - start) / time_range.seconds * (box.width - 162)
                if row_height > 13 and wide > 8 * len(text):
                    axes.text(
                        *(start + 0.004 * time_range.seconds, place + 0.5, text),
                        fontsize=SMALL,
                        color=readable_on(color),
                        va="center",
                    )
    x = box.left + 12
    for text, color in seen.items():
        canvas.box(Box(x, box.bottom - 12, 12, 4), color if color != "none" else BORDER)
        canvas.text(x + 17, box.bottom - 10, text, size=11, color=TEXT)
        x += 36 + 7 * len(text)


def _spans(line: Line) -> list[tuple[float, float, float]]:
    """Return the stretches of one value; a missing sample ends one."""
    times, values = points(line)
    if len(times) < 2:
        return []
    step = times[1] - times[0]
    found: list[tuple[float, float, float]] = []
    for moment, value in zip(times, values, strict=True):
        if found and found[-1][2] == value and found[-1][1] >= moment - 0.1 * step:
            found[-1] = (found[-1][0], moment + step, value)
        elif not math.isnan(value):
            found.append((moment, moment + step, value))
    return found
