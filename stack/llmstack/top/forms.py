"""How a figure is asked of a server, as data: PromQL is made of it, and pages are read by it.

Several families stand for one another, newest name first: of one server the first that it shows
counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

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
class Chosen:
    """Series of one family."""

    #: A histogram's without what stands behind it (`_bucket`, `_sum`, `_count`).
    name: str
    where: tuple[Match, ...] = ()

    def part(self, name: str) -> Chosen:
        """Return a part of a histogram."""
        return Chosen(f"{self.name}_{name}", self.where)


@dataclass(frozen=True)
class Quantile:
    """The quantile of a histogram."""

    families: tuple[Chosen, ...]
    #: What its unit is in seconds.
    scale: float = 1.0
    #: Where its buckets end, in seconds: a quantile there is anywhere beyond.
    ends: frozenset[float] = frozenset()

    def names(self) -> Iterator[str]:
        """Yield the names under which its series are stored."""
        for family in self.families:
            yield f"{family.name}_bucket"


@dataclass(frozen=True)
class Mean:
    """A sum over a count, both growing."""

    total: Chosen
    count: Chosen
    scale: float = 1.0

    def names(self) -> Iterator[str]:
        """Yield the names under which its series are stored."""
        yield self.total.name
        yield self.count.name


@dataclass(frozen=True)
class Rate:
    """What a counter grows by in a second."""

    families: tuple[Chosen, ...]

    def names(self) -> Iterator[str]:
        """Yield the names under which its series are stored."""
        for family in self.families:
            yield family.name


@dataclass(frozen=True)
class Worked:
    """Two gauges of one model on one server, worked out into one."""

    left: Chosen
    operator: Literal["-", "/"]
    right: Chosen
    #: Labels by which the two go together.
    by: tuple[str, ...]


@dataclass(frozen=True)
class Level:
    """A gauge: the sum of all servers, or the highest."""

    families: tuple[Chosen, ...]
    is_highest: bool = False
    #: For servers that show none of the families.
    otherwise: Worked | None = None

    def names(self) -> Iterator[str]:
        """Yield the names under which its series are stored."""
        for family in self.families:
            yield family.name
        if self.otherwise is not None:
            yield self.otherwise.left.name
            yield self.otherwise.right.name


@dataclass(frozen=True)
class Ranked:
    """Gauges that are added up; ranks of one scheduler say the same, so its highest counts."""

    families: tuple[Chosen, ...]
    #: The labels that tell schedulers of one server apart.
    scheduler: tuple[str, ...]

    def names(self) -> Iterator[str]:
        """Yield the names under which its series are stored."""
        for family in self.families:
            yield family.name


Form = Quantile | Mean | Rate | Level | Ranked
