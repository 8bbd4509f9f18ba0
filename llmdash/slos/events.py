"""What counts as an event of a promise on one source, and which of them are good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from llmdash.errors import PromqlError, SloError
from llmdash.metrics.prometheus import UP
from llmdash.placement import Placement
from llmdash.promql.expressions import (
    added,
    as_value,
    counted_as,
    first_of,
    increase,
    joined,
    one_of,
    over_time,
)
from llmdash.promql.nodes import Binary, Expr, Matcher, Number, Selector
from llmdash.promql.units import base
from llmdash.signals import signal
from llmdash.slos.slo import Outcomes, Slo, Up, Within
from llmdash.slos.windows import TILE
from llmdash.sources.answer import CounterAnswer, DistributionAnswer, GaugeAnswer, Term
from llmdash.sources.source import Source

EVENTS = base("events")

#: A target's own labels, by which a series finds whether its target was up.
_TARGET = ("job", "instance")


@dataclass(frozen=True)
class Events:
    """Events of the last five minutes, by the promise's labels that the source has."""

    good: Expr
    total: Expr
    by: tuple[str, ...]
    #: The bucket edge that parts good events from late ones, in seconds; None where none does.
    threshold: float | None = None
    #: Events that are good by the stricter measure of the fast tier; None where it has none.
    tolerable: Expr | None = None
    #: That measure, in seconds, where it is an edge.
    companion: float | None = None


def events_of(slo: Slo, source: Source, placement: Placement) -> Events:
    """Return what a promise counts on a source.

    Raises:
        SloError: the source cannot tell it; the message says why.
    """
    return _Counting(slo, source, placement).events()


