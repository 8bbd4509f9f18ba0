"""The series that an exporter of a catalogue would show: their labels, and how their values move.

All of it is made up and follows from the catalogue alone, so it proves queries and never facts.
"""

from __future__ import annotations

import itertools
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from zlib import crc32

from llmdash.metrics.metric import Gauge, Histogram, Metric
from llmdash.promql.units import (
    BYTES,
    CELSIUS,
    JOULES,
    RATIO,
    REQUESTS,
    SECONDS,
    STATE,
    TIMESTAMP,
    TOKENS,
    WATTS,
    Unit,
    base,
)
from tests.live.environment import MODEL

#: When the servers that are played were started.
STARTED = time.time() - 3600

#: Labels that name one thing together: all series of a GPU agree in them.
GPUS: tuple[dict[str, str], ...] = tuple(
    {
        "gpu": number,
        "UUID": f"GPU-{number}",
        "gpu_uuid": f"GPU-{number}",
        "uuid": f"GPU-{number}",
        "device": f"nvidia{number}",
        "pci_bus_id": f"00000000:0{number}:00.0",
    }
    for number in ("0", "1")
)

#: Values of labels that no catalogue closes; a label that is not here has its own name as a value.
OPEN_VALUES: dict[str, tuple[str, ...]] = {
    "model": (MODEL,),
    "model_name": (MODEL,),
    "version": ("1",),
    "engine": ("0", "1"),
    "position": ("0", "1", "2"),
    "tp_rank": ("0", "1"),
    "pp_rank": ("0",),
    "dp_rank": ("0",),
    "moe_ep_rank": ("0",),
    "endpoint": ("/v1/chat/completions", "/v1/completions"),
    "handler": ("/v1/chat/completions", "/v1/completions"),
    "method": ("POST",),
    "status": ("200", "500"),
    "status_code": ("200", "429", "499", "500"),
    "http_code": ("400", "500"),
    "xid": ("13", "79"),
    "err_code": ("79",),
    "finished_reason": ("stop", "length", "abort", "error"),
    "modelName": ("NVIDIA H100 80GB HBM3",),
    "num_gpu_blocks": ("1000",),
    "block_size": ("16",),
}


def python_edge(edge: float) -> str:
    """Spell a bucket edge as Python's client does (`1.0`)."""
    return repr(float(edge))


def plain_edge(edge: float) -> str:
    """Spell a bucket edge as Triton does (`1`)."""
    return f"{edge:g}"


@dataclass(frozen=True)
class Style:
    """How an exporter writes what its catalogue leaves open."""

    edge: Callable[[float], str] = python_edge
    #: Optional labels that all series carry; those named nowhere are carried by none.
    carried: frozenset[str] = frozenset()
    #: Optional labels that every other series carries.
    sometimes: frozenset[str] = frozenset()
    #: Values of open labels that differ from `OPEN_VALUES`.
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def label_sets(metric: Metric, style: Style) -> Iterator[dict[str, str]]:
    """Yield the labels of each series of a family: every closed value, some of the open ones."""
    carried = style.carried | style.sometimes
    names = [n for n in metric.labels.names if n not in metric.optional_labels or n in carried]
    gpus = GPUS if any(name in GPUS[0] for name in names) else ({},)
    own = [name for name in names if name not in GPUS[0]]
    choices = [_values(metric, name, style) for name in own]
    every = itertools.product(gpus, itertools.product(*choices))
    for number, (gpu, values) in enumerate(every):
        found = {**gpu, **dict(zip(own, values, strict=True))}
        hidden = style.sometimes & metric.optional_labels if number % 2 else frozenset[str]()
        yield {name: found[name] for name in names if name not in hidden}


def _values(metric: Metric, label: str, style: Style) -> tuple[str, ...]:
    closed = metric.labels.allowed(label)
    if closed is not None:
        return tuple(closed)
    return style.values.get(label) or OPEN_VALUES.get(label, (label,))


# --- how values move


@dataclass(frozen=True)
class Motion:
    """The value of a gauge: to and fro between two ends, or a clock."""

    start: float
    end: float
    #: Ticks of the clock in a second; 0 where the value is none.
    clock: float = 0.0
    is_whole: bool = False

    def at(self, wave: float, now: float) -> float:
        """Return the value where the wave (0 to 1) stands, at a moment since 1970."""
        value = self.start + (self.end - self.start) * wave + self.clock * now
        return float(round(value)) if self.is_whole else value


