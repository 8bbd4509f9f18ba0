"""An engine at a glance, whichever it is; what it says too little of for a page stands here too."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.engine.cache import cache_rows
from llmdash.dashboards.engine.latency import latency_rows
from llmdash.dashboards.engine.page import Subject
from llmdash.dashboards.engine.scheduler import scheduler_rows
from llmdash.dashboards.engine.traffic import traffic_rows
from llmdash.dashboards.events import engine_events
from llmdash.dashboards.panel_rows import panel_keys, picked, without
from llmdash.dashboards.rows import FEWEST_PANELS, panels_in, row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.tiles import side_by_side
from llmdash.layer import Layer
from llmdash.sources.source import Source

#: Subjects in the order in which they are read.
SUBJECTS: tuple[Subject, ...] = (traffic_rows, latency_rows, scheduler_rows, cache_rows)

#: What the overview takes from its subjects: rows of panels by their keys.
GLANCE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "now",
        "Summary",
        (
            "requests-now",
            "error-share-now",
            "ttft-now",
            "itl-now",
            "tpot-now",
            "e2e-now",
            "generation-now",
            "running-now",
            "waiting-now",
            "kv-fullest-now",
        ),
    ),
    ("traffic", "Traffic", ("outcomes", "requests-by-model", "tokens", "generation-by-model")),
    (
        "latency",
        "Latency",
        ("latency-by-model", "first-token-parts", "ttft", "itl", "tpot", "e2e", "queue-time"),
    ),
    (
        "saturation",
        "Saturation",
        (
            "running-waiting",
            "waiting-reasons",
            "kv-by-engine",
            "prefix-ratio",
            "preemptions",
            "running-by-engine",
        ),
    ),
)


def engine_overview(source: Source, layer: Layer) -> Dashboard:
    """Return the page."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    rows = tuple(_rows(page))
    description = f"Traffic, latency and saturation of {source.title}, by model and instance."
    return page.dashboard("overview", description, rows, tuple(engine_events(page)))


def _rows(page: SourcePage) -> Iterator[Row]:
    """Yield what the eye needs first, then the subjects that have no page of their own."""
    subjects = [tuple(subject(page)) for subject in SUBJECTS]
    everything = [row for rows in subjects for row in rows]
    glance: list[Row] = []
    for key, title, keys in GLANCE:
        panels = picked(everything, keys)
        glance += row_of(key, title, side_by_side(panels) if key == "now" else panels)
    yield from glance
    for rows in subjects:
        if panels_in(rows) < FEWEST_PANELS:
            yield from without(rows, panel_keys(glance))
