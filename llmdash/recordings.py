"""The canonical layer: one recorded series for a question, whichever source answers it.

`llm:*` is by source, role, model and the signal's own grouping; `llm_instance:*` adds instance and
engine, for the few signals that point at one bad replica. Everything after this reads only these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmdash.errors import SourceError
from llmdash.intervals import Intervals
from llmdash.levels import Level, recorded_name
from llmdash.placement import Placement
from llmdash.promql.expressions import aggregate, convert
from llmdash.promql.labels import TARGET_LABELS
from llmdash.promql.nodes import Expr
from llmdash.promql.units import COUNT, Unit
from llmdash.promql.windows import Duration
from llmdash.signals import SIGNALS, Signal
from llmdash.sources.answer import (
    CounterAnswer,
    DistributionAnswer,
    GaugeAnswer,
    RatioAnswer,
    Term,
)
from llmdash.sources.source import Role, Source


def operations(asked: Signal, level: Level) -> tuple[str, ...]:
    """Return how a gauge is combined on a level, in order; nothing if not recorded there."""
    if level is Level.FLEET:
        return asked.combine
    # One engine of one instance is one series: combining it in several ways says nothing.
    values = tuple(how for how in asked.combine if how != "count")
    return values[-1:] if asked.per_instance else ()


@dataclass(frozen=True)
class Recording:
    """One rule that computes a series ahead."""

    name: str
    expr: Expr
    #: Static labels that the rule adds.
    labels: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        """Refuse a static label that the expression brings itself."""
        own = self.expr.labels.names
        clash = sorted(own & {name for name, _ in self.labels})
        if clash:
            raise SourceError(
                f"{self.name}: the expression has its own label {clash[0]}; rename it inside"
            )


@dataclass(frozen=True)
class RuleGroup:
    """Recordings that are evaluated together, in order."""

    name: str
    interval: Duration
    recordings: tuple[Recording, ...]


def recordings_of(
    source: Source, intervals: Intervals, placement: Placement | None = None
) -> RuleGroup:
    """Return the rules of one source: every signal that it answers, in the order of the signals.

    `placement` tells which model is meant by what an exporter counts without naming one.
    """
    where = placement or Placement()
    rules = [
        Recording(name, expr, tuple(sorted((*_static(source), *labels))))
        for name, labels, expr in where.rules(source)
    ]
    for asked in SIGNALS:
        if asked.name in source.answers and asked.is_recorded:
            rules += _Recorder(source, asked, intervals.rate_window, where).rules()
    return RuleGroup(f"llmdash-{source.name}", intervals.recordings, tuple(rules))


def _static(source: Source) -> tuple[tuple[str, str], ...]:
    return (("role", source.role.value), ("source", source.name))


@dataclass(frozen=True)
class _Recorder:
    """Writes the rules of one signal of one source."""

    source: Source
    asked: Signal
    window: Duration
    placement: Placement

    def rules(self) -> list[Recording]:
        match self.source.answers[self.asked.name]:
            case CounterAnswer() as answer:
                return self._counters(answer)
            case GaugeAnswer() as answer:
                return self._gauges(answer)
            case DistributionAnswer() as answer:
                return self._distribution(answer)
            case RatioAnswer() as answer:
                names = self.asked.parts
                return [
                    self._rate(name, term, self.asked.unit)
                    for name, term in zip(names, answer.terms, strict=True)
                ]
        raise TypeError(f"no rules for {type(self.source.answers[self.asked.name]).__name__}")

    def _rule(
        self, level: Level, metric: str, operation: str, expr: Expr, *labels: tuple[str, str]
    ) -> Recording:
        name = recorded_name(level, metric, operation)
        return Recording(name, expr, tuple(sorted((*_static(self.source), *labels))))

    def _by(self, term: Term, *more: str) -> tuple[str, ...]:
        """Return the canonical labels that a term has, of those that are recorded."""
        have = dict(term.labels)
        wanted = ("model", self.asked.split_by, *self.asked.also_by, *more)
        return tuple(name for name in wanted if name and (name in have or name == "instance"))

    def _grouped(
        self, operator: str, term: Term, of: Expr, more: Sequence[str] = (), *, le: bool = False
    ) -> Expr:
        """Return an expression of a term combined by what is recorded, its model found for it."""
        placed, of = self.placement.placed(self.source, term, of)
        if operator == "count" and not placed.one_of:
            of = self._one_each(placed, of, more)
        return placed.grouped(operator, of, self._by(placed, *more), ("le",) if le else ())

    def _one_each(self, term: Term, of: Expr, more: Sequence[str]) -> Expr:
        """Return one series for each thing that is counted: an instance, or an engine of it."""
        own = dict(term.labels)
        things = dict.fromkeys(("instance", *self._by(term, *more, *self.source.instance_labels)))
        names = tuple(own.get(name, name) for name in things)
        told_apart = of.labels.names - of.labels.pinned - TARGET_LABELS - set(names)
        return aggregate("max", of, names) if told_apart else of

    def _rate(
        self, metric: str, term: Term, unit: Unit | None, level: Level = Level.FLEET
    ) -> Recording:
        rates = self._grouped("sum", term, term.per_second(self.window), self._more(level))
        operation = f"rate{self.window}"
        value = rates if unit is None else convert(rates, unit.per_second)
        return self._rule(level, metric, operation, value, *term.fixed)

    def _more(self, level: Level) -> tuple[str, ...]:
        """Return the labels that a level adds."""
        return ("instance", *self.source.instance_labels) if level is Level.INSTANCE else ()

    @property
    def _levels(self) -> tuple[Level, ...]:
        """The levels that a rate is recorded on: the replicas that are compared are engines."""
        is_compared = self.asked.per_instance and self.source.role is Role.ENGINE
        return tuple(Level) if is_compared else (Level.FLEET,)

    def _counters(self, answer: CounterAnswer) -> list[Recording]:
        return [
            self._rate(self.asked.metric, term, answer.unit, level)
            for level in self._levels
            for term in answer.terms
        ]

    def _gauges(self, answer: GaugeAnswer) -> list[Recording]:
        found = []
        for level in Level:
            for operation in operations(self.asked, level):
                for term in answer.terms:
                    combined = self._grouped(operation, term, term.value(), self._more(level))
                    # States that were added up are counted.
                    value = combined if combined.unit == COUNT else convert(combined, answer.unit)
                    found.append(
                        self._rule(level, self.asked.metric, operation, value, *term.fixed)
                    )
        return found

    def _distribution(self, answer: DistributionAnswer) -> list[Recording]:
        metric = self.asked.metric
        found = self._buckets(answer)
        for level in self._levels:
            found.append(self._rate(f"{metric}_sum", answer.sum, answer.unit, level))
            found.append(self._rate(f"{metric}_count", answer.count, None, level))
        return found

    def _buckets(self, answer: DistributionAnswer) -> list[Recording]:
        if answer.buckets is None or answer.edges is None:
            return []
        metric, operation, term = (
            f"{self.asked.metric}_bucket",
            f"rate{self.window}",
            answer.buckets,
        )
        if answer.scale == 1:
            expr = self._grouped("sum", term, term.per_second(self.window), le=True)
            return [self._rule(Level.FLEET, metric, operation, expr)]
        # An exporter that counts in milliseconds: one rule an edge, its `le` said in seconds.
        return [
            self._rule(
                Level.FLEET, metric, operation, self._one_bucket(answer.bucket(edge)), ("le", le)
            )
            for edge, le in _edge_labels(answer)
        ]

    def _one_bucket(self, single: Term) -> Expr:
        return self._grouped("sum", single, single.per_second(self.window))


def _edge_labels(answer: DistributionAnswer) -> list[tuple[float, str]]:
    """Pair each edge in the exporter's unit with its `le` in the signal's."""
    own, canonical = answer.edges, answer.canonical_edges
    assert own is not None
    assert canonical is not None
    pairs = [(edge, repr(said)) for edge, said in zip(own.values, canonical.values, strict=True)]
    return [*pairs, (float("inf"), "+Inf")]
