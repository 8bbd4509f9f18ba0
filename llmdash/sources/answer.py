"""How a source answers a signal: terms made of its exporter's series, and what is asked of them.

A term joins names that mean the same (`new or old`) before anything is added up, so that one new
target does not hide the old ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llmdash.errors import SourceError
from llmdash.promql.edges import Edges
from llmdash.promql.expressions import (
    aggregate,
    at_edges,
    at_most,
    convert,
    first_of,
    mean_of,
    quantile,
    rate,
    relabel,
)
from llmdash.promql.nodes import Expr, Matcher, Selector
from llmdash.promql.rewrite import narrowed, selectors
from llmdash.promql.units import COUNT, Unit
from llmdash.promql.windows import Window

#: Labels that a recording carries as static labels of its rule; no series may bring its own.
STATIC_LABELS = frozenset({"source", "role"})


@dataclass(frozen=True)
class Term:
    """One part of an answer: alternatives, newest name first, and what its labels are called."""

    alternatives: tuple[Expr, ...]
    #: Canonical label and the exporter's own name for it.
    labels: tuple[tuple[str, str], ...] = ()
    #: Labels that hold for the whole term (`outcome`, `ok`).
    fixed: tuple[tuple[str, str], ...] = ()
    #: Labels that only some alternatives have.
    ignoring: tuple[str, ...] = ()
    #: The exporter's labels that name one thing, where it may tell of it in several series (a rank
    #: of each GPU, a pod of each share): the greatest of them is taken before anything is combined.
    one_of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a canonical name that recordings carry as a static label."""
        for canonical, own in (*self.labels, *((name, name) for name, _ in self.fixed)):
            if canonical in STATIC_LABELS:
                raise SourceError(
                    f"label {own} of {self.families()[0]} would collide with the recorded label "
                    f"{canonical}: give it another canonical name, such as token_{canonical}"
                )

    def families(self) -> tuple[str, ...]:
        """Return the families that the term reads."""
        found = [s.series.family for a in self.alternatives for s in selectors(a)]
        return tuple(dict.fromkeys(found))

    def narrowed(self, matchers: Sequence[Matcher]) -> Term:
        """Return the term over fewer series."""
        return replace(self, alternatives=tuple(narrowed(a, *matchers) for a in self.alternatives))

    def value(self) -> Expr:
        """Return the term's own value, in the unit of the newest name."""
        unit = self.alternatives[0].unit
        alike = (convert(alternative, unit) for alternative in self.alternatives)
        return first_of(*alike, ignoring=self.ignoring)

    def per_second(self, window: Window) -> Expr:
        """Return the term's rate, for each series of its own, in the unit of the newest name."""
        rates: list[Expr] = []
        for alternative in self.alternatives:
            if not isinstance(alternative, Selector):
                raise SourceError(
                    f"{', '.join(self.families())}: a counter's alternatives must be selectors"
                )
            own = rate(alternative, window)
            rates.append(convert(own, rates[0].unit) if rates else own)
        return first_of(*rates, ignoring=self.ignoring)

    def grouped(
        self, operator: str, of: Expr, by: Sequence[str], extra: Sequence[str] = ()
    ) -> Expr:
        """Return an expression of this term combined `by` labels, canonical names included.

        A label is renamed after the many series have become few.
        """
        own_names = dict(self.labels)
        renamed = {name: own_names[name] for name in by if own_names.get(name, name) != name}
        inner_names = [own_names.get(name, name) for name in by]
        if self.one_of and operator not in ("max", "min", "group"):
            of = aggregate("max", of, (*self.one_of, *inner_names, *extra))
        combined: Expr = aggregate(operator, of, (*inner_names, *extra))
        for name, own in renamed.items():
            combined = relabel(combined, name, own)
        if not renamed:
            return combined
        # Each group is one series by now; this only drops the exporter's own label names.
        return aggregate("sum" if operator == "count" else operator, combined, (*by, *extra))


@dataclass(frozen=True)
class CounterAnswer:
    """Events counted; several terms when a label of the signal comes from several families."""

    terms: tuple[Term, ...]
    unit: Unit
    note: str = ""
    #: Events that are counted nowhere, where a share of these would therefore promise too much.
    misses: str = ""
    #: Whether each request that had a first token ends here once: what does not was lost, or runs.
    ends_each_answer: bool = False
    #: Whether all that a request brings is counted when it ends, and nothing while it runs.
    at_end: bool = False

    def per_second(
        self,
        window: Window,
        by: Sequence[str] = (),
        matchers: Sequence[Matcher] = (),
        term: int = 0,
    ) -> Expr:
        """Return one term's rate by labels, in the signal's unit per second."""
        part = self.terms[term].narrowed(matchers)
        return convert(part.grouped("sum", part.per_second(window), by), self.unit.per_second)


@dataclass(frozen=True)
class GaugeAnswer:
    """A value of the moment."""

    terms: tuple[Term, ...]
    unit: Unit
    note: str = ""

    def combined(
        self,
        operator: str,
        by: Sequence[str] = (),
        matchers: Sequence[Matcher] = (),
        term: int = 0,
    ) -> Expr:
        """Return one term combined over replicas, in the signal's unit."""
        part = self.terms[term].narrowed(matchers)
        combined = part.grouped(operator, part.value(), by)
        # States that were added up are counted.
        return combined if combined.unit == COUNT else convert(combined, self.unit)


