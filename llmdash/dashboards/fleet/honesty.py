"""Can these pages be trusted? What is missing, counted twice, out of reach, or not recorded."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.fleet.bucket_reach import reach_graphs, reach_panels, reach_tiles
from llmdash.dashboards.fleet.count_health import Counts, count_panels, count_tiles
from llmdash.dashboards.fleet.rule_health import (
    Rules,
    delivery_panels,
    prometheus_tiles,
    recording_panels,
    rule_panels,
    rule_tiles,
)
from llmdash.dashboards.fleet.scrape_health import Scrapes, scrape_panels, scrape_tiles
from llmdash.dashboards.fleet.signal_health import Recorded, signal_panels
from llmdash.dashboards.panels import Panel
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import FOLDER, NEIGHBOURS, TAG
from llmdash.dashboards.variables import DatasourceVariable
from llmdash.layer import Layer

UID = "llm-honesty"


def honesty(layer: Layer) -> Dashboard | None:
    """Return the page: all sources of the pack; None where nothing of them is recorded."""
    if not layer.sources:
        return None
    return Dashboard(
        uid=UID,
        title="LLM honesty",
        description="Whether the other pages can be trusted: targets that do not answer, what is "
        "counted twice, quantiles beyond their buckets, rules that do not run. Green tiles: yes.",
        tags=(TAG, "honesty"),
        folder=FOLDER,
        variables=(DatasourceVariable(),),
        links=NEIGHBOURS,
        rows=tuple(_rows(layer)),
        time_from="now-6h",
    )


def _rows(layer: Layer) -> Iterator[Row]:
    scrapes, counts, rules = Scrapes(layer), Counts(layer), Rules(layer)
    yield from row_of("verdict", "What to doubt", _verdict(scrapes, counts, rules))
    taken = (*scrape_panels(scrapes), *recording_panels(rules), *signal_panels(Recorded(layer)))
    yield from row_of("scrapes", "Scrapes and recordings", taken)
    yield from row_of("counts", "Counts", count_panels(counts))
    yield from row_of("buckets", "Buckets", reach_panels(layer))
    yield from row_of("rules", "Groups of rules", rule_panels(rules), collapsed=True)
    yield from row_of("reach", "Buckets over time", reach_graphs(layer), collapsed=True)
    yield from row_of("prometheus", "Prometheus itself", delivery_panels(), collapsed=True)


def _verdict(scrapes: Scrapes, counts: Counts, rules: Rules) -> Iterator[Panel]:
    yield from scrape_tiles(scrapes)
    yield from count_tiles(counts)
    yield from rule_tiles(rules)
    yield from reach_tiles(scrapes.layer)
    yield from prometheus_tiles(rules)
