"""How events are counted on a source: what rose in five minutes, by the labels of a promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmdash.errors import SloError
from llmdash.levels import Level, recorded_name
from llmdash.metrics.prometheus import UP
from llmdash.placement import Placement
from llmdash.promql.expressions import (
    added,
    aggregate,
    as_value,
    counted_as,
    first_of,
    increase,
    joined,
    observed,
    observed_up_to,
    one_of,
    over_time,
)
from llmdash.promql.facts import Usage
from llmdash.promql.labels import LabelSet
from llmdash.promql.nodes import Binary, Expr, Number, Selector
from llmdash.promql.series import Series
from llmdash.promql.units import STATE, base
from llmdash.slos.slo import Slo
from llmdash.slos.windows import TILE
from llmdash.sources.answer import Term
from llmdash.sources.source import Source

EVENTS = base("events")

#: A target's own labels, by which a series finds whether its target was up.
_TARGET = ("job", "instance")

#: How far an evaluation looks back for the one before; a longer gap of Prometheus forgets.
_KNOWN_FOR = "10m"


@dataclass(frozen=True)
class Part:
    """Events of five minutes, as the source tells them apart."""

    term: Term
    events: Expr


@dataclass(frozen=True)
class Counting:
    """Counts events of a promise on a source."""

    slo: Slo
    source: Source
    placement: Placement

    @property
    def place(self) -> str:
        """How messages call it."""
        return f"{self.slo.place} on {self.source.name}"

    # --- parts -----------------------------------------------------------------------------------

    def risen(self, term: Term) -> Part:
        """Return how much counters rose."""
        return self._each(term, _rise)

    def observations(self, term: Term) -> Part:
        """Return how much native histograms observed."""
        return self._each(term, lambda series: observed(_rise(series)))

    def observations_up_to(self, term: Term, threshold: float) -> Part:
        """Return how much of it was at most a threshold, in the exporter's own unit."""
        return self._each(term, lambda series: observed_up_to(threshold, _rise(series)))

    def answers(self, term: Term) -> Part:
        """Return how many scrapes were answered."""
        return self._each(term, lambda up: over_time("sum", up, TILE))

    def scrapes(self, term: Term) -> Part:
        """Return how many scrapes there were, from the first that a target answered."""
        before = answered().offset(TILE)

        def asked(up: Selector) -> Expr:
            since = joined(over_time("count", up, TILE), "and", before, on=_TARGET)
            # Of a target that was not known when the five minutes began, those that it missed
            # while it started are out.
            return first_of(since, over_time("sum", up, TILE))

        return self._each(term, asked)

    def answering(self, term: Term) -> Expr:
        """Return the targets that have answered a scrape since they are known.

        Each evaluation reads the one before, so it is as cheap after a month as after a minute.
        """

        def known(up: Selector) -> Expr:
            answers = Binary("==", over_time("max", up, TILE), Number(1))
            before = over_time("last", answered(), _KNOWN_FOR)
            is_there = joined(aggregate("group", before, _TARGET), "and", up, on=_TARGET)
            return first_of(aggregate("group", answers, _TARGET), is_there)

        return self._each(term, known).events

    def moved(self, term: Term) -> tuple[Part, Part]:
        """Return what adds up to how far gauges went up or down; one that is gone is zero."""
        return (
            self._each(term, lambda series: series),
            self._each(term, lambda series: series.offset(TILE) * -1),
        )

    def _each(self, term: Term, count: Callable[[Selector], Expr]) -> Part:
        narrowed = self._narrowed(term)
        found = []
        for series in narrowed.alternatives:
            assert isinstance(series, Selector)  # what promises count is nothing else
            found.append(count(series))
        return Part(narrowed, first_of(*found, ignoring=term.ignoring))

    def _narrowed(self, term: Term) -> Term:
        matchers = []
        for name, value in self.slo.where.items():
            own = dict(term.labels).get(name)
            if own is None:
                families = ", ".join(term.families())
                raise SloError(self.place, f"the label {name}", f"{families} without it")
            matchers.append(one_of(own, (value,)))
        return term.narrowed(matchers)

    # --- sums ------------------------------------------------------------------------------------

    def total(self, parts: Sequence[Part]) -> tuple[Expr, tuple[str, ...]]:
        """Return the events of several parts by labels; one without series counts none.

        Raises:
            SloError: the source cannot tell its events apart as the promise does.
        """
        placed = [self._placed(part) for part in parts]
        by = placed[0][1]
        for (_, other), part in zip(placed, parts, strict=True):
            if other != by:
                families = ", ".join(part.term.families())
                raise SloError(self.place, f"counts by {', '.join(by)}", f"{families} without")
        each = [events for events, _ in placed]
        # One part is added up already.
        return counted_as(added(each, by) if len(each) > 1 else each[0], EVENTS), by

    def _placed(self, part: Part) -> tuple[Expr, tuple[str, ...]]:
        """Return events by the promise's labels that the source can tell."""
        placed, of = self.placement.placed(self.source, part.term, part.events)
        have = dict(placed.labels)
        missing = [name for name in self.slo.by if name not in have and name != "model"]
        if missing:
            raise SloError(self.place, f"the label {missing[0]}", "none")
        by = tuple(name for name in self.slo.by if name in have)
        return placed.grouped("sum", of, by), by


def answered() -> Selector:
    """Return the recorded targets that have answered a scrape.

    One that never did is only starting: it is no outage until it has been up.
    """
    return Selector(
        Series(
            recorded_name(Level.INSTANCE, "target_answered", "state"),
            STATE,
            Usage.VALUE,
            LabelSet(("source", "role", *_TARGET)),
            bounds=(1, 1),
            has_target_labels=False,
        )
    )


def _rise(series: Selector) -> Expr:
    """Return how much a series rose in five minutes.

    One that is born with its first event, on a target that was up before, rose from zero; an old
    total on a target that is new to Prometheus, or has other labels now, did not rise at all.
    """
    # Both have all labels of the target, so one that was given another is another.
    was_up = Binary("and", Binary("==", UP.select().offset(TILE), Number(1)), UP.select())
    born = joined(Binary("unless", series, series.offset(TILE)), "and", was_up, on=_TARGET)
    return first_of(as_value(born, "its first value is a rise"), increase(series, TILE))
