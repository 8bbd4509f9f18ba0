"""Events that pages draw over their graphs: restarts, other configurations."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Annotation
from llmdash.dashboards.source_page import SourcePage


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
