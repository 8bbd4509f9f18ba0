"""How a figure is asked of a server, as data: PromQL is made of it, and pages are read by it.

Several families stand for one another, newest name first: of one server the first that it shows
counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from llmdash.metrics.metric import Histogram
from llmstack.scraping.families import Families, Family


@dataclass(frozen=True)
class _Asked:
    families: Families

    def names(self) -> Iterator[str]:
        """Yield the names under which its series are stored."""
        for family in self.families:
            yield family.name


@dataclass(frozen=True)
class Quantile(_Asked):
    """The quantile of a histogram."""

    @property
    def scale(self) -> float:
        """What its unit is in seconds."""
        return self.families[0].scale

    @property
    def ends(self) -> frozenset[float]:
        """Where its buckets end, in seconds: a quantile there is anywhere beyond."""
        metrics = [each.metric for each in self.families if isinstance(each.metric, Histogram)]
        edges = [
            edges
            for metric in metrics
            for edges in (metric.edges, *(older for _, older in metric.older_edges))
        ]
        return frozenset(each[-1] * self.scale for each in edges if each)

    def names(self) -> Iterator[str]:
        """Yield the names under which its series are stored."""
        for family in self.families:
            yield family.buckets.name


@dataclass(frozen=True)
class Mean:
    """A sum over a count, both growing."""

    total: Family
    count: Family

    def names(self) -> Iterator[str]:
        """Yield the names under which its series are stored."""
        yield self.total.name
        yield self.count.name


@dataclass(frozen=True)
class Rate(_Asked):
    """What a counter grows by in a second."""


@dataclass(frozen=True)
class Worked:
    """Two gauges of one model on one server, worked out into one."""

    left: Family
    operator: Literal["-", "/"]
    right: Family
    #: Labels by which the two go together.
    by: tuple[str, ...]


@dataclass(frozen=True)
class Level(_Asked):
    """A gauge: the sum of all servers, or the highest."""

    is_highest: bool = False
    #: For servers that show none of the families.
    otherwise: Worked | None = None

    def names(self) -> Iterator[str]:
        """Yield the names under which its series are stored."""
        yield from super().names()
        if self.otherwise is not None:
            yield self.otherwise.left.name
            yield self.otherwise.right.name


@dataclass(frozen=True)
class Ranked(_Asked):
    """Gauges that are added up; ranks of one scheduler say the same, so its highest counts."""

    #: The labels that tell schedulers of one server apart.
    scheduler: tuple[str, ...]


Form = Quantile | Mean | Rate | Level | Ranked
