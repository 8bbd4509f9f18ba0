"""Axes along which time runs, and the points of a line with its gaps."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tests.pictures.answers import Line, TimeRange
from tests.pictures.canvas import Box, Canvas
from tests.pictures.palette import GRID, WEAK_TEXT

#: The size of small text in points.
SMALL = 11 * 72 / 100
#: Seconds between two texts below a graph.
_STEPS = (300, 600, 900, 1800, 3600, 7200, 21_600, 86_400)


def time_axes(canvas: Canvas, box: Box, time_range: TimeRange) -> Axes:
    """Return axes for a graph that fills a rectangle, with the time of day below."""
    axes = canvas.axes(box)
    axes.set_xlim(time_range.start, time_range.end)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=WEAK_TEXT, labelsize=SMALL, length=0, pad=4)
    room = max(1.0, box.width / 60)
    step = next((s for s in _STEPS if room * s > time_range.seconds), _STEPS[-1])
    first = -(-time_range.start // step) * step
    # A text at the very end would stand outside of the panel.
    ticks = list(range(first, time_range.end - step // 4, step))
    axes.set_xticks(ticks, [datetime.fromtimestamp(t, UTC).strftime("%H:%M") for t in ticks])
    return axes


def points(line: Line) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the points of a line with a gap wherever a sample is missing."""
    times, values = list(line.times), list(line.values)
    if len(times) > 2:
        step = min(later - sooner for sooner, later in itertools.pairwise(times))
        for place in range(len(times) - 1, 0, -1):
            if times[place] - times[place - 1] > 1.5 * step:
                times.insert(place, times[place - 1] + step)
                values.insert(place, math.nan)
    return np.array(times), np.array(values)
