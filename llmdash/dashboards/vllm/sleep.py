"""Engines that sleep and wake, and weights that are updated while a server runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmdash.dashboards.conditions import with_conditions
from llmdash.dashboards.panels import (
    Column,
    LabelColumn,
    Mapping,
    Panel,
    Query,
    Stat,
    StateTimeline,
    Table,
    TimeSeries,
)
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import GOOD, WARNING
from llmdash.metrics import vllm as metrics
from llmdash.metrics import vllm_features
from llmdash.metrics.metric import Gauge, Histogram
from llmdash.promql.expressions import as_value, greatest, mean_of, total
from llmdash.promql.nodes import Expr
from llmdash.sources.answer import Term

STATE = metrics.ENGINE_SLEEP_STATE

#: In the order in which an engine falls asleep: what it is called, and in which colour.
SLEEP_STATES = {
    "awake": Mapping(1, "awake", GOOD),
    "weights_offloaded": Mapping(2, "weights offloaded", "yellow"),
    "discard_all": Mapping(3, "all discarded", WARNING),
}


def sleep_state_tiles(page: SourcePage) -> Iterator[Panel]:
    """Yield how many engines are awake, and how many are not."""
    if not page.speaks(STATE):
        return
    yield Stat(
        key="engines-awake",
        title="Engines awake",
        description=with_conditions(
            page.source,
            "Engines that hold their weights and can serve. Fewer than are deployed, without "
            "anybody having put one to sleep, means that some do not answer.",
            STATE,
        ),
        queries=(Query("awake", _in_state(page, "awake")),),
        decimals=0,
    )
    yield Stat(
        key="engines-asleep",
        title="Engines asleep",
        description=with_conditions(
            page.source,
            "Engines that gave their GPU memory back. A request to one waits until somebody "
            "wakes it.",
            STATE,
        ),
        queries=(
            Query("asleep", _in_state(page, "weights_offloaded") + _in_state(page, "discard_all")),
        ),
        decimals=0,
    )


def sleep_state_timeline(page: SourcePage) -> Iterator[Panel]:
    """Yield when each engine slept, and how deeply."""
    if page.speaks(STATE):
        yield StateTimeline(
            key="sleep-states",
            title="Sleep state",
            width=24,
            height=6,
            description=with_conditions(
                page.source,
                "awake: it serves; weights offloaded: sleep level 1, the weights wait in CPU "
                "memory; all discarded: level 2, waking loads them again. Latency before and "
                "after a bar that is not green is that of waking.",
                STATE,
            ),
            queries=(
                Query("state", _state(page), "{{model_name}} {{instance}} engine {{engine}}"),
            ),
            mappings=tuple(SLEEP_STATES.values()),
        )


def _in_state(page: SourcePage, state: str) -> Expr:
    return total(page.select(STATE).where(sleep_state=state))


def _state(page: SourcePage) -> Expr:
    """Return one number for each engine; exactly one of its states is 1."""
    engine = ("model_name", "instance", "engine")
    each = [
        greatest(page.select(STATE).where(sleep_state=state), engine) * mapping.value
        for state, mapping in SLEEP_STATES.items()
    ]
    return each[0] + each[1] + each[2]


def sleep_operation_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield how often and how long engines are put to sleep, woken, and given new weights."""
    for key, title, lasted, running, meaning in (
        (
            "sleep",
            "Sleep and wake",
            vllm_features.SLEEP_MODE_OPERATION_DURATION_SECONDS,
            vllm_features.SLEEP_MODE_OPERATIONS_IN_FLIGHT,
            "A wake that takes minutes loads weights from disk: sleep at level 1 keeps them in "
            "CPU memory.",
        ),
        (
            "weight-update",
            "Weight updates",
            vllm_features.RL_WEIGHT_UPDATE_OPERATION_DURATION_SECONDS,
            vllm_features.RL_WEIGHT_UPDATE_OPERATIONS_IN_FLIGHT,
            "Requests wait while weights change, so a longer update is a longer gap in every "
            "stream.",
        ),
    ):
        if page.speaks(lasted):
            yield _operations(page, key, title, lasted, meaning)
            yield _in_flight(page, key, title, running)


def _operations(page: SourcePage, key: str, title: str, lasted: Histogram, meaning: str) -> Panel:
    by = ("instance", "operation")
    answer = page.observed(lasted)
    ended, seconds = (_since_start(page, term, by) for term in (answer.count, answer.sum))
    return Table(
        key=f"{key}-operations",
        title=f"{title} since the start",
        width=12,
        description=with_conditions(
            page.source,
            "Operations that have ended since the server started, how many and how long on "
            f"average. {meaning}",
            lasted,
        ),
        queries=(Query("times", ended), Query("mean", mean_of(seconds, ended))),
        by=(LabelColumn("instance"), LabelColumn("operation")),
        columns=(Column("times", "Operations", decimals=0), Column("mean", "Mean time")),
    )


def _since_start(page: SourcePage, term: Term, by: Sequence[str]) -> Expr:
    (own,) = term.narrowed(page.matchers()).alternatives
    because = "a series begins with the first operation, which no increase can see"
    return total(as_value(own, because), by)


def _in_flight(page: SourcePage, key: str, title: str, running: Gauge) -> Panel:
    return TimeSeries(
        key=f"{key}-in-flight",
        title=f"{title} in flight",
        description=with_conditions(
            page.source,
            f"{title}: operations that have begun and not ended. One that stays for longer than "
            "its usual time hangs, and the engine with it.",
            running,
        ),
        queries=(
            Query(
                "running",
                total(page.select(running), ("instance", "operation")),
                "{{operation}} on {{instance}}",
            ),
        ),
    )
