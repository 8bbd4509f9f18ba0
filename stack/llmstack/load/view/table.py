"""The last intervals as a table; each of its columns has its place, whatever stands in it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from llmstack.load.view.readings import Reading
from llmstack.terminal.chart import Shown
from llmstack.terminal.figures import clock, figure, time_figure
from llmstack.terminal.intensity import level
from llmstack.terminal.screen import Line

_HEAD, _TIME = Style(bold=True), Style(color="bright_black")
_FAILED = Style(color="red", bold=True)
_TIME_WIDTH = 8
#: Cells of the other columns with the one before each; wider ones are easier to read.
_NARROW, _WIDE = 6, 10

#: What stands above a column in two lines, the figure in it, and how that is told.
_COLUMNS: Sequence[tuple[str, str, str, Shown]] = (
    ("sent", "/s", "sent", figure),
    ("answ.", "/s", "answered", figure),
    ("fail.", "/s", "failed", figure),
    ("under", "way", "under_way", figure),
    ("TX", "B/s", "bytes_sent", figure),
    ("RX", "B/s", "bytes_received", figure),
    ("E2E", "p95", "e2e_p95", time_figure),
    ("E2E", "p99", "e2e_p99", time_figure),
    ("TTFT", "p95", "ttft_p95", time_figure),
    ("TPOT", "p95", "tpot_p95", time_figure),
    ("tok/s", "in", "prompt_tokens", figure),
    ("tok/s", "out", "answer_tokens", figure),
)
#: Figures that are coloured by how much of the most they are.
_BY_LEVEL = ("bytes_sent", "bytes_received")


def head(width: int) -> list[Line]:
    """Return the two lines above the table."""
    each, columns = _columns(width)
    upper = " " * _TIME_WIDTH + "".join(f"{column[0]:>{each}}" for column in columns)
    lower = f"{'time':>{_TIME_WIDTH}}" + "".join(f"{column[1]:>{each}}" for column in columns)
    return [[Segment(upper, _HEAD)], [Segment(lower, _HEAD)]]


def rows(readings: Sequence[Reading], count: int, width: int, largest: Reading) -> list[Line]:
    """Return so many lines, the newest last; those that are not there yet are empty.

    Args:
        readings: the last intervals.
        count: lines.
        width: cells of the terminal.
        largest: the most of each figure, for colours.
    """
    each, columns = _columns(width)
    lines: list[Line] = [[Segment("")] for _ in range(count - len(readings))]
    for found in readings[-count:]:
        line = [Segment(f"{clock(found.at):>{_TIME_WIDTH}}", _TIME)]
        for _, _, name, shown in columns:
            value = getattr(found, name)
            text = shown(value, _NARROW - 1).rjust(each)
            if name in _BY_LEVEL:
                line.append(Segment(text, level(value, getattr(largest, name))))
            elif name == "failed" and value:
                line.append(Segment(text, _FAILED))
            else:
                line.append(Segment(text))
        lines.append(line)
    return lines


def _columns(width: int) -> tuple[int, Sequence[tuple[str, str, str, Shown]]]:
    """Return how wide each column is, and those that fit."""
    each = max(_NARROW, min(_WIDE, (width - _TIME_WIDTH) // len(_COLUMNS)))
    return each, _COLUMNS[: max(0, width - _TIME_WIDTH) // each]
