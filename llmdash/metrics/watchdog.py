"""What our watchdog exposes: whether each program that it supervises serves, and what was done.

The watchdog of the stack makes its metrics from these entries, so names and labels are stated here
alone.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, all_metrics, labels
from llmdash.promql.units import STATE, TIMESTAMP, base

#: Why a program was started again: it exited, could not be started, answered its health check badly
#: or not at all too often in a row, or gave no healthy answer for too long.
REASONS = ("exit", "start", "unhealthy", "hang")

_PROGRAM = labels("program")

WATCHDOG_UP = Gauge(
    name="watchdog_up",
    unit=STATE,
    labels=_PROGRAM,
    bounds=(0, 1),
    note="1 while the program runs and, where it has a health check, answered the last one well.",
)

WATCHDOG_RESTARTS_TOTAL = Counter(
    name="watchdog_restarts_total",
    unit=base("restarts"),
    labels=labels("program", reason=REASONS),
    note="Counted when the program is started again; the first start is none.",
)

WATCHDOG_HEALTH_CHECK_FAILURES_TOTAL = Counter(
    name="watchdog_health_check_failures_total",
    unit=base("checks"),
    labels=_PROGRAM,
    note="Checks without a healthy answer; those of a start that is still in its grace are none.",
)

WATCHDOG_LAST_START_TIME_SECONDS = Gauge(
    name="watchdog_last_start_time_seconds",
    unit=TIMESTAMP,
    labels=_PROGRAM,
    note="0 until the program has been started once.",
)

METRICS = all_metrics(globals())
