"""What alerts ask the recordings, and the labels that they tell things apart by."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from llmdash.alerts.alert import Shown
from llmdash.alerts.limits import Limits
from llmdash.dashboards.fleet.overview import UID as FLEET
from llmdash.layer import Layer
from llmdash.levels import BY_MODEL, Level
from llmdash.promql.expressions import total
from llmdash.promql.nodes import Binary, Expr, Number
from llmdash.promql.windows import Duration

#: A replica: what one target serves of a model.
BY_REPLICA = (*BY_MODEL, "instance")
#: One engine: a replica with several ranks of data parallelism has one for each.
BY_ENGINE = (*BY_REPLICA, "engine")

#: How a summary calls them: a model or an engine only where there is one to be told apart.
_OF_MODEL = "{{ with $labels.model }}{{ . }} on {{ end }}"
MODEL = f"{_OF_MODEL}{{{{ $labels.source }}}}"
REPLICA = f"{_OF_MODEL}{{{{ $labels.instance }}}}"
ENGINE = f"{REPLICA}{{{{ with $labels.engine }}}} engine {{{{ . }}}}{{{{ end }}}}"


#: How a summary says an increase: extrapolated to its window it is seldom whole.
TIMES = '{{ $value | printf "%.0f" }}'


@dataclass(frozen=True)
class Questions:
    """Asks the recordings that some source of the pack fills."""

    layer: Layer
    limits: Limits

    def has(self, *names: str) -> bool:
        """Tell whether some source answers all of these signals."""
        return all(self.layer.has(name) for name in names)

    def of_replicas(self, name: str) -> Expr:
        """Return a gauge of each replica, whatever else it is split by."""
        return total(self.layer.gauge(name, level=Level.INSTANCE), BY_REPLICA)

    def of_engines(self, name: str) -> Expr:
        """Return a gauge of each engine, whatever else it is split by."""
        gauge = self.layer.gauge(name, level=Level.INSTANCE)
        return total(gauge, BY_ENGINE if gauge.labels.has("engine") else BY_REPLICA)


def on_fleet(panel: str) -> Shown:
    """Return a panel of the fleet's page, for the model and the source of an alert."""
    return Shown(FLEET, panel, ("source", "model"))


def engine_called(of: Expr) -> str:
    """Return how a summary calls an engine; not every source tells those of a replica apart."""
    return ENGINE if of.labels.has("engine") else REPLICA


def above(of: Expr, limit: float) -> Expr:
    """Return what is above a limit, in its own unit."""
    return Binary(">", of, Number(limit, of.unit))


def more_than(rate: Expr, events: float, window: Duration) -> Expr:
    """Return a rate where it is that of more events than so many in a window."""
    # Rounded up: exactly so many are no more.
    return above(rate, ceil(events / window.seconds * 1e6) / 1e6)


def below(of: Expr, limit: float) -> Expr:
    """Return what is below a limit, in its own unit."""
    return Binary("<", of, Number(limit, of.unit))


def at(of: Expr, value: float) -> Expr:
    """Return what is exactly at a value, in its own unit."""
    return Binary("==", of, Number(value, of.unit))
