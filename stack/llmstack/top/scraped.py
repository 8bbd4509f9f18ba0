"""Figures of servers from their own pages: what PromQL would say of them, worked out here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import nan

from llmstack.scraping.engines import Engine
from llmstack.scraping.families import Family, Labels
from llmstack.scraping.histograms import added_up, quantile
from llmstack.scraping.samples import Sample
from llmstack.top.engines import WATCHED, Watched
from llmstack.top.figures import QUANTILE, Row, Rows
from llmstack.top.forms import Form, Level, Mean, Quantile, Ranked, Rate, Worked
from llmstack.top.growth import Growth
from llmstack.top.page import Page


@dataclass(frozen=True)
class Scrape:
    """One server's page, and what it has grown by; None where the one before is not there."""

    page: Page
    growth: Growth | None = None


def rows_on(scrapes: Sequence[Scrape]) -> list[Row]:
    """Return the rows of each kind of server that pages show, over all pages."""
    return [row for watched in WATCHED for row in _rows_of(watched, scrapes)]


def has_rows(page: Page) -> bool:
    """Tell whether a page shows a model: the router of vLLM's stack has its names, and no model."""
    return any(any(_models(watched, [Scrape(page)])) for watched in WATCHED)


def _rows_of(watched: Watched, scrapes: Sequence[Scrape]) -> list[Row]:
    rows = Rows(watched.role, watched.name)
    for model in sorted(set(_models(watched, scrapes))):
        servers = [_Server(scrape, watched.engine, model) for scrape in scrapes]
        for figure, form in watched.asked.items():
            value = _value(form, servers)
            if value is not None:
                rows.add(model, figure, value)
    return rows.rows()


def _models(watched: Watched, scrapes: Iterable[Scrape]) -> Iterator[str]:
    engine = watched.engine
    for scrape in scrapes:
        for name in watched.names():
            for sample in scrape.page.samples(name):
                if all(match.holds(sample.labels) for match in engine.identity):
                    yield sample.labels.get(engine.model_label, "")


@dataclass(frozen=True)
class _Server:
    """The series of one model on one server."""

    scrape: Scrape
    engine: Engine
    model: str

    def values(self, family: Family) -> list[Sample]:
        """Return series as they are."""
        found = self.scrape.page.samples(family.name)
        return [sample for sample in found if self._is_asked(family, sample.labels)]

    def value(self, family: Family) -> float | None:
        """Return the sum of series."""
        return _sum(sample.value for sample in self.values(family))

    def rate(self, family: Family) -> float | None:
        """Return what series grow by in a second, together."""
        if self.scrape.growth is None:
            return None
        found = self.scrape.growth.rates(family.name)
        return _sum(sample.value for sample in found if self._is_asked(family, sample.labels))

    def histograms(self, family: Family) -> list[dict[float, float]]:
        """Return what buckets grow by in a second, for each histogram."""
        if self.scrape.growth is None:
            return []
        found = self.scrape.growth.buckets(family.name)
        return [dict(buckets) for labels, buckets in found if self._is_asked(family, labels)]

    def first(self, families: Iterable[Family]) -> Family | None:
        """Return the first family that it shows."""
        return next((family for family in families if self.values(family)), None)

    def _is_asked(self, family: Family, labels: Labels) -> bool:
        is_own = labels.get(self.engine.model_label) == self.model
        own = is_own and all(match.holds(labels) for match in self.engine.identity)
        return own and family.holds(labels)


def _sum(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) if found else None


def _told(servers: Iterable[_Server], ask: Callable[[_Server], float | None]) -> list[float]:
    return [value for value in map(ask, servers) if value is not None]


def _value(form: Form, servers: Sequence[_Server]) -> float | None:
    match form:
        case Quantile():
            return _quantile(form, servers)
        case Mean():
            return _mean(form, servers)
        case Rate():
            return _sum(_told(servers, lambda server: _rate(form, server)))
        case Level():
            found = _told(servers, lambda server: _level(form, server))
            return max(found, default=None) if form.is_highest else _sum(found)
        case Ranked():
            return _sum(_told(servers, lambda server: _ranked(form, server)))


def _quantile(form: Quantile, servers: Sequence[_Server]) -> float | None:
    found = []
    for server in servers:
        family = server.first(family.buckets for family in form.families)
        if family is not None:
            found += server.histograms(family)
    if not found:
        return None
    within = quantile(QUANTILE, added_up(found))
    return nan if within is None else within.value * form.scale


def _mean(form: Mean, servers: Sequence[_Server]) -> float | None:
    total = _sum(_told(servers, lambda server: server.rate(form.total)))
    count = _sum(_told(servers, lambda server: server.rate(form.count)))
    if total is None or count is None:
        return None
    return total / count * form.total.scale if count else nan


def _rate(form: Rate, server: _Server) -> float | None:
    family = server.first(form.families)
    return None if family is None else server.rate(family)


def _level(form: Level, server: _Server) -> float | None:
    family = server.first(form.families)
    if family is None:
        return None if form.otherwise is None else _worked(form.otherwise, server)
    together = max if form.is_highest else sum
    return together([sample.value for sample in server.values(family)])


def _worked(form: Worked, server: _Server) -> float | None:
    left, right = server.value(form.left), server.value(form.right)
    if left is None or right is None:
        return None
    if form.operator == "-":
        return left - right
    return left / right if right else nan


def _ranked(form: Ranked, server: _Server) -> float | None:
    highest: dict[tuple[str, ...], float] = {}
    for family in form.families:
        for sample in server.values(family):
            scheduler = (family.name, *(sample.labels.get(each, "") for each in form.scheduler))
            highest[scheduler] = max(sample.value, highest.get(scheduler, sample.value))
    return _sum(highest.values())
