"""Panels of words: tables, and text in Markdown."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.pictures.answers import Line
from tests.pictures.canvas import Box, Canvas, text_width
from tests.pictures.fields import Json, field_of
from tests.pictures.palette import BORDER, GRID, LINK, TEXT, WEAK_TEXT, readable_on

_ROW = 36
_LEAST_COLUMN = 150
Cell = str | float


@dataclass(frozen=True)
class Rows:
    """A table: what its columns are called, and its cells by column."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Cell], ...]


def rows_of(panel: Json, lines: Sequence[Line]) -> Rows:
    """Return the table that a panel's transformations make of its series."""
    only = len(panel.get("targets") or ()) == 1
    merged: dict[tuple[tuple[str, str], ...], dict[str, Cell]] = {}
    for line in lines:
        value = "Value" if only else f"Value #{line.query_key}"
        row = merged.setdefault(tuple(sorted(line.labels.items())), dict(line.labels))
        row[value] = line.last
    organize: dict[str, Any] = {"indexByName": {}, "renameByName": {}}
    for transformation in panel.get("transformations") or ():
        if transformation["id"] == "organize":
            organize |= transformation["options"]
    order, names = organize["indexByName"], organize["renameByName"]
    seen = {name for row in merged.values() for name in row}
    columns = sorted(seen & set(order) if order else seen, key=lambda n: (order.get(n, 0), n))
    rows = [{names.get(n, n): row[n] for n in columns if n in row} for row in merged.values()]
    for wanted in reversed(panel["options"].get("sortBy") or ()):
        rows.sort(key=lambda row: _rank(row.get(wanted["displayName"], math.nan), wanted["desc"]))
    return Rows(tuple(names.get(name, name) for name in columns), tuple(rows))


def _rank(cell: Cell, descending: bool) -> tuple[bool, str, float]:
    if isinstance(cell, str):
        return (False, cell, 0.0)
    return (math.isnan(cell), "", -cell if descending else cell)


def draw_table(canvas: Canvas, box: Box, panel: Json, lines: Sequence[Line]) -> None:
    """Draw as many rows as there is room for."""
    table = rows_of(panel, lines)
    if not table.rows:
        canvas.text(
            box.left + box.width / 2,
            box.top + box.height / 2,
            "No data",
            side="center",
            color=WEAK_TEXT,
        )
        return
    # Narrower than this Grafana makes no column by itself: what is further right has to be scrolled to.
    least = field_of(panel).get("custom.minWidth") or _LEAST_COLUMN
    width = max(least, (box.width - 16) / len(table.columns))
    shown = table.columns[: int((box.width - 16) / width + 0.01)]
    room = int((box.height - _ROW) / _ROW + 0.2)
    lefts = {name: box.left + 8 + place * width for place, name in enumerate(shown)}
    fields = {name: field_of(panel, name=name) for name in table.columns}
    numbers = {n for n in table.columns if not any(isinstance(r.get(n), str) for r in table.rows)}
    for name, left in lefts.items():
        x, side = (left + width - 8, "right") if name in numbers else (left + 6, "left")
        canvas.text(x, box.top + 16, name, size=12, color=LINK, side=side, within=width - 8)  # type: ignore[arg-type]
    for place, row in enumerate(table.rows[:room]):
        top = box.top + _ROW * (place + 1) - 4
        canvas.box(Box(box.left + 8, top, box.width - 16, 1), GRID)
        for name, left in lefts.items():
            cell, field = row.get(name, ""), fields[name]
            if isinstance(cell, str):
                color = LINK if field.get("links") and cell else TEXT
                canvas.text(left + 6, top + _ROW / 2, cell, color=color, within=width - 10)
                continue
            ink = TEXT
            if (field.get("custom.cellOptions") or {}).get("type") == "color-background":
                background = field.color(cell)
                if background not in (TEXT, "none"):
                    canvas.box(Box(left + 1, top + 1, width - 2, _ROW - 1), background)
                    ink = readable_on(background)
            canvas.text(
                left + width - 8,
                top + _ROW / 2,
                field.text(cell),
                color=ink,
                side="right",
                within=width - 8,
            )
    hidden = [f"+{len(table.rows) - room} rows ↕"] if len(table.rows) > room else []
    if len(table.columns) > len(shown):
        hidden.append(f"+{len(table.columns) - len(shown)} columns ↔")
    if hidden:
        more = "  ".join(hidden)
        canvas.text(box.right - 10, box.top - 14, more, size=10, color=WEAK_TEXT, side="right")


def draw_text(canvas: Canvas, box: Box, panel: Json) -> None:
    """Draw the words of a panel, its marks left out."""
    y = box.top + 14
    letters = int((box.width - 24) / text_width("n", 13)) + 6
    for paragraph in str(panel["options"]["content"]).split("\n"):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", paragraph)
        heading = plain.startswith("#")
        plain = re.sub(r"^#+ |\*\*|__|`", "", plain)
        for line in textwrap.wrap(plain, letters) or [""]:
            if y < box.bottom:
                canvas.text(box.left + 12, y, line, size=15 if heading else 13, bold=heading)
            y += 20
    if y > box.bottom + 12:
        canvas.box(Box(box.left + 2, box.bottom - 2, box.width - 4, 2), BORDER)
