"""Requests that fail."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert
from llmdash.alerts.questions import MODEL, Questions, above, more_than, on_fleet
from llmdash.levels import BY_MODEL
from llmdash.promql.expressions import joined, one_of, total
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity


def failure_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what failures are told by; nothing where no source counts requests."""
    if not asked.has("requests"):
        return
    requests = asked.layer.counter("requests")
    # What a client cancelled has neither failed nor ended well.
    failed = total(requests.where(outcome="error"), BY_MODEL)
    ended = total(requests.where(one_of("outcome", ("ok", "error"))), BY_MODEL)
    yield Alert(
        name="RequestsFailing",
        expr=joined(
            above(failed / ended, asked.limits.failing_share),
            "and",
            more_than(failed, asked.limits.failures_fewest, asked.layer.intervals.rate_window),
        ),
        wait=Duration.parse("5m"),
        severity=Severity.PAGE,
        summary=f"{{{{ $value | humanizePercentage }}}} of requests to {MODEL} fail",
        description="Of the requests that ended, not counting those that clients cancelled. What "
        "an engine counts nowhere (dropped streams, refused requests) is not in it: a gateway in "
        "front sees all.",
        panel=on_fleet("error-share"),
    )
