"""A whole page: its head, its rows and its panels on Grafana's grid, drawn in its dark theme."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.pictures.answers import Ask, TimeRange
from tests.pictures.canvas import Box, Canvas, text_width
from tests.pictures.fields import Json
from tests.pictures.heatmap import draw_heatmap
from tests.pictures.palette import BORDER, LINK, PANEL, TEXT, WEAK_TEXT
from tests.pictures.readings import draw_bars, draw_gauge, draw_stat
from tests.pictures.states import draw_states
from tests.pictures.timeseries import draw_timeseries
from tests.pictures.words import draw_table, draw_text

WIDTH = 1600
#: Grafana's grid: 24 columns, rows of 30 pixels, 8 between two of either.
_COLUMNS, _UNIT, _GAP, _MARGIN = 24, 30, 8, 16
_HEAD, _FOOT, _TITLE = 92, 30, 32


@dataclass(frozen=True)
class Placed:
    """A panel or a row's heading, where it stands, and the values chosen for it alone."""

    panel: Json
    left: int
    top: int
    width: int
    height: int
    chosen: Mapping[str, str]

    @property
    def box(self) -> Box:
        """Where it is drawn."""
        column = (WIDTH - 2 * _MARGIN + _GAP) / _COLUMNS
        return Box(
            _MARGIN + self.left * column,
            _HEAD + self.top * (_UNIT + _GAP),
            self.width * column - _GAP,
            self.height * (_UNIT + _GAP) - _GAP,
        )


def placed(
    dashboard: Json, values: Mapping[str, Sequence[str]], *, opened: bool = False
) -> Iterator[Placed]:
    """Yield what stands on a page; a panel that is repeated stands once for each value."""
    added = 0
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        if panel.get("repeat"):
            copies = list(_copies(panel, at["y"] + added, values))
            yield from copies
            # Further lines push down what follows.
            added += max(copy.top for copy in copies) - at["y"] - added
            continue
        yield Placed(panel, at["x"], at["y"] + added, at["w"], at["h"], {})
        if panel["type"] == "row" and panel.get("collapsed") and opened:
            for each in panel["panels"]:
                own = each["gridPos"]
                yield Placed(each, own["x"], own["y"] + added, own["w"], own["h"], {})
            ends = [each["gridPos"]["y"] + each["gridPos"]["h"] for each in panel["panels"]]
            added += max(ends) - at["y"] - 1


def _copies(panel: Json, top: int, values: Mapping[str, Sequence[str]]) -> Iterator[Placed]:
    name, height = panel["repeat"], panel["gridPos"]["h"]
    chosen = values.get(name) or [""]
    in_line = min(len(chosen), panel.get("maxPerRow") or 4)
    width = _COLUMNS // in_line
    for place, value in enumerate(chosen):
        line, column = divmod(place, in_line)
        own = {name: value} if value else {}
        yield Placed(panel, column * width, top + line * height, width, height, own)


def draw_page(
    dashboard: Json,
    ask: Ask,
    time_range: TimeRange,
    *,
    values: Mapping[str, Sequence[str]] | None = None,
    events: Sequence[float] = (),
    opened: bool = False,
    most_height: float = math.inf,
) -> Canvas:
    """Draw a page whose panels are answered by `ask`, of a long one what stands above a height."""
    things = list(placed(dashboard, values or {}, opened=opened))
    below = [thing for thing in things if thing.box.bottom > most_height]
    if below:
        # A line is drawn as a whole, and no heading without what it is of.
        cut = min(thing.top for thing in below)
        cut -= any(thing.panel["type"] == "row" and thing.top == cut - 1 for thing in things)
        things = [thing for thing in things if thing.top < cut]
    bottom = max((thing.box.bottom for thing in things), default=_HEAD)
    canvas = Canvas(WIDTH, math.ceil(bottom) + _FOOT)
    _head(canvas, dashboard, time_range)
    for thing in things:
        if thing.panel["type"] == "row":
            _row(canvas, thing)
        else:
            _panel(canvas, thing, ask, time_range, events)
    note = "A rendering by tests/pictures over made data, not a picture of Grafana."
    note += " The page goes on below." if below else ""
    canvas.text(_MARGIN, canvas.height - 15, note, size=11, color=WEAK_TEXT)
    return canvas


