"""A source: one kind of exporter, how its dialect is spoken here, and the signals it answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from llmdash.errors import SourceError
from llmdash.metrics.metric import (
    Counter,
    Gauge,
    Histogram,
    Metric,
    Needs,
    Versions,
    one_two_five,
    version_key,
)
from llmdash.promql.edges import Edges
from llmdash.promql.labels import with_nearest
from llmdash.promql.nodes import Expr, Matcher, Selector
from llmdash.promql.rewrite import selectors
from llmdash.promql.units import Unit
from llmdash.signals import Form, Signal, signal
from llmdash.sources.answer import (
    Answer,
    CounterAnswer,
    DistributionAnswer,
    GaugeAnswer,
    RatioAnswer,
    Term,
    families_of,
    restricted,
)

AnyMetric = TypeVar("AnyMetric", bound=Metric)


#: Uids of pages are made of it, and Grafana takes 40 characters.
LONGEST_NAME = 23
_NAME = re.compile(rf"(?=.{{1,{LONGEST_NAME}}}$)[a-z0-9]+([-_][a-z0-9]+)*")


class Role(Enum):
    """What a source is in the fleet; a total names one role, so nothing is counted twice."""

    ENGINE = "engine"
    GATEWAY = "gateway"
    APP = "app"
    GPU = "gpu"
    LOAD = "load"


@dataclass(frozen=True)
class Dialect:
    """How one exporter's catalogue is spoken where it runs."""

    #: Matchers that identify the exporter's series among all others.
    identity: tuple[Matcher, ...]
    #: Canonical label and the exporter's own.
    labels: tuple[tuple[str, str], ...]
    versions: Versions = Versions()
    #: The catalogue's prefix and what stands in its place (Ray: `ray_vllm:`).
    prefix: tuple[str, str] = ("", "")
    #: Edges that the operator has set, by family as the catalogue names it.
    edges: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    #: Where token histograms end (1-2-5 steps up to it); None when models differ.
    max_model_len: int | None = None
    #: Families that appear only with one of these are left out.
    without: frozenset[Needs] = frozenset()
    #: How names begin that no other exporter uses.
    owns: tuple[str, ...] = ()
    #: Labels that name one thing of which several series may tell: see `Term.one_of`.
    one_of: tuple[str, ...] = ()
    #: The scrape job; in every selector when the pack says so, else only where nothing identifies.
    job: str = ""
    match_job: bool = False

    def speaks(self, metric: Metric) -> bool:
        """Tell whether a family can be there in the range of releases."""
        return metric.versions.overlap(self.versions) and not self.without & set(metric.needs)

    def spoken(self, metric: AnyMetric) -> AnyMetric:
        """Return the family as it is here: its prefix and its edges."""
        adapted: Metric = metric
        if isinstance(adapted, Histogram):
            adapted = adapted.as_of(self.versions)
            if metric.name in self.edges:
                adapted = adapted.with_edges(self.edges[metric.name])
            elif adapted.edges_vary_by and self.max_model_len is not None:
                adapted = adapted.with_edges(one_two_five(self.max_model_len))
        return adapted.renamed(*self.prefix)  # type: ignore[return-value]  # the kind is kept

    def spoken_of(self, catalogue: Sequence[Metric]) -> tuple[Metric, ...]:
        """Return the families of a catalogue that can be there, as they are here."""
        return tuple(self.spoken(metric) for metric in catalogue if self.speaks(metric))

    def matchers(self, of: Selector) -> tuple[Matcher, ...]:
        """Return what identifies a selector's series: its labels or name, else the scrape job."""
        names = of.series.labels.names
        identified = any(matcher.label in names for matcher in self.identity)
        own = self.identity if identified else ()
        if self.match_job or not (identified or of.series.family.startswith(self.owns)):
            return (Matcher("job", "=", self.job), *own)
        return own

    def select(self, metric: Counter | Gauge, *matchers: Matcher) -> Selector:
        """Return the family's series of this exporter."""
        bare = self.spoken(metric).select(*matchers)
        return bare.where(*self.matchers(bare))

    def sum_of(self, histogram: Histogram, *matchers: Matcher) -> Selector | None:
        """Return all that a histogram observed, added up; None where it cannot be there."""
        if not self.speaks(histogram):
            return None
        bare = self.spoken(histogram).sum(*matchers)
        return bare.where(*self.matchers(bare))

    def term(
        self, *metrics: Counter | Gauge | Expr | None, where: Sequence[Matcher] = (), **fixed: str
    ) -> Term | None:
        """Return a term of the families that exist here, newest first; None when none does."""
        found: list[Expr] = []
        for metric in metrics:
            if isinstance(metric, Expr):
                found.append(metric)
            elif metric is not None and self.speaks(metric):
                found.append(self.select(metric, *where))
        return self.joined(found, **fixed)

    def joined(self, alternatives: Sequence[Expr], **fixed: str) -> Term | None:
        """Return a term of selectors; labels that only some have are ignored in joining."""
        if not alternatives:
            return None
        names = [expression.labels.names for expression in alternatives]
        shared = frozenset.intersection(*names)
        odd = tuple(sorted(frozenset[str]().union(*names) - shared))
        # A label that holds for the whole term is said by the rule, not by the series.
        own = tuple((n, label) for n, label in self.labels if label in shared and n not in fixed)
        one_of = tuple(label for label in self.one_of if label in shared)
        return Term(tuple(alternatives), own, tuple(sorted(fixed.items())), odd, one_of)

    def distribution(
        self,
        asked: Signal,
        *metrics: Histogram,
        where: Sequence[Matcher] = (),
        note: str = "",
        unobserved: Term | None = None,
    ) -> Answer | None:
        """Return an answer from histograms of one meaning, newest name first.

        Args:
            asked: what it answers.
            metrics: the histograms.
            where: matchers that narrow all of them.
            note: what a reader must know.
            unobserved: requests that failed before they could be observed.
        """
        known = [self.spoken(metric) for metric in metrics if self.speaks(metric)]
        if not known:
            return None
        shared = self._shared_edges(known)
        buckets, sums, counts, natives = [], [], [], []
        for metric in known:
            identity = (*where, *self.matchers(metric.sum()))
            if shared is not None:
                buckets.append(restricted(metric.bucket(*identity), shared))
            sums.append(metric.sum(*identity))
            counts.append(metric.count(*identity))
            natives.append(metric.native(*identity))
        total, count = self.joined(sums), self.joined(counts)
        assert total is not None  # some family is known
        assert count is not None
        lost = (unobserved,) if unobserved else ()
        if shared is None:
            weaker = (
                f"No bucket edge is known to hold for {self.versions}: mean only, "
                "unless the source is told of later releases."
            )
            words = f"{note} {weaker}".strip()
            return DistributionAnswer(total, count, asked.unit, note=words, unobserved=lost)
        return DistributionAnswer(
            total,
            count,
            asked.unit,
            self.joined(buckets),
            shared,
            note,
            lost,
            self.joined(natives),
        )

    def _shared_edges(self, histograms: Sequence[Histogram]) -> Edges | None:
        """Return the edges that all families and releases have; None when there is none."""
        each = [histogram.edges_within(self.versions) for histogram in histograms]
        values = set(each[0].values).intersection(*(edges.values for edges in each))
        if not values:
            return None
        varies = frozenset[str]().union(*(edges.varies_by for edges in each))
        return Edges(tuple(sorted(values)), each[0].unit, varies)


