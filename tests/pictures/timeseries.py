"""Lines over time: stacked or not, with thresholds and a legend; and the small ones behind a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tests.pictures.answers import Line, TimeRange
from tests.pictures.canvas import Box, Canvas, text_width
from tests.pictures.fields import Field, Json, field_of
from tests.pictures.legends import draw_legend, legend_height
from tests.pictures.palette import classic, color_code, shade_of
from tests.pictures.time_axes import points, time_axes
from tests.pictures.value_text import value_text

_LEFT = 58


def draw_timeseries(
    canvas: Canvas,
    box: Box,
    panel: Json,
    lines: Sequence[Line],
    time_range: TimeRange,
    events: Sequence[float] = (),
) -> None:
    """Draw lines, and below them the legend with a reduction of each."""
    colors = line_colors(panel, lines)
    height = legend_height(panel, lines, box.height)
    draw_legend(canvas, box.inside(0, box.height - height, 0, 0), panel, lines, colors)
    plot = box.inside(_LEFT, 8, 12, height + 24)
    axes = time_axes(canvas, plot, time_range)
    stacked: dict[float, float] = {}
    for line, color in zip(lines, colors, strict=True):
        field = field_of(panel, line.query_key, line.name)
        times, values = points(line)
        base = np.zeros(len(values))
        if (field.get("custom.stacking") or {}).get("mode") == "normal":
            base = np.array([stacked.get(moment, 0.0) for moment in times])
            values = values + base
            stacked |= {t: v for t, v in zip(times, values, strict=True) if not math.isnan(v)}
        _draw_line(axes, times, values, base, color, field)
    # Before events are drawn, whose lines are no data.
    texts = _y_axis(axes, field_of(panel))
    for event in events:
        axes.axvline(event, color=color_code("blue"), linewidth=0.8, linestyle=(0, (4, 3)))
    # As wide as the longest text beside the axis asks for.
    left = max((text_width(text, 11) for text in texts), default=0.0) + 16
    canvas.place(axes, box.inside(left, 8, 12, height + 24))


def _draw_line(
    axes: Axes,
    times: NDArray[np.float64],
    values: NDArray[np.float64],
    base: NDArray[np.float64],
    color: str,
    field: Field,
) -> None:
    if color == "none" or not len(times):
        return
    dashed = (field.get("custom.lineStyle") or {}).get("fill") == "dash"
    style: Any = (0, (5, 4)) if dashed else "solid"
    width = 1.1 * field.get("custom.lineWidth", 1)
    axes.plot(times, values, color=color, linewidth=width, linestyle=style)
    alone = np.isfinite(values)
    alone[1:] &= ~np.isfinite(values[:-1])
    alone[:-1] &= ~np.isfinite(values[1:])
    axes.plot(times[alone], values[alone], "o", color=color, markersize=2.5)
    opacity = (field.get("custom.fillOpacity") or 0) / 100
    if opacity:
        axes.fill_between(times, base, values, color=color, alpha=opacity, linewidth=0)


def line_colors(panel: Json, lines: Sequence[Line]) -> list[str]:
    """Return the colour of each line."""
    keys = [line.query_key for line in lines]
    found = []
    for place, line in enumerate(lines):
        field = field_of(panel, line.query_key, line.name)
        color = field.get("color") or {}
        if color.get("mode") == "fixed":
            found.append(color_code(color["fixedColor"]))
        elif color.get("mode") == "shades":
            own = keys[:place].count(line.query_key)
            found.append(shade_of(color["fixedColor"], own, keys.count(line.query_key)))
        else:
            found.append(classic(place))
    return found


def _y_axis(axes: Axes, field: Field) -> list[str]:
    """Choose the ends and the ticks of the axis, and return the texts beside it."""
    low, high = axes.get_ylim()
    shown = [
        y for line in axes.get_lines() for y in np.atleast_1d(line.get_ydata()) if np.isfinite(y)
    ]
    if shown:
        low, high = min(shown), max(shown)
    soft = field.get("custom.axisSoftMin")
    low = min(low, soft) if soft is not None else low
    given_low, given_high = field.get("min"), field.get("max")
    low = low if given_low is None else given_low
    high = high if given_high is None else given_high
    if high <= low:
        high = low + (abs(low) or 1.0)
    margin = 0.05 * (high - low) if given_high is None else 0
    axes.set_ylim(low, high + margin)
    unit = field.get("unit") or "short"
    ticks = [tick for tick in _ticks(low, high, unit) if low <= tick <= high + margin]
    texts = [value_text(tick, unit, field.get("decimals")) for tick in ticks]
    axes.set_yticks(ticks, texts)
    if (field.get("custom.thresholdsStyle") or {}).get("mode") == "dashed":
        for step in field.steps:
            if step["value"] is not None and low <= step["value"] <= high + margin:
                color = color_code(step["color"])
                axes.axhline(step["value"], color=color, linewidth=0.9, linestyle=(0, (6, 4)))
    return texts


def _ticks(low: float, high: float, unit: str) -> Sequence[float]:
    if unit == "bytes":
        step = 2.0 ** math.ceil(math.log2((high - low) / 5))
        first = math.ceil(low / step)
        return [step * place for place in range(first, math.floor(high / step) + 1)]
    return [float(tick) for tick in MaxNLocator(5, steps=(1, 2, 2.5, 5, 10)).tick_values(low, high)]


def draw_spark(canvas: Canvas, box: Box, line: Line, color: str, time_range: TimeRange) -> None:
    """Draw how a value came about, small and without axes."""
    times, values = points(line)
    if not np.isfinite(values).any():
        return
    axes = canvas.axes(box)
    axes.axis("off")
    axes.set_xlim(time_range.start, time_range.end)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    axes.set_ylim(low - 0.05 * (high - low) - 1e-12, high + 0.1 * (high - low) + 1e-12)
    axes.plot(times, values, color=color, linewidth=1.2)
    axes.fill_between(times, low - (high - low), values, color=color, alpha=0.18, linewidth=0)
