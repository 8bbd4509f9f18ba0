"""The metrics page of a server that is played: the catalogue's families as a release has them.

prometheus_client is not used: it makes `_total` the end of every counter, which Triton's are not,
and it takes observations one at a time, where one step of an engine brings hundreds that are equal.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from llmdash.metrics.metric import (
    Counter,
    Gauge,
    Histogram,
    Metric,
    Summary,
    Versions,
    one_two_five,
)

#: Names and values of labels.
Labels = tuple[tuple[str, str], ...]


class Number:
    """The value of a counter or a gauge."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        """Begin with 0."""
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Count."""
        self.value += amount

    def set(self, value: float) -> None:
        """Take a value in place of the one before."""
        self.value = value


class Distribution:
    """The observations of a histogram, or of a summary, which is one without edges."""

    __slots__ = ("buckets", "edges", "sum")

    def __init__(self, edges: tuple[float, ...]) -> None:
        """Begin with none."""
        self.edges, self.sum = edges, 0.0
        #: Of each edge those above the one before it, and those above all edges.
        self.buckets = [0] * (len(edges) + 1)

    def observe(self, value: float, times: int = 1) -> None:
        """Count an observation, or several that are equal."""
        self.buckets[bisect_left(self.edges, value)] += times
        self.sum += value * times

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.buckets)


@dataclass(frozen=True)
class Style:
    """How an exporter writes."""

    #: Whether numbers have a point (`1.0`), as Python's client writes them; Triton's `1` has none.
    has_points: bool = True
    #: Whether counters and histograms have a family beside them that says when they were made.
    has_created: bool = True

    def number(self, value: float) -> str:
        """Return a number as it stands on the page."""
        if self.has_points or not float(value).is_integer():
            return repr(float(value))
        return str(int(value))


PYTHON, TRITON = Style(), Style(has_points=False, has_created=False)


@dataclass
class _Family:
    metric: Metric
    series: dict[Labels, Number | Distribution] = field(default_factory=dict)


class Exposition:
    """All families of one server."""

    def __init__(
        self,
        common: Mapping[str, str],
        *,
        created: float,
        model_length: int,
        style: Style = PYTHON,
    ) -> None:
        """Begin with none.

        Args:
            common: labels that every family has that knows them.
            created: when the server was started, in seconds since 1970.
            model_length: the most tokens of a request, where histograms of tokens end.
            style: how it is written.
        """
        self._common, self._created, self._style = dict(common), created, style
        self._model_length = model_length
        self._families: dict[str, _Family] = {}

    def counter(self, metric: Counter, version: str, /, **labels: str) -> Number:
        """Return one series of a counter; where the release has none, one that is not shown."""
        return self._number(metric, version, labels)

    def gauge(self, metric: Gauge, version: str, /, **labels: str) -> Number:
        """Return one series of a gauge; where the release has none, one that is not shown."""
        return self._number(metric, version, labels)

    def histogram(self, metric: Histogram, version: str, /, **labels: str) -> Distribution:
        """Return one series of a histogram; where the release has none, one that is not shown."""
        edges = metric.as_of(Versions(version, version)).edges
        if metric.edges_vary_by:
            edges = one_two_five(self._model_length)
        found = self._series(metric, version, labels, Distribution(edges))
        assert isinstance(found, Distribution)
        return found

    def summary(self, metric: Summary, version: str, /, **labels: str) -> Distribution:
        """Return one series of a summary without quantiles."""
        found = self._series(metric, version, labels, Distribution(()))
        assert isinstance(found, Distribution)
        return found

    def _number(self, metric: Metric, version: str, labels: Mapping[str, str]) -> Number:
        found = self._series(metric, version, labels, Number())
        assert isinstance(found, Number)
        return found

    def _series(
        self, metric: Metric, version: str, labels: Mapping[str, str], made: Number | Distribution
    ) -> Number | Distribution:
        if not metric.versions.includes(version):
            return made
        known = {**self._common, **labels}
        names = {*metric.labels.names, *(labels if metric.labels.is_open else ())}
        missing = names - known.keys() - metric.optional_labels
        unknown = labels.keys() - names
        if missing or unknown:
            wrong = ", ".join(sorted(missing or unknown))
            raise ValueError(f"{metric.name}: {wrong}: {'not given' if missing else 'no label'}")
        own = tuple((name, known[name]) for name in sorted(names & known.keys()))
        family = self._families.setdefault(metric.name, _Family(metric))
        return family.series.setdefault(own, made)

    def text(self) -> str:
        """Return the page."""
        return "".join(line for family in self._families.values() for line in self._lines(family))

    def _lines(self, family: _Family) -> Iterator[str]:
        name = family.metric.name
        told = _help(family.metric)
        yield f"# HELP {name} {told}\n# TYPE {name} {family.metric.kind}\n"
        number = self._style.number
        for labels, value in family.series.items():
            if isinstance(value, Number):
                yield f"{name}{_braces(labels)} {number(value.value)}\n"
                continue
            seen = 0
            for edge, count in zip(value.edges, value.buckets, strict=False):
                seen += count
                le = repr(edge) if self._style.has_points else f"{edge:g}"
                yield f"{name}_bucket{_braces((*labels, ('le', le)))} {number(seen)}\n"
            if isinstance(family.metric, Histogram):
                yield f"{name}_bucket{_braces((*labels, ('le', '+Inf')))} {number(value.count)}\n"
            yield f"{name}_count{_braces(labels)} {number(value.count)}\n"
            yield f"{name}_sum{_braces(labels)} {number(value.sum)}\n"
        if self._style.has_created and not isinstance(family.metric, Gauge):
            created = f"{name.removesuffix('_total')}_created"
            if isinstance(family.metric, Histogram):
                created = f"{name}_created"
            yield f"# HELP {created} {told}\n# TYPE {created} gauge\n"
            for labels in family.series:
                yield f"{created}{_braces(labels)} {number(self._created)}\n"


def _help(metric: Metric) -> str:
    words = metric.name.replace("_", " ").replace(":", ": ")
    return (f"{words}. {metric.note}" if metric.note else f"{words}.").replace("\\", "\\\\")


def _braces(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
