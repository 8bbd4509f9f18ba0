"""What a target shows at a scrape: gauges that stand, and counters that have risen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from llmdash.metrics.metric import Histogram
from tests.film.fleet import State

#: One every 15 s, as in service.
SCRAPES_PER_MINUTE = 4

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Reading:
    """One series of a target: what a gauge says, or what a counter counts from scrape to scrape."""

    name: str
    labels: Labels
    value: Decimal
    is_counter: bool = False
    #: Whether the series is there only once it has counted something.
    is_born_late: bool = False

    @property
    def series(self) -> str:
        """How promtool is told of it."""
        inside = ", ".join(f'{label}="{value}"' for label, value in self.labels.items())
        return f"{self.name}{{{inside}}}"


@dataclass(frozen=True)
class Target:
    """One target, and what it shows when it is scraped."""

    job: str
    instance: str
    state: State
    readings: tuple[Reading, ...]

    @property
    def labels(self) -> Labels:
        """The labels that Prometheus gives it."""
        return {"job": self.job, "instance": self.instance}


def gauge(name: str, labels: Labels, value: str | float) -> Reading:
    """Return a gauge."""
    return Reading(name, labels, Decimal(str(value)))


def counter(name: str, labels: Labels, a_minute: int, *, is_born_late: bool = False) -> Reading:
    """Return a counter, by how much it counts in a minute."""
    each = Decimal(a_minute) / SCRAPES_PER_MINUTE
    return Reading(name, labels, each, is_counter=True, is_born_late=is_born_late)


#: Of observations around what most have: share, and times that. One in ten takes twice as long.
SPREAD = (
    (Decimal("0.6"), Decimal("0.8")),
    (Decimal("0.3"), Decimal(1)),
    (Decimal("0.1"), Decimal(2)),
)


@dataclass(frozen=True)
class Observed:
    """Observations of a minute, in the unit of their histogram, around what most of them have."""

    a_minute: int
    usual: Decimal


def histogram(
    metric: Histogram, labels: Labels, edges: Sequence[float], observed: Sequence[Observed]
) -> Iterator[Reading]:
    """Yield the counts of a histogram, with some of its edges: those by which rules judge."""
    parts = [
        (Decimal(each.a_minute) / SCRAPES_PER_MINUTE * share, each.usual * times)
        for each in observed
        for share, times in SPREAD
    ]
    if missing := set(edges) - set(metric.edges):
        raise ValueError(f"{metric.name}: expected bucket edges, got {sorted(missing)}")
    count = sum((many for many, _ in parts), Decimal(0))
    for edge in edges:
        below = sum((many for many, value in parts if value <= Decimal(str(edge))), Decimal(0))
        yield Reading(f"{metric.name}_bucket", {**labels, "le": str(float(edge))}, below, True)
    yield Reading(f"{metric.name}_bucket", {**labels, "le": "+Inf"}, count, True)
    yield Reading(f"{metric.name}_count", labels, count, True)


def histogram_sum(metric: Histogram, labels: Labels, observed: Observed) -> Reading:
    """Return the sum of what a histogram observed, where a rule reads a mean."""
    a_scrape = Decimal(observed.a_minute) / SCRAPES_PER_MINUTE
    total = sum((a_scrape * share * observed.usual * times for share, times in SPREAD), Decimal(0))
    return Reading(f"{metric.name}_sum", labels, total, True)
