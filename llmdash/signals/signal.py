"""A signal: one question that any server can be asked, in one unit and of one form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from llmdash.promql.units import (
    BYTES,
    CELSIUS,
    HERTZ,
    JOULES,
    RATIO,
    SECONDS,
    TIMESTAMP,
    WATTS,
    Unit,
)

_SUFFIXES = {
    SECONDS: "_seconds",
    RATIO: "_ratio",
    TIMESTAMP: "_seconds",
    BYTES: "_bytes",
    WATTS: "_watts",
    JOULES: "_joules",
    CELSIUS: "_celsius",
    HERTZ: "_hertz",
}


class Form(Enum):
    """What kind of answer a question has."""

    #: Buckets, sum and count; a source that has only sum and count answers with a mean.
    DISTRIBUTION = "distribution"
    COUNTER = "counter"
    GAUGE = "gauge"
    #: Two counters, so that a ratio over several sources is weighted, never averaged.
    RATIO = "ratio"


@dataclass(frozen=True)
class Signal:
    """One question."""

    name: str
    title: str
    #: What is asked, in a sentence that an operator would say.
    question: str
    form: Form
    unit: Unit
    #: Declared grouping: a label with its closed set of values (`outcome`: ok, error, cancelled).
    split_by: str = ""
    values: tuple[str, ...] = ()
    #: Labels that some sources can tell apart besides; recorded where they can.
    also_by: tuple[str, ...] = ()
    #: How gauges of several replicas are combined.
    combine: tuple[str, ...] = ("sum",)
    #: Also recorded for each instance and engine (of a distribution sum and count), for alerts on
    #: one replica that is full, slow or stuck.
    per_instance: bool = False
    #: Facts about one GPU are read from the exporter only; recording them would say nothing more.
    is_recorded: bool = True
    #: The names of the two counters of a ratio.
    parts: tuple[str, str] = ("", "")
    #: The greatest value possible, where there is one.
    maximum: float | None = None

    @property
    def metric(self) -> str:
        """The name in recordings: with its unit, as Prometheus names go."""
        suffix = _SUFFIXES.get(self.unit, "")
        return self.name if not suffix or self.name.endswith(suffix) else self.name + suffix
