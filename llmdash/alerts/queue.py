"""Requests that wait: too many for one engine, or more and more for all of them."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert
from llmdash.alerts.questions import MODEL, Questions, above, engine_called, on_fleet
from llmdash.levels import BY_MODEL
from llmdash.promql.expressions import ago, joined, least, total
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity

_PANEL = on_fleet("waiting")
#: Arrivals come in waves of minutes; a queue that a wave left is gone by then.
_QUARTER = Duration.parse("15m")


def queue_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what queues are told by; nothing where no source knows how many requests wait."""
    if not asked.has("requests_waiting"):
        return
    waiting = asked.of_engines("requests_waiting")
    yield Alert(
        name="QueueLong",
        expr=above(waiting, asked.limits.queue_length),
        wait=Duration.parse("5m"),
        severity=Severity.TICKET,
        summary=f"{{{{ $value }}}} requests wait for {engine_called(waiting)}",
        description="More requests wait for one engine than it can begin soon: first tokens are "
        "late by the time that those before need. Others may be idle meanwhile.",
        panel=_PANEL,
    )
    yield _growing(asked)


def _growing(asked: Questions) -> Alert:
    waiting = asked.layer.gauge("requests_waiting")
    growth = total(waiting, BY_MODEL) - total(ago(waiting, _QUARTER), BY_MODEL)
    nobody_is_free = above(least(asked.of_engines("requests_waiting"), BY_MODEL), 0)
    return Alert(
        name="QueueGrowing",
        expr=joined(above(growth, asked.limits.queue_growth), "and", nobody_is_free, on=BY_MODEL),
        wait=Duration.parse("5m"),
        severity=Severity.TICKET,
        summary=f"{{{{ $value }}}} more requests wait for {MODEL} than 15 minutes ago",
        description="Requests arrive faster than they end, and every engine of the model has a "
        "queue: there is no capacity left, and first tokens get later until load falls or engines "
        "are added.",
        panel=_PANEL,
    )
