"""Every promise on every source and model: who suffers, what ate the budget, how it will end."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Annotation, Dashboard, Row
from llmdash.dashboards.fleet.budget_panels import (
    alert_panels,
    budget_panels,
    burn_panels,
    eaten_panels,
    forecast_panels,
    verdict_tiles,
)
from llmdash.dashboards.fleet.promise_questions import PromiseQuestions
from llmdash.dashboards.fleet.promises_table import promises_table
from llmdash.dashboards.fleet.promises_text import promises_text
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import FOLDER, NEIGHBOURS, TAG
from llmdash.layer import Layer
from llmdash.promql.expressions import count
from llmdash.slos.rules import Promises

UID = "llm-slo"


def slo(promised: Promises, layer: Layer) -> Dashboard | None:
    """Return the page; None where no source of the pack can tell of any promise."""
    del layer  # promises record series of their own
    series = promised.series
    if series is None:
        return None
    asked = PromiseQuestions(series)
    return Dashboard(
        uid=UID,
        title="LLM promises",
        description="What is promised, how much of each error budget is left, what ate it and how "
        "it will end, over recordings. The promise that suffers most is on top of the table.",
        tags=(TAG, "slo"),
        folder=FOLDER,
        variables=asked.choices(),
        links=NEIGHBOURS,
        annotations=(_burning(asked),),
        rows=tuple(_rows(asked, promised)),
        refresh="1m",
        time_from="now-7d",
    )


def _rows(asked: PromiseQuestions, promised: Promises) -> Iterator[Row]:
    verdict = (*verdict_tiles(asked), promises_table(asked, UID))
    yield from row_of("promises", "Promises", verdict)
    yield from row_of("budgets", "Error budgets", budget_panels(asked))
    yield from row_of("burn", "Burn", burn_panels(asked))
    yield from row_of("eaten", "What ate the budget", eaten_panels(asked))
    yield from row_of("forecast", "Forecast", forecast_panels(asked))
    yield from row_of("alerts", "Alerts", alert_panels(asked))
    yield from row_of("words", "What is promised", (promises_text(promised),))


def _burning(asked: PromiseQuestions) -> Annotation:
    return Annotation(
        key="burn-alert",
        name="Burn alerts",
        expr=count(asked.burning(), ("slo", "source", "severity", "tier")),
        title="{{slo}} on {{source}}",
        text="{{severity}}: {{tier}}",
        color="red",
        # A month at a step of a minute is more points than Prometheus answers.
        step="5m",
    )
