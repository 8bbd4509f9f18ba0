"""An invented exporter: its labels, units and edges are unlike ours; odd numbers show where they came from."""

from __future__ import annotations

from collections.abc import Mapping

from llmdash.metrics.metric import Counter, Gauge, Histogram, Metric, Needs, Versions, labels
from llmdash.promql.expressions import not_equal
from llmdash.promql.units import MICROSECONDS, MILLISECONDS, RATIO, REQUESTS, SECONDS, TOKENS
from llmdash.promql.windows import Duration
from llmdash.sources.answer import Answer
from llmdash.sources.source import Dialect, Role, Source

WINDOW = Duration.parse("11m")

GUESTS = Counter(
    name="inn_guests_total",
    unit=REQUESTS,
    labels=labels("room", "floor", end=("fed", "failed", "left")),
)
DINERS = Counter(name="inn_diners_total", unit=REQUESTS, labels=labels("room", "floor"))
WORDS = Counter(
    name="inn_words_total",
    unit=TOKENS,
    labels=labels("room", "floor", "source"),
    needs=(Needs.LORA,),
)
BUSY = Counter(name="inn_busy_us", unit=MICROSECONDS, labels=labels("room"))
FULL = Gauge(
    name="inn_full", unit=RATIO, labels=labels("room", "floor", "wing"), versions=Versions("2.0")
)
FULL_BEFORE = Gauge(
    name="inn_occupied",
    unit=RATIO,
    labels=labels("room", "floor"),
    versions=Versions(last="2.3"),
    successor="inn_full",
)
DOORS = Gauge(name="inn_doors", unit=REQUESTS)
WAIT = Histogram(
    name="inn_wait_ms",
    unit=MILLISECONDS,
    labels=labels("room"),
    edges=(110.0, 700.0, 1300.0),
    counts=REQUESTS,
    needs=(Needs.GPU, Needs.LORA),
)
MEAL = Histogram(
    name="inn_meal_seconds",
    unit=SECONDS,
    labels=labels("room"),
    edges=(0.7, 1.1, 1.3),
    older_edges=(("2.0", (0.7, 1.3)),),
    counts=REQUESTS,
    versions=Versions("2.0"),
)
MEAL_BEFORE = Histogram(
    name="inn_dinner_seconds",
    unit=SECONDS,
    labels=labels("room"),
    edges=(0.3, 0.7),
    counts=REQUESTS,
    versions=Versions(last="2.3"),
)
STORY = Histogram(
    name="inn_story_words",
    unit=TOKENS,
    labels=labels("room"),
    edges=(1.0, 2.0, 5.0, 10.0),
    edges_vary_by=frozenset({"room"}),
    counts=REQUESTS,
)

METRICS: tuple[Metric, ...] = (GUESTS, WORDS, BUSY, FULL, FULL_BEFORE, DOORS, WAIT, MEAL, STORY)

DIALECT = Dialect(
    identity=(not_equal("room", ""),),
    labels=(("model", "room"), ("token_source", "source")),
    job="inn",
)


def inn(
    name: str = "inn", role: Role = Role.ENGINE, answers: Mapping[str, Answer] | None = None
) -> Source:
    """Return the exporter as a source with these answers."""
    return Source(
        name=name,
        exporter="inn",
        title="The inn",
        role=role,
        metrics=METRICS,
        dialect=DIALECT,
        answers=answers or {},
        instance_labels=("floor",),
    )
