"""A snapshot as Prometheus reads it.

The text is written here because prometheus_client makes `_total` the end of every counter, and
DCGM's counters are not called so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llmdash.metrics import gpu_exporter
from llmdash.metrics.metric import Metric
from llmstack.gpu_exporter.names import Names
from llmstack.gpu_exporter.snapshot import Snapshot, Value

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: Above it a whole number in a float is not exact any more.
_EXACT = 2**53


@dataclass(frozen=True)
class Exposition:
    """How snapshots are shown: under which names, and for which host."""

    names: Names
    host: str
    #: Seconds after which GPUs are not shown any more: old values look like new ones.
    stale_after: float

    def text(self, snapshot: Snapshot, now: float) -> str:
        """Return the metrics page at some time, by the clock of the snapshot."""
        is_up = not snapshot.problem_at(now, self.stale_after)
        about = (
            Value(gpu_exporter.GPU_EXPORTER_UP, {}, is_up),
            Value(gpu_exporter.GPU_EXPORTER_SNAPSHOT_AGE_SECONDS, {}, now - snapshot.taken_at),
        )
        node = {self.names.host_label: self.host}
        if snapshot.driver:
            node[self.names.driver_label] = snapshot.driver
        # By name: equal families hash all their facts, again for each series.
        pages: dict[str, list[str]] = {}
        for value in (*about, *snapshot.own, *(snapshot.values if is_up else ())):
            family = self.names.family(value.metric)
            lines = pages.setdefault(family.name, [])
            if not lines:
                lines.extend(_head(family))
            lines.append(_line(family, value, node))
        return "".join(line for lines in pages.values() for line in lines)


def _head(family: Metric) -> Iterator[str]:
    said = [f"Unit: {family.unit}.", family.note]
    text = " ".join(part for part in said if part)
    yield f"# HELP {family.name} {text}\n".replace("\\", "\\\\")
    yield f"# TYPE {family.name} {family.kind}\n"


def _line(family: Metric, value: Value, node: Mapping[str, str]) -> str:
    # The host is a label of GPUs; what the exporter says of itself has none.
    has = {**value.labels, **node} if value.labels else {}
    labels = ",".join(
        f'{name}="{_escaped(has[name])}"' for name in family.labels.names if name in has
    )
    number = _number(value.value * value.metric.unit.factor_to(family.unit))
    return f"{family.name}{{{labels}}} {number}\n" if labels else f"{family.name} {number}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    """Return a number as Go reads it, whole ones without a point."""
    exact = float(value)
    return str(int(exact)) if exact.is_integer() and abs(exact) < _EXACT else repr(exact)
