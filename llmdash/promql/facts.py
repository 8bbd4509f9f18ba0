"""What is known of an expression without running it: its type, usage, unit, labels and edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from llmdash.promql.edges import Edges
from llmdash.promql.labels import Labels
from llmdash.promql.units import Unit


class ValueType(Enum):
    """The four types of PromQL."""

    SCALAR = "a scalar"
    STRING = "a string"
    INSTANT = "an instant vector"
    RANGE = "a range"


class Usage(Enum):
    """How values may be used further."""

    VALUE = "a value"
    #: Grows until its process restarts; says something only under rate or increase.
    COUNTER = "a counter"
    #: Native histograms that grow until their process restarts: a counter of many buckets in one.
    NATIVE = "native histograms"
    #: What native histograms observed in some time.
    OBSERVED = "observations"
    #: A quantile, a mean or a ratio of sums: averaging or adding two of them means nothing.
    QUANTILE = "a quantile"
    QUOTIENT = "a quotient"

    @property
    def in_the_way(self) -> str:
        """Return what is to be done before values can be told, or nothing."""
        return _BEFORE_VALUES.get(self, "")


_BEFORE_VALUES = {
    Usage.COUNTER: "take its rate or increase first",
    Usage.NATIVE: "take their increase first",
    Usage.OBSERVED: "take their histogram_count or histogram_fraction first",
}


Bounds = tuple[float | None, float | None]
UNBOUNDED: Bounds = (None, None)


@dataclass(frozen=True)
class Facts:
    """What is known of an expression."""

    type: ValueType
    #: What messages call it: a metric's name, or the operation.
    name: str
    #: None for a bare number, which takes the unit of its neighbour.
    unit: Unit | None = None
    usage: Usage = Usage.VALUE
    labels: Labels = field(default_factory=Labels)
    #: The bucket edges, when series are told apart by `le`.
    edges: Edges | None = None
    #: Labels that an aggregation must keep or have pinned: adding up across them is a mistake.
    keep: frozenset[str] = frozenset()
    #: The least and greatest value possible, where known.
    bounds: Bounds = UNBOUNDED
