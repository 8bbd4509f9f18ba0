"""Speculative decoding whose drafts are no longer taken."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert
from llmdash.alerts.questions import MODEL, Questions, above, on_fleet
from llmdash.levels import BY_MODEL
from llmdash.promql.expressions import joined, over_time, total
from llmdash.promql.nodes import Binary
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity

_DAY = Duration.parse("1d")


def speculation_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what rejected drafts are told by; nothing where no source speculates."""
    if not asked.has("draft_acceptance_ratio"):
        return
    accepted, drafted = asked.layer.ratio("draft_acceptance_ratio")
    now = total(accepted, BY_MODEL) / total(drafted, BY_MODEL)
    of_a_day = total(over_time("sum", accepted, _DAY), BY_MODEL) / total(
        over_time("sum", drafted, _DAY), BY_MODEL
    )
    yield Alert(
        name="DraftsRejected",
        expr=joined(
            Binary("<", now, of_a_day * asked.limits.drafts_of_usual),
            "and",
            above(total(drafted, BY_MODEL), asked.limits.drafts_fewest),
        ),
        wait=Duration.parse("15m"),
        severity=Severity.TICKET,
        summary=f"only {{{{ $value | humanizePercentage }}}} of drafted tokens are accepted for "
        f"{MODEL}, under {asked.limits.drafts_of_usual:g} times what the last day had",
        description="Speculative decoding drafts tokens that the model then throws away: it costs "
        "GPU time and gains little. Either traffic has changed, or draft and target model no "
        "longer fit together.",
        # Not of all that speculate are gaps between tokens known.
        panel=on_fleet("end-to-end-latency-by-model"),
    )