@dataclass(frozen=True)
class Source:
    """One kind of exporter and its answers; a signal without an answer is a gap, not an error."""

    #: What recordings call it; two of one exporter in a pack have two names.
    name: str
    #: The kind of exporter, by which pages are found.
    exporter: str
    title: str
    role: Role
    #: Everything that the exporter exposes, as it is spoken here.
    metrics: tuple[Metric, ...]
    dialect: Dialect
    answers: Mapping[str, Answer]
    #: Where the exporter is scraped.
    metrics_path: str = "/metrics"
    #: Which of its series are not worth keeping, as a pattern of their names.
    noise: str = ""
    #: Labels that tell engines (or GPUs) of one instance apart.
    instance_labels: tuple[str, ...] = ()
    #: The exporter's labels that a page lets its reader choose by, besides model and instance.
    choices: tuple[str, ...] = ()
    #: A family that every target shows, newest name first, for lists of what there is to choose
    #: from.
    anchors: tuple[Counter | Gauge, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a name that no recording and no page could carry, and answers that do not fit."""
        if _NAME.fullmatch(self.name) is None:
            raise SourceError(
                f"a source is called {self.name!r}: expected small letters, digits, - and _, "
                f"at most {LONGEST_NAME}"
            )
        for name, answer in self.answers.items():
            self._check(name, answer)

    def _check(self, name: str, answer: Answer) -> None:
        try:
            asked = signal(name)
        except SourceError as error:
            raise SourceError(f"{self.name}: {error}") from error
        fitting = {
            Form.DISTRIBUTION: DistributionAnswer,
            Form.COUNTER: CounterAnswer,
            Form.GAUGE: GaugeAnswer,
            Form.RATIO: RatioAnswer,
        }[asked.form]
        if not isinstance(answer, fitting):
            raise SourceError(
                f"{self.name}: {name} is a {asked.form.value}, got {type(answer).__name__}"
            )
        for term in answer.terms:
            self._check_grouping(asked, term)
            value = dict(term.fixed).get(asked.split_by)
            if value is not None and asked.values and value not in asked.values:
                expected = ", ".join(asked.values)
                raise SourceError(
                    f"{self.name}: {name} has {asked.split_by} {expected}; got {value}"
                )
        _check_units(self.name, asked, answer)

    def _check_grouping(self, asked: Signal, term: Term) -> None:
        odd = sorted(name for name, _ in term.fixed if name != asked.split_by)
        if odd:
            expected = asked.split_by or "no label"
            raise SourceError(f"{self.name}: {asked.name} is grouped by {expected}; got {odd[0]}")
        if asked.values and asked.split_by not in {name for name, _ in (*term.fixed, *term.labels)}:
            raise SourceError(
                f"{self.name}: {asked.name} is grouped by {asked.split_by}; "
                f"{term.families()[0]} says none"
            )

    @property
    def is_recorded(self) -> bool:
        """Whether its answers are recorded; those of a test of servers are on its own page only."""
        return self.role is not Role.LOAD

    @property
    def job(self) -> str:
        """The scrape job of its targets."""
        return self.dialect.job

    @property
    def model_label(self) -> str:
        """The exporter's own name for the model; empty where it names none."""
        return dict(self.dialect.labels).get("model", "")

    def anchored(self) -> tuple[Selector, ...]:
        """Return the series of the family that every target shows, newest name first.

        Raises:
            SourceError: the source names none that its releases have.
        """
        known = [metric for metric in self.anchors if self.dialect.speaks(metric)]
        if not known:
            raise SourceError(f"{self.name}: name a family that every target shows as its anchor")
        return tuple(self.dialect.select(metric) for metric in known)

    def answer(self, name: str) -> Answer | None:
        """Return the answer to a signal, or None."""
        return self.answers.get(name)

    def needs(self, families: Iterable[str]) -> tuple[Needs, ...]:
        """Return what all of these families need; nothing when one of them is always there."""
        by_name = {metric.name: metric for metric in self.metrics}
        each = [set(by_name[family].needs) for family in families if family in by_name]
        shared = set.intersection(*each) if each else set[Needs]()
        return tuple(sorted(shared, key=lambda need: need.name))

    def answer_needs(self, name: str) -> tuple[Needs, ...]:
        """Return what a server needs before this answer has data."""
        answer = self.answers[name]
        return self.needs(families_of(answer))

    def answered_since(self, name: str) -> str | None:
        """Return the first release that answers a signal, if that is later than the source's."""
        by_name = {metric.name: metric for metric in self.metrics}
        found: list[str] = []
        for term in self.answers[name].terms:
            known = [by_name[f].versions.first for f in term.families() if f in by_name]
            dated = [first for first in known if first is not None]
            # The oldest name of a term is the one that answers first.
            if known and len(dated) == len(known):
                found.append(min(dated, key=version_key))
        latest = max(found, key=version_key, default=None)
        own = self.dialect.versions.first
        if latest is None or (own is not None and version_key(latest) <= version_key(own)):
            return None
        return latest

    def selectors(self) -> Iterator[Selector]:
        """Yield every selector that the answers read."""
        for answer in self.answers.values():
            for term in answer.terms:
                for alternative in term.alternatives:
                    yield from selectors(alternative)

    def series_names(self) -> frozenset[str]:
        """Return every series name that the answers read."""
        return frozenset(selector.series.name for selector in self.selectors())


def _check_units(source: str, asked: Signal, answer: Answer) -> None:
    terms = answer.terms if not isinstance(answer, DistributionAnswer) else (answer.sum,)
    for term in terms:
        for alternative in term.alternatives:
            unit: Unit = alternative.unit
            if unit.factors != asked.unit.factors:
                raise SourceError(
                    f"{source}: {asked.name} is asked in {asked.unit}, "
                    f"{alternative.facts.name} is in {unit}"
                )


def titled(title: str, name: str, usual: str) -> str:
    """Return what pages call a source: with its name, where that is not the usual one."""
    return title if name == usual else f"{title} {name}"


def named_edges(
    catalogue: Sequence[Metric], edges: Mapping[str, Sequence[float]] | None
) -> dict[str, tuple[float, ...]]:
    """Return the edges that an operator has set, by family.

    Raises:
        SourceError: a name is no histogram of the catalogue; the nearest is named.
    """
    histograms = {metric.name for metric in catalogue if isinstance(metric, Histogram)}
    for family in edges or {}:
        if family not in histograms:
            message = f"edges of {family}: no histogram is called so"
            raise SourceError(with_nearest(message, family, histograms))
    return {family: tuple(map(float, own)) for family, own in (edges or {}).items()}


def answered(**answers: Answer | None) -> dict[str, Answer]:
    """Return only the answers that exist."""
    return {name: answer for name, answer in answers.items() if answer is not None}


def counter(
    name: str,
    *terms: Term | None,
    note: str = "",
    misses: str = "",
    ends_each_answer: bool = False,
    at_end: bool = False,
) -> Answer | None:
    """Return a counter's answer from the terms that exist."""
    found = tuple(term for term in terms if term is not None)
    if not found:
        return None
    return CounterAnswer(found, signal(name).unit, note, misses, ends_each_answer, at_end)


def gauge(name: str, *terms: Term | None, note: str = "") -> Answer | None:
    """Return a gauge's answer from the terms that exist."""
    found = tuple(term for term in terms if term is not None)
    return GaugeAnswer(found, signal(name).unit, note) if found else None


def mean(name: str, total: Term | None, count: Term | None, note: str = "") -> Answer | None:
    """Return the weaker answer to a distribution: a sum and a count."""
    if total is None or count is None:
        return None
    return DistributionAnswer(total, count, signal(name).unit, note=note)


def ratio(name: str, top: Term | None, bottom: Term | None, note: str = "") -> Answer | None:
    """Return a ratio's answer from two counters."""
    if top is None or bottom is None:
        return None
    return RatioAnswer(top, bottom, signal(name).unit, note)
