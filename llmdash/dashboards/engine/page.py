"""The rule of a page of any engine.

A subject (latency, traffic, scheduler, cache) is a function from a `SourcePage` to rows of panels
that ask signals, so it holds for every engine; where an engine answers too little for a page of its
own, its overview carries the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.events import engine_events
from llmdash.dashboards.rows import FEWEST_PANELS, panels_in
from llmdash.dashboards.source_page import SourcePage

Subject = Callable[[SourcePage], Sequence[Row]]


def engine_dashboard(
    page: SourcePage, subject: str, description: str, rows: Sequence[Row], *, title: str = ""
) -> Dashboard | None:
    """Return an engine's page on a subject; None where it would be too thin."""
    if panels_in(rows) < FEWEST_PANELS:
        return None
    return page.dashboard(subject, description, rows, tuple(engine_events(page)), title=title)
