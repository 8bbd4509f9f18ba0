"""What the pages over recordings ask, as Grafana asks it, and the same asked of raw series."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from llmdash.build import Build
from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.grafana_units import shown
from llmdash.dashboards.variables import CustomVariable, IntervalVariable, TextboxVariable
from llmdash.dashboards.visuals import visual
from llmdash.expansion import ANYTHING, expanded
from llmdash.levels import Level
from llmdash.promql.nodes import Selector
from llmdash.promql.printer import Target, concrete, to_text
from llmdash.promql.windows import RANGE, RATE_INTERVAL
from llmdash.recordings import recordings_of
from tests.bench.backfill import Stretch
from tests.bench.storage_server import StorageServer

#: About as many points as a graph is wide.
MOST_POINTS = 1000


@dataclass(frozen=True)
class PageQuery:
    """One query of a panel: over recordings, and over raw series (None where no source has any)."""

    place: str
    recorded: str
    raw: str | None
    #: A stat or a table asks for the end only.
    is_instant: bool


@dataclass(frozen=True)
class Page:
    """A page that reads recordings of the fleet and nothing else."""

    uid: str
    queries: tuple[PageQuery, ...]


Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Answer:
    """What a query cost, and the mean of each series that it returned in the later half."""

    samples: int
    seconds: float
    means: dict[Key, float]


def pages_over_recordings(build: Build, stretch: Stretch) -> list[Page]:
    """Return the shared pages that read `llm:*` alone; their cost is that of the models."""
    pack = build.pack
    groups = [recordings_of(source, pack.intervals, pack.placement) for source in pack.sources]
    unknown = build.recorded_names() - {r.name for group in groups for r in group.recordings}
    found = []
    for make in pack.shared_pages:
        page = make(pack.layer)
        if page is None or not _reads_fleet_only(page, build):
            continue
        target = _as_chosen(page, build, stretch)
        queries = []
        for panel in page.panels():
            for query, rendered in zip(panel.queries, visual(panel).targets, strict=True):
                names = {node.series.name for node in _selectors(query.expr)}
                if names & unknown:
                    raise LookupError(f"{page.uid}: no typed rule of {sorted(names & unknown)}")
                asked = shown(query.expr)
                queries.append(
                    PageQuery(
                        f"{panel.key}: {query.key}",
                        to_text(asked, target),
                        expanded(asked, groups, target),
                        bool(rendered.get("instant")),
                    )
                )
        found.append(Page(page.uid, tuple(queries)))
    return found


def _selectors(expression: Any) -> Iterator[Selector]:
    return (node for node in expression.walk() if isinstance(node, Selector))


def _reads_fleet_only(page: Dashboard, build: Build) -> bool:
    names = {
        node.series.name
        for panel in page.panels()
        for query in panel.queries
        for node in _selectors(query.expr)
    }
    fleet = {n for n in build.recorded_names() if n.startswith(f"{Level.FLEET.value}:")}
    return names <= fleet


def _as_chosen(page: Dashboard, build: Build, stretch: Stretch) -> Target:
    """Return what Grafana fills in for a reader who opens a page and changes the range alone."""
    chosen = {}
    for variable in page.variables:
        chosen[variable.name] = ANYTHING
        if isinstance(variable, CustomVariable | IntervalVariable | TextboxVariable):
            chosen[variable.name] = variable.default
    intervals = {
        RATE_INTERVAL.name: str(build.pack.intervals.least_window),
        RANGE.name: f"{stretch.seconds}s",
    }
    return concrete(intervals, chosen)


def step_of(stretch: Stretch) -> int:
    """Return the seconds between two points of a graph: at least a scrape."""
    return max(stretch.step, stretch.seconds // MOST_POINTS)


def ask(server: StorageServer, text: str, stretch: Stretch, *, is_instant: bool) -> Answer:
    """Ask as a panel does, over the whole stretch."""
    parameters = {"query": text, "stats": "all"}
    if is_instant:
        question, parameters["time"] = "query", str(stretch.end)
    else:
        question = "query_range"
        parameters["start"], parameters["end"] = str(stretch.start), str(stretch.end)
        parameters["step"] = str(step_of(stretch))
    before = time.monotonic()
    data = server.ask(question, parameters)
    seconds = time.monotonic() - before
    samples: int = data["stats"]["samples"]["totalQueryableSamples"]
    return Answer(samples, seconds, _means(data["result"], stretch.middle))


def _means(result: Sequence[dict[str, Any]], since: int) -> dict[Key, float]:
    # At its beginning windows are not full, and recordings begin one level after the other.
    found = {}
    for series in result:
        labels = {k: v for k, v in series["metric"].items() if k != "__name__"}
        pairs = series["values"] if "values" in series else [series["value"]]
        later = (float(value) for moment, value in pairs if moment >= since)
        numbers = [value for value in later if math.isfinite(value)]
        if numbers:
            found[tuple(sorted(labels.items()))] = fmean(numbers)
    return found


def refresh(
    server: StorageServer, page: Page, stretch: Stretch, *, raw: bool = False
) -> dict[str, Answer]:
    """Ask every query of a page once, one after the other, and return the answers by place."""
    found = {}
    for query in page.queries:
        text = query.raw if raw else query.recorded
        if text is not None:
            found[query.place] = ask(server, text, stretch, is_instant=query.is_instant)
    return found


def difference(recorded: dict[str, Answer], raw: dict[str, Answer]) -> float:
    """Return the greatest relative difference of two means that a page shows both ways.

    Raises:
        ValueError: a query returns other series one way than the other.
    """
    worst = 0.0
    for place, answer in recorded.items():
        one, other = answer.means, raw[place].means if place in raw else {}
        if one.keys() != other.keys():
            odd = sorted(one.keys() ^ other.keys())
            raise ValueError(f"{place}: {len(one)} series recorded, {len(other)} raw; {odd[:3]}")
        for key, value in one.items():
            size = max(abs(value), abs(other[key]))
            if size > 1e-9:
                worst = max(worst, abs(value - other[key]) / size)
    return worst