#: What there is of each unit, on a server of middling size.
CAPACITY: dict[tuple[tuple[str, int], ...], float] = {
    RATIO.factors: 1.0,
    BYTES.factors: 80e9,
    REQUESTS.factors: 32.0,
    TOKENS.factors: 16_000.0,
    base("blocks").factors: 1000.0,
    WATTS.factors: 700.0,
    CELSIUS.factors: 90.0,
    SECONDS.factors: 1.0,
    RATIO.per_second.factors: 2e9,
}
#: How fast a counter of each unit rises, each second.
PACE: dict[tuple[tuple[str, int], ...], float] = {
    REQUESTS.factors: 2.0,
    TOKENS.factors: 200.0,
    BYTES.factors: 1e6,
    SECONDS.factors: 0.4,
    JOULES.factors: 350.0,
}
#: Words in a name or in a value that say which part of a whole is counted.
WHOLE = frozenset({"max", "limit", "capacity"})
REMAINDER = frozenset({"free", "available"})
PART = frozenset({"hit", "hits", "accepted", "cached", "failure", "failures", "error", "aborted"})

#: One observation or request every so often.
OBSERVATIONS_PER_SECOND = 2.0


def motion(metric: Gauge, labels: Mapping[str, str]) -> Motion:
    """Return how one series of a gauge moves, within its bounds."""
    unit, words = _unit(metric, labels), _words(metric, labels)
    lowest, highest = metric.bounds if unit == metric.unit else (0, None)
    if lowest is not None and lowest == highest:
        return Motion(lowest, lowest)
    if unit.factors == TIMESTAMP.factors:
        ticks = 1 / unit.scale
        # A process that started an hour ago did so at each look.
        return Motion(STARTED * ticks, STARTED * ticks) if "start" in words else Motion(0, 0, ticks)
    if unit == STATE:
        # Of the members of an enumeration one is on.
        firsts = {label: values[0] for label, values in metric.labels.values}
        is_on = all(labels[label] == first for label, first in firsts.items() if label in labels)
        return Motion(float(is_on), float(is_on))
    capacity = CAPACITY.get(unit.factors, 100.0) / unit.scale
    if highest is not None:
        capacity = min(capacity, highest)
    whole = unit.factors not in (RATIO.factors, SECONDS.factors)
    # A total of bytes is what there is; one of anything else is a count of that thing.
    if words & WHOLE or (unit.factors == BYTES.factors and "total" in words):
        return Motion(capacity, capacity, is_whole=whole)
    ends = (0.7, 0.3) if words & REMAINDER else (0.3, 0.7)
    return Motion(ends[0] * capacity, ends[1] * capacity, is_whole=whole)


def pace(metric: Metric, labels: Mapping[str, str]) -> float:
    """Return how far one series of a counter rises each second, in its own unit."""
    unit = _unit(metric, labels)
    rise = PACE.get(unit.factors, 1.0) / unit.scale
    return rise * 0.4 if _words(metric, labels) & PART else rise


def observations(metric: Histogram) -> tuple[float, ...]:
    """Return what a histogram is shown in turn: the middles of several of its buckets."""
    lower = (0.0, *metric.edges[:-1])
    middles = [(low + high) / 2 for low, high in zip(lower, metric.edges, strict=True)]
    first = len(middles) // 4
    return tuple(middles[first : first + max(2, len(middles) // 2)])


def wave(moment: float, labels: Mapping[str, str]) -> float:
    """Return where a gauge stands between its ends (0 to 1); the parts of one whole move as one."""
    who = "".join(labels.get(label, "") for label in ("gpu", "UUID", "gpu_uuid", "engine"))
    phase = crc32(who.encode()) % 97 / 97
    return 0.5 + 0.5 * math.sin(2 * math.pi * (moment / 120 + phase))


def _unit(metric: Metric, labels: Mapping[str, str]) -> Unit:
    kept = {labels[label] for label in metric.keep if label in labels}
    return next((unit for value, unit in metric.units if value in kept), metric.unit)


def _words(metric: Metric, labels: Mapping[str, str]) -> frozenset[str]:
    kept = [labels[label] for label in metric.keep if label in labels]
    # `_total` at the end is how a counter is named, and says nothing of a whole.
    texts = [metric.name.removesuffix("_total"), *kept]
    return frozenset(word for text in texts for word in re.split(r"[_:]", text.lower()))