def _head(canvas: Canvas, dashboard: Json, time_range: TimeRange) -> None:
    canvas.text(_MARGIN, 24, dashboard["title"], size=18, bold=True)
    texts = [datetime.fromtimestamp(t, UTC) for t in (time_range.start, time_range.end)]
    shown = f"{texts[0]:%Y-%m-%d %H:%M} to {texts[1]:%H:%M} UTC"
    canvas.text(WIDTH - _MARGIN, 24, shown, size=12, side="right")
    x = float(_MARGIN)
    for variable in dashboard["templating"]["list"]:
        if variable.get("hide"):
            continue
        label = variable.get("label") or variable["name"]
        chosen = _chosen(variable)
        for text, color in ((label, WEAK_TEXT), (chosen, TEXT)):
            width = text_width(text, 12) + 18
            canvas.box(Box(x, 48, width, 30), PANEL, border=BORDER)
            canvas.text(x + 9, 63, text, size=12, color=color)
            x += width
        x += 10
    x = WIDTH - _MARGIN
    for link in reversed(dashboard.get("links") or ()):
        text = f"{link['title']}{' ▾' if link.get('asDropdown') else ''}"
        canvas.text(x, 63, text, size=12, color=LINK, side="right")
        x -= text_width(text, 12) + 18


def _chosen(variable: Mapping[str, Any]) -> str:
    if variable["type"] == "datasource":
        return "Prometheus"
    if variable.get("includeAll"):
        return "All"
    current = (variable.get("current") or {}).get("text") or ""
    return str(current)


def _row(canvas: Canvas, thing: Placed) -> None:
    box, collapsed = thing.box, thing.panel.get("collapsed")
    mark = "›" if collapsed else "⌄"
    canvas.text(box.left + 4, box.top + 15, mark, size=16)
    title = str(thing.panel["title"])
    canvas.text(box.left + 22, box.top + 15, title, size=15)
    if collapsed:
        number = len(thing.panel["panels"])
        text = f"({number} panel{'s' if number > 1 else ''})"
        x = box.left + 34 + text_width(title, 15)
        canvas.text(x, box.top + 15, text, size=12, color=WEAK_TEXT)


def _panel(
    canvas: Canvas, thing: Placed, ask: Ask, time_range: TimeRange, events: Sequence[float]
) -> None:
    box, panel = thing.box, thing.panel
    canvas.box(box, PANEL, border=BORDER, radius=3)
    title = str(panel.get("title") or "")
    for name, value in thing.chosen.items():
        title = title.replace(f"${name}", value).replace(f"${{{name}}}", value)
    if title:
        width = box.width - (40 if panel.get("description") else 20)
        canvas.text(box.left + 10, box.top + 17, title, size=13.5, bold=True, within=width)
    inner = box.inside(0, _TITLE if title else 0, 0, 4)
    if panel["type"] == "text":
        draw_text(canvas, inner, panel)
        return
    lines = list(ask(panel, int(box.width), thing.chosen))
    match panel["type"]:
        case "timeseries":
            _graph_or_nothing(canvas, inner, lines)
            draw_timeseries(canvas, inner, panel, lines, time_range, events)
        case "heatmap":
            _graph_or_nothing(canvas, inner, lines)
            draw_heatmap(canvas, inner, panel, lines, time_range)
        case "state-timeline":
            draw_states(canvas, inner, panel, lines, time_range)
        case "stat":
            draw_stat(canvas, inner, panel, lines, time_range)
        case "gauge":
            draw_gauge(canvas, inner, panel, lines)
        case "bargauge":
            draw_bars(canvas, inner, panel, lines)
        case "table":
            draw_table(canvas, inner, panel, lines)
        case other:
            raise ValueError(f"{title}: no picture of a {other}")


def _graph_or_nothing(canvas: Canvas, box: Box, lines: Sequence[object]) -> None:
    if not lines:
        x, y = box.left + box.width / 2, box.top + 0.4 * box.height
        canvas.text(x, y, "No data", size=13, color=WEAK_TEXT, side="center")
