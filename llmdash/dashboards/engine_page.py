"""What the pages of any engine share: its events, and the rule that a thin page is no page.

A subject (latency, traffic, scheduler, cache) is a function from a `SourcePage` to rows of panels
that ask signals, so it holds for every engine; where an engine answers too little for a page of its
own, its overview carries the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from llmdash.dashboards.dashboard import Annotation, Dashboard, Row
from llmdash.dashboards.panels import Panel
from llmdash.dashboards.source_page import SourcePage

#: A page with fewer panels is not worth a click; its rows stand on the overview.
FEWEST_PANELS = 3

Subject = Callable[[SourcePage], Sequence[Row]]


def panels_in(rows: Sequence[Row]) -> int:
    """Return how many panels with queries some rows have."""
    return sum(panel.has_queries for row in rows for panel in row.panels)


def engine_dashboard(
    page: SourcePage, subject: str, description: str, rows: Sequence[Row]
) -> Dashboard | None:
    """Return an engine's page on a subject; None where it would be too thin."""
    if panels_in(rows) < FEWEST_PANELS:
        return None
    return page.dashboard(subject, description, rows, tuple(engine_events(page)))


def row_of(
    key: str, title: str, panels: Iterable[Panel], *, collapsed: bool = False
) -> Iterator[Row]:
    """Yield a row of these panels, or nothing where there is none."""
    found = tuple(panels)
    if found:
        yield Row(key=key, title=title, panels=found, collapsed=collapsed)


def restart(page: SourcePage, key: str, name: str, text: str) -> Annotation:
    """Return the starts of a source's processes, as events."""
    return Annotation(
        key=key,
        name=name,
        expr=page.gauge("start_time", "max", ("instance",)),
        title="Restart of {{instance}}",
        text=text,
        color="orange",
        time_is_value=True,
    )


def engine_events(page: SourcePage) -> Iterator[Annotation]:
    """Yield the events drawn on every page of an engine: restarts, other configurations."""
    if page.has("start_time"):
        yield restart(page, "engine-restart", "Engine restart", "The API server process started.")
    if page.has("configuration_changes"):
        yield Annotation(
            key="configuration-change",
            name="Configuration change",
            expr=page.gauge("configuration_changes", "max", ("instance", "engine")) > 0,
            title="New configuration on {{instance}}",
            text="Engine {{engine}} runs with a cache configuration not seen in the hour before.",
            color="purple",
        )
