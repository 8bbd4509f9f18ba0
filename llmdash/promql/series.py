"""The series that selectors are made from; only a catalogue and the recordings make them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from llmdash.errors import PromqlError
from llmdash.promql.edges import Edges
from llmdash.promql.facts import UNBOUNDED, Bounds, Usage
from llmdash.promql.labels import LabelSet, is_label_name
from llmdash.promql.units import Unit

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True)
class Series:
    """All series of one name: a metric, one part of a histogram, or a recording."""

    name: str
    unit: Unit
    usage: Usage
    labels: LabelSet = field(default_factory=LabelSet)
    edges: Edges | None = None
    #: Labels that an aggregation must keep or have pinned, and why (shown when it does not).
    keep: frozenset[str] = frozenset()
    bounds: Bounds = UNBOUNDED
    #: Labels by which no two series are alike (an info series: one for each GPU).
    alone_by: frozenset[str] = frozenset()
    #: A recording's labels are a closed list; an exporter's series carry target labels too.
    has_target_labels: bool = True
    #: The family that the series belongs to (`x` for `x_bucket`), for messages and checks.
    family: str = ""

    def __post_init__(self) -> None:
        """Refuse names that PromQL cannot spell; default the family to the name itself."""
        if _NAME.fullmatch(self.name) is None:
            raise PromqlError("a metric name", "a series", repr(self.name))
        for label in self.labels.names:
            if not is_label_name(label):
                raise PromqlError("a label name", f"the labels of {self.name}", repr(label))
        if not self.family:
            object.__setattr__(self, "family", self.name)

    def with_edges(self, edges: Edges) -> Series:
        """Return the same series with other bucket edges."""
        return replace(self, edges=edges)
