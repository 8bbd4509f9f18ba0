"""Rows made of panels that may not be there, and the rule that a thin page is no page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llmdash.dashboards.dashboard import Row
from llmdash.dashboards.panels import Panel

#: A page with fewer panels is not worth a click; its rows stand on an overview.
FEWEST_PANELS = 3


def panels_in(rows: Sequence[Row]) -> int:
    """Return how many panels with queries some rows have."""
    return sum(panel.has_queries for row in rows for panel in row.panels)


def row_of(
    key: str, title: str, panels: Iterable[Panel], *, collapsed: bool = False
) -> Iterator[Row]:
    """Yield a row of these panels, or nothing where there is none."""
    found = tuple(panels)
    if found:
        yield Row(key=key, title=title, panels=found, collapsed=collapsed)
