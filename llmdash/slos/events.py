"""What counts as an event of a promise on one source, and which of them are good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llmdash.errors import PromqlError, SloError
from llmdash.placement import Placement
from llmdash.promql.nodes import Expr, Matcher
from llmdash.signals import signal
from llmdash.slos.counting import Counting, Part
from llmdash.slos.slo import Begun, Outcomes, Slo, Up, Within
from llmdash.sources.answer import CounterAnswer, DistributionAnswer, GaugeAnswer, Term
from llmdash.sources.source import Source


@dataclass(frozen=True)
class Events:
    """Events of the last five minutes, by the promise's labels that the source has.

    Good events may have no series yet, and are none where there are any at all.
    """

    good: Expr
    total: Expr
    by: tuple[str, ...]
    #: The bucket edge that parts good events from late ones, in seconds; None where none does.
    threshold: float | None = None
    #: Events that are good by the stricter measure of the fast tier; None where none is stricter.
    tolerable: Expr | None = None
    #: That measure, in seconds, where it is an edge.
    companion: float | None = None
    #: Whether requests that failed unobserved are among the bad ones of a latency.
    counts_failures: bool = False
    #: Targets whose scrapes count, where scrapes are the events; recorded before they are counted.
    answering: Expr | None = None


def events_of(slo: Slo, source: Source, placement: Placement, *, native: bool = False) -> Events:
    """Return what a promise counts on a source.

    Args:
        slo: the promise.
        source: where it is measured.
        placement: which model each target serves.
        native: read latencies from native histograms, which Prometheus 3 makes of classic ones.

    Raises:
        SloError: the source cannot tell it; the message says why.
    """
    return _Events(Counting(slo, source, placement), native).all()


@dataclass(frozen=True)
class _Events:
    """The events of each kind of promise."""

    counting: Counting
    native: bool

    @property
    def slo(self) -> Slo:
        return self.counting.slo

    @property
    def source(self) -> Source:
        return self.counting.source

    @property
    def place(self) -> str:
        return self.counting.place

    def all(self) -> Events:
        for name in self.slo.indicator.signals:
            if name not in self.source.answers:
                raise SloError(self.place, f"an answer for {name}", "none")
        match self.slo.indicator:
            case Outcomes() as outcomes:
                return self._outcomes(outcomes)
            case Within() as within:
                return self._within(within)
            case Begun() as begun:
                return self._begun(begun)
            case Up():
                return self._up()

    # --- kinds -----------------------------------------------------------------------------------

    def _outcomes(self, asked: Outcomes) -> Events:
        answer = self.source.answers[asked.signal]
        assert isinstance(answer, CounterAnswer)  # signals and answers have one form
        if answer.misses:
            raise SloError(self.place, "every failure counted", answer.misses)
        good = self._of_values(answer, asked.signal, asked.good)
        bad = self._of_values(answer, asked.signal, asked.bad)
        if not bad:
            label = signal(asked.signal).split_by
            raise SloError(self.place, f"a count of {label} {', '.join(asked.bad)}", "none")
        return self._events(good, [*good, *bad])

    def _of_values(self, answer: CounterAnswer, asked: str, values: Sequence[str]) -> list[Part]:
        """Return what counts these values of the label that a signal is split by."""
        label = signal(asked).split_by
        terms = [term for value in values for term in _of_value(answer.terms, label, value)]
        return [self.counting.risen(term) for term in terms]

    def _within(self, asked: Within) -> Events:
        answer = self.source.answers[asked.signal]
        assert isinstance(answer, DistributionAnswer)
        if answer.buckets is None:
            raise SloError(self.place, f"buckets of {asked.signal}", "a mean")
        threshold = self._threshold(asked, answer)
        lost = answer.unobserved if asked.failures else ()
        everything = [self._all_observed(answer), *(self.counting.risen(term) for term in lost)]
        events = self._events([self._observed(answer, threshold)], everything)
        events = replace(events, threshold=threshold, counts_failures=bool(lost))
        if self.slo.policy.fast is None:
            return events
        return self._with_companion(asked, answer, threshold, events)

    def _with_companion(
        self, asked: Within, answer: DistributionAnswer, threshold: float, events: Events
    ) -> Events:
        edges = answer.canonical_edges
        assert edges is not None  # there are buckets
        beyond = [edge for edge in edges.values if edge >= threshold * asked.companion]
        if not beyond:
            return events
        tolerable, _ = self.counting.total([self._observed(answer, beyond[0])])
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

    def _all_observed(self, answer: DistributionAnswer) -> Part:
        if self.native and answer.native is not None:
            return self.counting.observations(answer.native)
        return self.counting.risen(answer.count)

    def _observed(self, answer: DistributionAnswer, threshold: float) -> Part:
        """Return observations up to an edge in seconds, whatever unit the exporter counts in."""
        own, canonical = answer.edges, answer.canonical_edges
        assert own is not None
        assert canonical is not None
        edge = own.values[canonical.values.index(threshold)]
        if self.native and answer.native is not None:
            return self.counting.observations_up_to(answer.native, edge)
        return self.counting.risen(answer.bucket(edge))

    def _begun(self, asked: Begun) -> Events:
        first_tokens, requests, running = (self.source.answers[name] for name in asked.signals)
        assert isinstance(first_tokens, DistributionAnswer)
        assert isinstance(requests, CounterAnswer)
        assert isinstance(running, GaugeAnswer)
        if not requests.misses:
            hint = "promise Outcomes() of it, which is no estimate"
            raise SloError(self.place, "failures that nobody counts", "a count of all", hint)
        if not requests.ends_each_answer:
            expected = "each answer that was begun to end once in its counts"
            raise SloError(self.place, expected, "others, or none for sure")
        ended = self._of_values(requests, asked.signals[1], asked.good)
        still = [part for term in running.terms for part in self.counting.moved(term)]
        return self._events([*ended, *still], [self.counting.risen(first_tokens.count)])

    def _up(self) -> Events:
        answer = self.source.answers["up"]
        assert isinstance(answer, GaugeAnswer)
        (term,) = answer.terms
        good, by = self.counting.total([self.counting.answers(term)])
        asked, _ = self.counting.total([self.counting.scrapes(term)])
        return Events(good, asked, by, answering=self.counting.answering(term))

    def _events(self, good: Sequence[Part], everything: Sequence[Part]) -> Events:
        whole, by = self.counting.total(everything)
        well, _ = self.counting.total(good)
        return Events(well, whole, by)


def _of_value(terms: Sequence[Term], label: str, value: str) -> list[Term]:
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
