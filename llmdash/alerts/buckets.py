"""Latencies that no quantile can tell any more."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert, Shown
from llmdash.alerts.questions import Questions, above
from llmdash.dashboards.fleet.bucket_reach import reaches
from llmdash.dashboards.fleet.honesty import UID as HONESTY
from llmdash.promql.windows import Duration
from llmdash.signals import signal
from llmdash.slos.tiers import Severity


def bucket_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield, for each latency with buckets, that too much lies above the last of them."""
    for reach in reaches(asked.layer):
        title = signal(reach.name).title.lower()
        yield Alert(
            name="LatencyBeyondBuckets",
            expr=above(reach.beyond(), asked.limits.beyond_buckets),
            wait=Duration.parse("15m"),
            severity=Severity.TICKET,
            labels={"latency": reach.name},
            summary=f"{{{{ $value | humanizePercentage }}}} of {title} on {{{{ $labels.source }}}} "
            "is above the last bucket",
            description="A high quantile of it is no number any more but the last bucket's edge, "
            "and what is drawn flat there may be far worse. Alerts that compare such a quantile "
            "are no longer to be trusted.",
            panel=Shown(HONESTY, f"{reach.name.replace('_', '-')}-outside"),
        )
