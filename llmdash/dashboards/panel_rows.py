"""Taking rows of panels from one page to another: some panels of them, more panels, or fewer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from llmdash.dashboards.dashboard import Row
from llmdash.dashboards.panels import Panel
from llmdash.errors import DashboardError


def panel_keys(rows: Iterable[Row]) -> frozenset[str]:
    """Return the keys of all panels."""
    return frozenset(panel.key for row in rows for panel in row.panels)


def picked(rows: Iterable[Row], keys: Sequence[str]) -> Iterator[Panel]:
    """Yield the panels of these keys that are there, in the order of the keys."""
    by_key = {panel.key: panel for row in rows for panel in row.panels}
    return (by_key[key] for key in keys if key in by_key)


def without(rows: Iterable[Row], taken: Collection[str]) -> Iterator[Row]:
    """Yield the rows without panels of these keys; a row that has nothing left goes too."""
    for row in rows:
        left = tuple(panel for panel in row.panels if panel.key not in taken)
        if left:
            yield replace(row, panels=left)


def extended(rows: Sequence[Row], key: str, panels: Iterable[Panel]) -> tuple[Row, ...]:
    """Return the rows with more panels in one of them; one of the same key is replaced.

    Raises:
        DashboardError: no row has that key.
    """
    more = {panel.key: panel for panel in panels}
    if key not in {row.key for row in rows}:
        known = ", ".join(row.key for row in rows)
        raise DashboardError("rows", f"one of {known}", key)
    return tuple(_with_more(row, more) if row.key == key else row for row in rows)


def _with_more(row: Row, more: dict[str, Panel]) -> Row:
    own = {panel.key: panel for panel in row.panels}
    return replace(row, panels=tuple({**own, **more}.values()))
