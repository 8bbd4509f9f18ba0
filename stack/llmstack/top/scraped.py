"""Figures of servers from their own pages: what PromQL would say of them, worked out here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import nan

from llmstack.top.engines import ENGINES, Engine
from llmstack.top.figures import QUANTILE, Row, Rows
from llmstack.top.forms import Chosen, Form, Labels, Level, Mean, Quantile, Ranked, Rate, Worked
from llmstack.top.growth import Growth
from llmstack.top.page import Page, Sample
from llmstack.top.quantiles import added_up, quantile_of


@dataclass(frozen=True)
class Scrape:
    """One server's page, and what it has grown by; None where the one before is not there."""

    page: Page
    growth: Growth | None = None


def rows_on(scrapes: Sequence[Scrape]) -> list[Row]:
    """Return the rows of each kind of server that pages show, over all pages."""
    return [row for engine in ENGINES for row in _rows_of(engine, scrapes)]


def has_rows(page: Page) -> bool:
    """Tell whether a page shows a model: the router of vLLM's stack has its names, and no model."""
    return any(any(_models(engine, [Scrape(page)])) for engine in ENGINES)


def _rows_of(engine: Engine, scrapes: Sequence[Scrape]) -> list[Row]:
    rows = Rows(engine.role, engine.name)
    for model in sorted(set(_models(engine, scrapes))):
        for figure, form in engine.asked.items():
            value = _value(form, [_Server(scrape, engine, model) for scrape in scrapes])
            if value is not None:
                rows.add(model, figure, value)
    return rows.rows()


def _models(engine: Engine, scrapes: Iterable[Scrape]) -> Iterator[str]:
    for scrape in scrapes:
        for name in engine.names():
            for sample in scrape.page.samples(name):
                if all(match.holds(sample.labels) for match in engine.identity):
                    yield sample.labels.get(engine.model, "")


@dataclass(frozen=True)
class _Server:
    """The series of one model on one server."""

    scrape: Scrape
    engine: Engine
    model: str

    def has(self, chosen: Chosen) -> bool:
        """Tell whether the server shows such series."""
        return bool(self.values(chosen))

    def values(self, chosen: Chosen) -> list[Sample]:
        """Return series as they are."""
        found = self.scrape.page.samples(chosen.name)
        return [sample for sample in found if self._is_asked(chosen, sample.labels)]

    def value(self, chosen: Chosen) -> float | None:
        """Return the sum of series."""
        return _sum(sample.value for sample in self.values(chosen))

    def rate(self, chosen: Chosen) -> float | None:
        """Return what series grow by in a second, together."""
        if self.scrape.growth is None:
            return None
        found = self.scrape.growth.rates(chosen.name)
        return _sum(sample.value for sample in found if self._is_asked(chosen, sample.labels))

    def histograms(self, chosen: Chosen) -> list[dict[float, float]]:
        """Return what the buckets of each histogram grow by in a second."""
        if self.scrape.growth is None:
            return []
        found = self.scrape.growth.buckets(chosen.part("bucket").name)
        return [dict(buckets) for labels, buckets in found if self._is_asked(chosen, labels)]

    def first(self, families: Iterable[Chosen], part: str = "") -> Chosen | None:
        """Return the first family that it shows."""
        for family in families:
            if self.has(family.part(part) if part else family):
                return family
        return None

    def _is_asked(self, chosen: Chosen, labels: Labels) -> bool:
        return labels.get(self.engine.model) == self.model and all(
            match.holds(labels) for match in (*self.engine.identity, *chosen.where)
        )


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
        family = server.first(form.families, "bucket")
        if family is not None:
            found += server.histograms(family)
    return quantile_of(QUANTILE, added_up(found)) * form.scale if found else None


def _mean(form: Mean, servers: Sequence[_Server]) -> float | None:
    total = _sum(_told(servers, lambda server: server.rate(form.total)))
    count = _sum(_told(servers, lambda server: server.rate(form.count)))
    if total is None or count is None:
        return None
    return total / count * form.scale if count else nan


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
