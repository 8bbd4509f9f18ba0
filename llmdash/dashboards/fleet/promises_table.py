"""The table of promises: a line for each on each source and model, what suffers on top."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.fleet.promise_questions import PromiseQuestions
from llmdash.dashboards.panels import Column, LabelColumn, Panel, Query, Table, dashboard_url
from llmdash.dashboards.policy import ANY, BUDGET_LEFT, COVERAGE, TIME_TO_EXHAUSTION
from llmdash.dashboards.style import BAD, WARNING
from llmdash.promql.nodes import Expr
from llmdash.promql.units import COUNT
from llmdash.slos.windows import HOUR


def promises_table(asked: PromiseQuestions, uid: str) -> Panel:
    """Return the table, whose names filter the page of that uid."""
    columns = tuple(_columns(asked))
    fields = {name: f"${{__data.fields.{name}:percentencode}}" for name in ("slo", "source")}
    filtered = dashboard_url(uid, **fields)
    return Table(
        key="promises",
        title="Promises",
        description="A line for each promise on each source and model, the least budget first; a "
        "name filters the page to it. Alerts counts the tiers that fire. Time left is how long "
        "the budget lasts at the last hour's speed, and the whole period where it does not end. "
        "With little coverage the budget is that of the counted hours alone: a new installation "
        "begins so, and hours without a server are not counted. No data: no full hour yet.",
        by=tuple(_labels(asked.names, filtered)),
        queries=tuple(Query(column.query_key, expr) for column, expr in columns),
        columns=tuple(column for column, _ in columns),
        sort_by="Budget left",
        descending=False,
        height=10,
    )


def _labels(names: tuple[str, ...], filtered: str) -> Iterator[LabelColumn]:
    for name in names:
        if name == "slo":
            yield LabelColumn(name, "Promise", filtered, "Show this promise on this source only")
        else:
            yield LabelColumn(name)


def _columns(asked: PromiseQuestions) -> Iterator[tuple[Column, Expr]]:
    """Yield what judges a promise, then what it is."""
    left = Column("left", "Budget left", thresholds=BUDGET_LEFT, base_color=BAD, decimals=1)
    yield left, asked.budget_left()
    yield Column("alerts", "Alerts", thresholds=ANY), asked.firing()
    burn = Column("burn", "Burn, 1 h", thresholds=asked.burn_limits(HOUR), unit=COUNT, decimals=2)
    yield burn, asked.burn(HOUR)
    time = Column("time", "Time left", thresholds=TIME_TO_EXHAUSTION, base_color=BAD)
    yield time, asked.exhaustion()
    coverage = Column(
        "coverage", "Coverage", thresholds=COVERAGE, base_color=WARNING, decimals=0
    )  # fmt: skip
    yield coverage, asked.coverage()
    yield Column("objective", "Objective", decimals=2), asked.objective()
    yield Column("events", "Events, 1 h"), asked.events(asked.names)
