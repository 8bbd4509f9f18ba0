"""What alerts ask the recordings, and the labels that they tell things apart by."""

from __future__ import annotations

from dataclasses import dataclass

from llmdash.alerts.limits import Limits
from llmdash.layer import Layer
from llmdash.levels import Level
from llmdash.promql.expressions import total
from llmdash.promql.nodes import Binary, Expr, Number

BY_SOURCE = ("source", "role")
#: A model on a source, all replicas together.
BY_MODEL = (*BY_SOURCE, "model")
#: One engine: a server with several ranks of data parallelism has one for each.
BY_ENGINE = (*BY_MODEL, "instance", "engine")

#: How a summary calls them.
MODEL = "{{ $labels.model }} on {{ $labels.source }}"
ENGINE = "{{ $labels.model }} on {{ $labels.instance }} {{ $labels.engine }}"


@dataclass(frozen=True)
class Questions:
    """Asks the recordings that some source of the pack fills."""

    layer: Layer
    limits: Limits

    def has(self, *names: str) -> bool:
        """Tell whether some source answers all of these signals."""
        return all(self.layer.has(name) for name in names)

    def of_engines(self, name: str) -> Expr:
        """Return a gauge of each engine, whatever else it is split by."""
        return total(self.layer.gauge(name, level=Level.INSTANCE), BY_ENGINE)


def above(of: Expr, limit: float) -> Expr:
    """Return what is above a limit, in its own unit."""
    return Binary(">", of, Number(limit, of.unit))
