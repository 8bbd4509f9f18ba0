"""How many observations fell into each bucket, over time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from tests.pictures.answers import Line, TimeRange
from tests.pictures.canvas import Box, Canvas
from tests.pictures.fields import Json
from tests.pictures.time_axes import time_axes
from tests.pictures.value_text import value_text

_ORANGES = LinearSegmentedColormap.from_list(
    "oranges", ("#7f2704", "#d94801", "#fd8d3c", "#fff5eb")
)


def draw_heatmap(
    canvas: Canvas, box: Box, panel: Json, lines: Sequence[Line], time_range: TimeRange
) -> None:
    """Draw how many fell into each bucket, from buckets that count all that lie below."""
    ordered = sorted(lines, key=lambda line: float(line.labels.get("le", "nan")))
    axes = time_axes(canvas, box.inside(70, 8, 12, 24), time_range)
    times = sorted({moment for line in ordered for moment in line.times})
    if len(times) < 2:
        return
    rows = [dict(zip(line.times, line.values, strict=True)) for line in ordered]
    below = np.array([[row.get(moment, math.nan) for moment in times] for row in rows])
    own = np.diff(below, axis=0, prepend=0)
    own = np.where(own > 1e-9, own, np.nan)
    edges = np.array([*times, times[-1] + times[1] - times[0]]) - (times[1] - times[0])
    scale = np.sqrt(own / np.nanmax(own)) if np.isfinite(own).any() else own
    axes.pcolormesh(edges, np.arange(len(rows) + 1), scale, cmap=_ORANGES, vmin=0, vmax=1)
    axes.grid(visible=False)
    unit = panel["options"]["yAxis"]["unit"]
    names = [line.labels.get("le", "") for line in ordered]
    # Every edge where there is room, else every second or third.
    every = max(1, math.ceil(len(names) * 15 / box.inside(0, 8, 0, 24).height))
    places = list(range(every - 1, len(names), every))
    texts = [value_text(float(names[place]), unit) for place in places]
    axes.set_yticks([place + 1 for place in places], texts)
    axes.set_ylim(0, len(names))
