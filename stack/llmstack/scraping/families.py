"""Families of the catalogue, or those of their series that labels choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from llmdash.metrics.metric import Metric

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Match:
    """What a label must be; one that is not there is empty, as in PromQL."""

    label: str
    operator: Literal["=", "!="]
    value: str

    def holds(self, labels: Labels) -> bool:
        """Tell whether labels satisfy it."""
        return (labels.get(self.label, "") == self.value) == (self.operator == "=")

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'


@dataclass(frozen=True)
class Family:
    """Series of one family."""

    metric: Metric
    where: tuple[Match, ...] = ()
    #: One of a histogram's: `bucket`, `sum` or `count`.
    part: str = ""

    @property
    def name(self) -> str:
        """What the series are stored under; a histogram's without what stands behind it."""
        return f"{self.metric.name}_{self.part}" if self.part else self.metric.name

    @property
    def names(self) -> tuple[str, ...]:
        """The series that it has."""
        return (self.name,) if self.part else self.metric.series_names()

    @property
    def scale(self) -> float:
        """Turns a value into one of the base unit: a millisecond is 0.001."""
        return self.metric.unit.scale

    @property
    def buckets(self) -> Family:
        """A histogram's buckets."""
        return replace(self, part="bucket")

    def holds(self, labels: Labels) -> bool:
        """Tell whether labels are of the series that are chosen."""
        return all(match.holds(labels) for match in self.where)


#: Names of one thing, the newest first: of one server the first that it shows counts.
Families = tuple[Family, ...]


def families(*metrics: Metric, **where: str) -> Families:
    """Return families, or of each those series whose labels have these values."""
    chosen = tuple(Match(label, "=", value) for label, value in where.items())
    return tuple(Family(metric, chosen) for metric in metrics)
