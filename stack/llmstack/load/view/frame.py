"""A snapshot as the lines of a terminal, made piece by piece.

Between two pieces the loop reads what came and sends what is due, so that a frame holds it up for
the time of its longest piece and not of all.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.segment import Segment
from rich.style import Style

from llmstack.load.view import charts, table
from llmstack.load.view.layout import Layout, Sizes, layout
from llmstack.load.view.progress import Progress
from llmstack.load.view.readings import Reading, most
from llmstack.load.view.snapshot import Snapshot
from llmstack.terminal.chart import FRAME, Shape, draw
from llmstack.terminal.figures import clock, figure
from llmstack.terminal.intensity import QUIET, level, scale, strip
from llmstack.terminal.screen import Line

_BOLD, _MODEL = Style(bold=True), Style(color="cyan", bold=True)
_DONE, _GOOD = Style(color="cyan"), Style(color="green")
_FAILED, _WAITING = Style(color="red", bold=True), Style(color="yellow")
_NAME_WIDTH, _FIGURE_WIDTH = 10, 5
_EMPTY = Reading(0, 0, 0, 0, 0, 0, 0, None, None, None, None, 0, 0)

#: Name, unit and figure of each strip, in the order in which they stay.
_STRIPS = (
    ("TX", "B/s", "bytes_sent"),
    ("RX", "B/s", "bytes_received"),
    ("under way", "", "under_way"),
    ("failed", "/s", "failed"),
    ("tokens in", "/s", "prompt_tokens"),
    ("tokens out", "/s", "answer_tokens"),
    ("sent", "/s", "sent"),
    ("answered", "/s", "answered"),
)
_UNIT_WIDTH = 3


def frame(snapshot: Snapshot, width: int, height: int, sizes: Sizes) -> Iterator[list[Line]]:
    """Yield the lines of a frame from its top; none where more has to be made before they are."""
    fitting = layout(width, height, sizes, charts.COUNT, FRAME)
    largest = most(snapshot.points) if snapshot.points else _EMPTY
    lines = [_title(snapshot, width)]
    if fitting.has_plan:
        lines.append(_plan(snapshot, width))
    lines.append(_progress(snapshot, width))
    lines += _strips(snapshot, largest, fitting, sizes)
    yield lines
    yield from _charts(snapshot, fitting, sizes)
    yield table.head(width)
    yield table.rows(snapshot.readings, fitting.table_rows, width, largest)
    yield [_totals(snapshot)]


def _title(snapshot: Snapshot, width: int) -> Line:
    left = [
        Segment("llmstack ", _BOLD),
        Segment(snapshot.model, _MODEL),
        Segment(f"  {', '.join(snapshot.urls)}"),
    ]
    return _both_ends(left, [Segment(f"{snapshot.loop}  {clock(snapshot.elapsed):>8}")], width)


def _plan(snapshot: Snapshot, width: int) -> Line:
    legend = [Segment("little ", QUIET), *scale(), Segment(" much", QUIET)]
    return _both_ends([Segment(snapshot.plan, QUIET)], legend, width)


def _progress(snapshot: Snapshot, width: int) -> Line:
    found = snapshot.progress
    if found is None:
        return [Segment("no end is set; Ctrl-C ends it", QUIET)]
    told = _told(snapshot, found)
    room = max(4, width - len(told) - 9)
    done = round(room * found.share)
    return [
        Segment("█" * done, _DONE),
        Segment("░" * (room - done), QUIET),
        Segment(f" {found.share:6.1%}  ", _BOLD),
        Segment(told),
    ]


def _told(snapshot: Snapshot, found: Progress) -> str:
    """Return what stands behind the bar, as wide at the end as at the start."""
    if found.share >= 1:
        left = f"waits for {snapshot.under_way:,}"
    else:
        left = f"ETA {'–' if found.left is None else clock(found.left)}"
    if snapshot.is_warming_up:
        left += " warm-up"
    return f"{found.told}  {left:<20}"


def _strips(snapshot: Snapshot, largest: Reading, fitting: Layout, sizes: Sizes) -> list[Line]:
    before = _NAME_WIDTH + 1 + _FIGURE_WIDTH + _UNIT_WIDTH + 1
    cells = max(0, min(sizes.spark_width, fitting.part_width - before))
    lines = []
    for number in range(fitting.strip_lines):
        line: Line = []
        for name, unit, field in _STRIPS[number * fitting.across : (number + 1) * fitting.across]:
            values = [getattr(each, field) for each in snapshot.readings]
            highest = getattr(largest, field)
            latest = values[-1] if values else None
            text = f"{figure(latest, _FIGURE_WIDTH)}{unit:<{_UNIT_WIDTH}} "
            part = [
                Segment(f"{name:<{_NAME_WIDTH}} ", _BOLD),
                Segment(text, level(latest, highest)),
            ]
            line += _wide([*part, *strip(values, cells, highest)], fitting)
        lines.append(line)
    return lines


def _charts(snapshot: Snapshot, fitting: Layout, sizes: Sizes) -> Iterator[list[Line]]:
    shape = Shape(fitting.part_width, fitting.plot_height, sizes.y_width, sizes.plot_window)
    ages = charts.ages(snapshot.points)
    shown = charts.charts(snapshot.points, fitting.across * fitting.down)
    for begin in range(0, len(shown), fitting.across):
        lines: list[Line] = [[] for _ in range(fitting.plot_height + FRAME)]
        for chart in shown[begin : begin + fitting.across]:
            for line, part in zip(lines, draw(chart, ages, shape), strict=True):
                line += _wide(part, fitting)
            yield []
        yield lines


def _totals(snapshot: Snapshot) -> Line:
    line = [
        Segment(f"sent {snapshot.sent:,}  "),
        Segment(f"answered {snapshot.answered:,}  ", _GOOD if snapshot.answered else None),
        Segment(f"under way {snapshot.under_way:,}  "),
        Segment(f"failed {snapshot.failed:,}", _FAILED if snapshot.failed else None),
    ]
    if snapshot.failures:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in snapshot.failures)
        line.append(Segment(f"  {kinds}  {snapshot.last_failure}", _WAITING))
    return line


def _wide(line: Line, fitting: Layout) -> Line:
    """Return a line as wide as a part of the terminal, with what is left free between two."""
    width = fitting.width // fitting.across
    return Segment.adjust_line_length(line, width)


def _both_ends(left: Line, right: Line, width: int) -> Line:
    """Return a line whose right end stands at the right; the left one is cut where it must be."""
    right = [Segment("  "), *right]
    room = width - Segment.get_line_length(right)
    if room < 0:
        return Segment.adjust_line_length(right, width)
    if Segment.get_line_length(left) > room:
        left = [*Segment.adjust_line_length(left, max(0, room - 1)), Segment("…"[:room], QUIET)]
    return [*Segment.adjust_line_length(left, room), *right]
