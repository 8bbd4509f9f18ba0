"""The canonical layer: one recorded series for a question, whichever source answers it.

`llm:*` is by source, role, model and the signal's own grouping; `llm_instance:*` adds instance and
engine, for the few gauges that point at one bad replica. Everything after this reads only these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from llmdash.errors import SourceError
from llmdash.intervals import Intervals
from llmdash.promql.expressions import at_most, convert, label_from_map
from llmdash.promql.nodes import Expr, Matcher, Selector
from llmdash.promql.units import Unit
from llmdash.promql.windows import Duration
from llmdash.signals import SIGNALS, Signal
from llmdash.sources.answer import (
    CounterAnswer,
    DistributionAnswer,
    GaugeAnswer,
    RatioAnswer,
    Term,
)
from llmdash.sources.source import Source


class Level(Enum):
    """How fine a recording is; the value is the first part of its name."""

    FLEET = "llm"
    INSTANCE = "llm_instance"


def recorded_name(level: Level, metric: str, operation: str) -> str:
    """Return a recording's name: level, metric, operation."""
    return f"{level.value}:{metric}:{operation}"


def operations(asked: Signal, level: Level) -> tuple[str, ...]:
    """Return how a gauge is combined on a level, in order; nothing if not recorded there."""
    if level is Level.FLEET:
        return asked.combine
    # One engine of one instance is one series: combining it in several ways says nothing.
    return asked.combine[-1:] if asked.per_instance else ()


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
    source: Source, intervals: Intervals, models: Mapping[str, str] | None = None
) -> RuleGroup:
    """Return the rules of one source: every signal that it answers, in the order of the signals.

    `models` maps instances to models, for what an exporter counts without naming a model.
    """
    rules: list[Recording] = []
    for asked in SIGNALS:
        if asked.name in source.answers:
            rules += _Recorder(source, asked, intervals.rate_window, models or {}).rules()
    return RuleGroup(f"llmdash-{source.name}", intervals.recordings, tuple(rules))


@dataclass(frozen=True)
class _Recorder:
    """Writes the rules of one signal of one source."""

    source: Source
    asked: Signal
    window: Duration
    models: Mapping[str, str]

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
        static = (("role", self.source.role.value), ("source", self.source.name), *labels)
        return Recording(name, expr, tuple(sorted(static)))

    def _by(self, term: Term, *more: str) -> tuple[str, ...]:
        """Return the canonical labels that a term has, of those that are recorded."""
        have = dict(term.labels)
        wanted = ("model", self.asked.split_by, *more)
        return tuple(name for name in wanted if name and (name in have or name == "instance"))

    def _with_models(self, term: Term) -> Term:
        """Give a term without a model the models of the pack's targets, if it names any."""
        if not self.models or "model" in dict(term.labels):
            return term
        labelled = tuple(
            label_from_map(alternative, "model", "instance", self.models)
            for alternative in term.alternatives
        )
        return replace(term, alternatives=labelled, labels=(*term.labels, ("model", "model")))

    def _rate(self, metric: str, term: Term, unit: Unit) -> Recording:
        rates = term.grouped("sum", term.per_second(self.window), self._by(term))
        operation = f"rate{self.window}"
        return self._rule(
            Level.FLEET, metric, operation, convert(rates, unit.per_second), *term.fixed
        )

    def _counters(self, answer: CounterAnswer) -> list[Recording]:
        return [self._rate(self.asked.metric, term, answer.unit) for term in answer.terms]

    def _gauges(self, answer: GaugeAnswer) -> list[Recording]:
        labelled = replace(answer, terms=tuple(self._with_models(term) for term in answer.terms))
        found = []
        for level in Level:
            more = ("instance", *self.source.instance_labels) if level is Level.INSTANCE else ()
            for operation in operations(self.asked, level):
                for place, term in enumerate(labelled.terms):
                    value = labelled.combined(operation, self._by(term, *more), term=place)
                    found.append(
                        self._rule(level, self.asked.metric, operation, value, *term.fixed)
                    )
        return found

    def _distribution(self, answer: DistributionAnswer) -> list[Recording]:
        metric = self.asked.metric
        found = self._buckets(answer)
        found.append(self._rate(f"{metric}_sum", answer.sum, answer.unit))
        counted = answer.count.grouped(
            "sum", answer.count.per_second(self.window), self._by(answer.count)
        )
        found.append(self._rule(Level.FLEET, f"{metric}_count", f"rate{self.window}", counted))
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
            expr = answer.bucket_rates(self.window, self._by(term))
            return [self._rule(Level.FLEET, metric, operation, expr)]
        # An exporter that counts in milliseconds: one rule an edge, its `le` said in seconds.
        return [
            self._rule(Level.FLEET, metric, operation, self._one_bucket(term, edge), ("le", le))
            for edge, le in _edge_labels(answer)
        ]

    def _one_bucket(self, term: Term, edge: float) -> Expr:
        chosen = []
        for alternative in term.alternatives:
            assert isinstance(alternative, Selector)  # buckets are nothing else
            chosen.append(_at(alternative, edge))
        single = replace(term, alternatives=tuple(chosen))
        return single.grouped("sum", single.per_second(self.window), self._by(single))


def _at(buckets: Selector, edge: float) -> Selector:
    if edge == float("inf"):
        return buckets.where(Matcher("le", "=", "+Inf"))
    return at_most(buckets, edge)


def _edge_labels(answer: DistributionAnswer) -> list[tuple[float, str]]:
    """Pair each edge in the exporter's unit with its `le` in the signal's."""
    own, canonical = answer.edges, answer.canonical_edges
    assert own is not None
    assert canonical is not None
    pairs = [(edge, repr(said)) for edge, said in zip(own.values, canonical.values, strict=True)]
    return [*pairs, (float("inf"), "+Inf")]