@dataclass(frozen=True)
class _Counting:
    """Counts the events of a promise on a source."""

    slo: Slo
    source: Source
    placement: Placement

    @property
    def place(self) -> str:
        return f"{self.slo.place} on {self.source.name}"

    def events(self) -> Events:
        for name in self.slo.indicator.signals:
            if name not in self.source.answers:
                raise SloError(self.place, f"an answer for {name}", "none")
        match self.slo.indicator:
            case Outcomes() as outcomes:
                found = self._outcomes(outcomes)
            case Within() as within:
                found = self._within(within)
            case Up():
                found = self._up()
        if self.slo.policy.fast is not None and found.tolerable is None:
            # Nothing stricter is known than the promise itself.
            return replace(found, tolerable=found.good)
        return found

    # --- kinds -----------------------------------------------------------------------------------

    def _outcomes(self, asked: Outcomes) -> Events:
        answer = self.source.answers[asked.signal]
        assert isinstance(answer, CounterAnswer)  # signals and answers have one form
        if answer.misses:
            raise SloError(self.place, "every failure counted", answer.misses)
        label = signal(asked.signal).split_by
        good = [t for value in asked.good for t in self._of_value(answer.terms, label, value)]
        bad = [t for value in asked.bad for t in self._of_value(answer.terms, label, value)]
        if not bad:
            raise SloError(self.place, f"a count of {label} {', '.join(asked.bad)}", "none")
        return self._events(good, [*good, *bad])

    def _of_value(self, terms: Sequence[Term], label: str, value: str) -> list[Term]:
        """Return the terms that count one value of the label, narrowed to it."""
        found = []
        for term in terms:
            fixed = dict(term.fixed)
            if label in fixed:
                if fixed[label] == value:
                    found.append(term)
                continue
            own = dict(term.labels).get(label)
            if own is not None:
                found.append(term.narrowed((Matcher(own, "=", value),)))
        return found

    def _within(self, asked: Within) -> Events:
        answer = self.source.answers[asked.signal]
        assert isinstance(answer, DistributionAnswer)
        if answer.buckets is None:
            raise SloError(self.place, f"buckets of {asked.signal}", "a mean")
        threshold = self._threshold(asked, answer)
        good = _bucket(answer, threshold)
        everything = [answer.count]
        failures = self.source.answers.get(asked.failures) if asked.failures else None
        if isinstance(failures, CounterAnswer):
            everything += failures.terms
        events = self._events([good], everything)
        if self.slo.policy.fast is None:
            return replace(events, threshold=threshold)
        return self._with_companion(asked, answer, replace(events, threshold=threshold))

    def _with_companion(self, asked: Within, answer: DistributionAnswer, events: Events) -> Events:
        edges = answer.canonical_edges
        assert edges is not None  # there are buckets
        assert events.threshold is not None  # told before
        least = events.threshold * asked.companion
        beyond = [edge for edge in edges.values if edge >= least]
        if not beyond:
            return events
        tolerable, _ = self._sum([_bucket(answer, beyond[0])])
        tolerable = first_of(tolerable, events.total * 0)
        return replace(events, tolerable=tolerable, companion=beyond[0])

    def _threshold(self, asked: Within, answer: DistributionAnswer) -> float:
        """Return the first of the thresholds that is an edge, in seconds."""
        edges = answer.canonical_edges
        assert edges is not None  # there are buckets
        for threshold in (asked.threshold, *asked.otherwise):
            if threshold in edges.values:
                return threshold
        try:
            edges.require(asked.threshold, self.place)
        except PromqlError as error:
            raise SloError(self.place, error.expected, error.got, error.hint) from error
        return asked.threshold

    def _up(self) -> Events:
        answer = self.source.answers["up"]
        assert isinstance(answer, GaugeAnswer)
        (term,) = (self._narrowed(each) for each in answer.terms)
        (scrapes,) = term.alternatives
        assert isinstance(scrapes, Selector)
        good = self._placed(term, over_time("sum", scrapes, TILE))
        asked = self._placed(term, over_time("count", scrapes, TILE))
        return Events(_as_events(good[0]), _as_events(asked[0]), good[1])

    # --- counting --------------------------------------------------------------------------------

    def _events(self, good: Sequence[Term], everything: Sequence[Term]) -> Events:
        whole, by = self._sum(everything)
        well, _ = self._sum(good)
        # All bad: good events may have no series yet, and are none.
        return Events(first_of(well, whole * 0), whole, by)

    def _sum(self, terms: Sequence[Term]) -> tuple[Expr, tuple[str, ...]]:
        """Return the events of several terms; one without series counts none."""
        parts = [self._placed(term, self._counted(term)) for term in terms]
        by = parts[0][1]
        for (_, other), term in zip(parts, terms, strict=True):
            if other != by:
                families = ", ".join(term.families())
                raise SloError(self.place, f"counts by {', '.join(by)}", f"{families} without")
        return _as_events(added([part for part, _ in parts], by)), by

    def _counted(self, term: Term) -> Expr:
        """Return how much each series of a term rose in five minutes.

        One that is born with its first event, on a target that was up before, rose from zero; an
        old total on a target that is new to Prometheus did not rise at all.
        """
        found: list[Expr] = []
        for series in self._narrowed(term).alternatives:
            assert isinstance(series, Selector)  # a counter's alternatives are nothing else
            was_up = Binary("==", UP.select().offset(TILE), Number(1))
            born = Binary("unless", series, series.offset(TILE))
            counted = as_value(joined(born, "and", was_up, on=_TARGET), "its first value is a rise")
            found.append(first_of(counted, increase(series, TILE)))
        return first_of(*found, ignoring=term.ignoring)

    def _narrowed(self, term: Term) -> Term:
        matchers = []
        for name, value in self.slo.where.items():
            own = dict(term.labels).get(name)
            if own is None:
                families = ", ".join(term.families())
                raise SloError(self.place, f"the label {name}", f"{families} without it")
            matchers.append(one_of(own, (value,)))
        return term.narrowed(matchers)

    def _placed(self, term: Term, of: Expr) -> tuple[Expr, tuple[str, ...]]:
        """Return events by the promise's labels that the source can tell."""
        placed, of = self.placement.placed(self.source, term, of)
        have: Mapping[str, str] = dict(placed.labels)
        missing = [name for name in self.slo.by if name not in have and name != "model"]
        if missing:
            raise SloError(self.place, f"the label {missing[0]}", "none")
        by = tuple(name for name in self.slo.by if name in have)
        return placed.grouped("sum", of, by), by


def _bucket(answer: DistributionAnswer, threshold: float) -> Term:
    """Return the bucket up to a threshold in seconds, whatever unit the exporter counts in."""
    own, canonical = answer.edges, answer.canonical_edges
    assert own is not None
    assert canonical is not None
    return answer.bucket(own.values[canonical.values.index(threshold)])


def _as_events(of: Expr) -> Expr:
    return counted_as(of, EVENTS)