@dataclass(frozen=True)
class DistributionAnswer:
    """Observations: a sum, a count, and buckets unless the source knows only the mean."""

    sum: Term
    count: Term
    unit: Unit
    #: None when the answer is weaker than asked.
    buckets: Term | None = None
    #: The edges that all alternatives and releases share, in the exporter's own unit.
    edges: Edges | None = None
    note: str = ""
    #: Requests that failed before they could be observed: none of them is in the distribution.
    unobserved: tuple[Term, ...] = ()
    #: The same distribution where Prometheus keeps native histograms.
    native: Term | None = None

    @property
    def terms(self) -> tuple[Term, ...]:
        """All parts of the distribution."""
        return (
            (self.sum, self.count) if self.buckets is None else (self.buckets, self.sum, self.count)
        )

    @property
    def scale(self) -> float:
        """What an edge is multiplied with to be in the signal's unit (0.001 for milliseconds)."""
        return 1.0 if self.edges is None else self.edges.unit.factor_to(self.unit)

    @property
    def canonical_edges(self) -> Edges | None:
        """The edges in the signal's unit."""
        if self.edges is None or self.scale == 1:
            return self.edges
        values = tuple(float(f"{edge * self.scale:.12g}") for edge in self.edges.values)
        return Edges(values, self.unit, self.edges.varies_by)

    def bucket_rates(
        self, window: Window, by: Sequence[str] = (), matchers: Sequence[Matcher] = ()
    ) -> Expr:
        """Return rates of buckets by labels and `le`.

        Raises:
            SourceError: the answer is a mean, or its edges are not in the signal's unit.
        """
        if self.buckets is None:
            families = ", ".join(self.sum.families())
            raise SourceError(f"{families}: only a mean is known, no buckets")
        part = self.buckets.narrowed(matchers)
        return part.grouped("sum", part.per_second(window), by, ("le",))

    def rate_up_to(
        self,
        edge: float,
        window: Window,
        by: Sequence[str] = (),
        matchers: Sequence[Matcher] = (),
    ) -> Expr:
        """Return observations up to an edge (in the exporter's own unit) per second, by labels.

        Raises:
            SourceError: the answer is a mean.
        """
        part = self.bucket(edge).narrowed(matchers)
        return part.grouped("sum", part.per_second(window), by)

    def bucket(self, edge: float) -> Term:
        """Return the single bucket up to an edge in the exporter's own unit; infinity is all.

        Raises:
            SourceError: the answer is a mean.
        """
        if self.buckets is None:
            families = ", ".join(self.sum.families())
            raise SourceError(f"{families}: only a mean is known, no buckets")
        chosen = []
        for alternative in self.buckets.alternatives:
            assert isinstance(alternative, Selector)  # buckets are nothing else
            chosen.append(_at(alternative, edge))
        return replace(self.buckets, alternatives=tuple(chosen))

    def quantile(
        self,
        share: float,
        window: Window,
        by: Sequence[str] = (),
        matchers: Sequence[Matcher] = (),
    ) -> Expr:
        """Return a quantile by labels, in the signal's unit."""
        return convert(quantile(share, self.bucket_rates(window, by, matchers)), self.unit)

    def mean(
        self, window: Window, by: Sequence[str] = (), matchers: Sequence[Matcher] = ()
    ) -> Expr:
        """Return the mean by labels, in the signal's unit."""
        total = self.sum_rate(window, by, matchers)
        return mean_of(total, self.count_rate(window, by, matchers))

    def sum_rate(
        self, window: Window, by: Sequence[str] = (), matchers: Sequence[Matcher] = ()
    ) -> Expr:
        """Return the rate of the sum by labels."""
        part = self.sum.narrowed(matchers)
        return convert(part.grouped("sum", part.per_second(window), by), self.unit.per_second)

    def count_rate(
        self, window: Window, by: Sequence[str] = (), matchers: Sequence[Matcher] = ()
    ) -> Expr:
        """Return observations per second by labels."""
        part = self.count.narrowed(matchers)
        return part.grouped("sum", part.per_second(window), by)


@dataclass(frozen=True)
class RatioAnswer:
    """Two counters of one unit; their quotient is taken after adding up."""

    numerator: Term
    denominator: Term
    unit: Unit
    note: str = ""

    @property
    def terms(self) -> tuple[Term, ...]:
        """Both parts."""
        return (self.numerator, self.denominator)

    def quotient(
        self, window: Window, by: Sequence[str] = (), matchers: Sequence[Matcher] = ()
    ) -> Expr:
        """Return the ratio by labels."""
        top, bottom = self.part_rates(window, by, matchers)
        return top / bottom

    def part_rates(
        self, window: Window, by: Sequence[str] = (), matchers: Sequence[Matcher] = ()
    ) -> tuple[Expr, Expr]:
        """Return the rates of numerator and denominator by labels."""
        first, second = (part.narrowed(matchers) for part in self.terms)
        return (
            first.grouped("sum", first.per_second(window), by),
            second.grouped("sum", second.per_second(window), by),
        )


Answer = CounterAnswer | GaugeAnswer | DistributionAnswer | RatioAnswer


def families_of(answer: Answer) -> Iterator[str]:
    """Yield the families behind an answer, each once, in order."""
    seen = dict.fromkeys(family for term in answer.terms for family in term.families())
    return iter(seen)


def _at(buckets: Selector, edge: float) -> Selector:
    # A source that knows only some of the edges has chosen these; one of them is chosen here.
    others = tuple(matcher for matcher in buckets.matchers if matcher.label != "le")
    buckets = replace(buckets, matchers=others)
    if edge == float("inf"):
        return buckets.where(Matcher("le", "=", "+Inf"))
    return at_most(buckets, edge)


def restricted(buckets: Selector, shared: Edges) -> Selector:
    """Return the buckets at the shared edges only, where the family has more than these."""
    own = buckets.facts.edges
    if own is None or own.values == shared.values:
        return buckets
    return at_edges(buckets, shared.values)
