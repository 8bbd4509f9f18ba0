"""Alerts on requests that wait, written out."""

from __future__ import annotations

from llmdash.alerts.alert import Alert
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.alerts.queue import queue_alerts
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.promql.printer import RULES, to_text
from llmdash.sources import gateway, vllm
from llmdash.sources.source import Source

OF_ENGINES = "sum by (source, role, model, instance, engine) (llm_instance:requests_waiting:sum)"


def alerts(*sources: Source) -> dict[str, Alert]:
    asked = Questions(Layer(sources, Intervals()), Limits(queue_length=31, queue_growth=17))
    return {alert.name: alert for alert in queue_alerts(asked)}


def test_a_long_queue_written_out() -> None:
    """Of one engine, for whatever reason they wait: a ticket after five minutes."""
    found = alerts(vllm())["QueueLong"]

    assert f"{OF_ENGINES} > 31" == to_text(found.expr, RULES)
    assert ("5m", "warning") == (str(found.wait), found.severity.label)


def test_a_growing_queue_written_out() -> None:
    """More than a quarter of an hour ago over all engines, of which none is without a queue."""
    found = alerts(vllm())["QueueGrowing"]

    assert (
        "sum by (source, role, model) (llm:requests_waiting:sum)"
        " - sum by (source, role, model) (llm:requests_waiting:sum offset 15m) > 17"
        " and on (source, role, model)"
        f" min by (source, role, model) ({OF_ENGINES}) > 0"
    ) == to_text(found.expr, RULES)
    assert ("5m", "warning") == (str(found.wait), found.severity.label)


def test_nothing_where_nobody_knows_who_waits() -> None:
    """A gateway sends on what it gets, and has no queue to tell of."""
    assert {} == alerts()
    assert {} == alerts(gateway())
