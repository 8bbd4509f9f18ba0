"""The alert on rejected drafts, written out."""

from __future__ import annotations

import pytest

from llmdash.alerts.alert import Alert
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.alerts.speculation import speculation_alerts
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration
from llmdash.sources import gateway, sglang, triton, trtllm, vllm
from llmdash.sources.source import Source

LIMITS = Limits(drafts_of_usual=0.3, drafts_fewest=7)


def alerts(*sources: Source) -> list[Alert]:
    layer = Layer(sources, Intervals(rate_window=Duration.parse("7m")))
    return list(speculation_alerts(Questions(layer, LIMITS)))


def test_it_is_written_out() -> None:
    """Accepted over drafted now, against both of a day added up: an hour with few counts little."""
    by_model = "sum by (source, role, model)"
    accepted, drafted = "llm:accepted_draft_tokens:rate7m", "llm:draft_tokens:rate7m"
    (found,) = alerts(vllm(), trtllm())

    assert (
        f"{by_model} ({accepted}) / {by_model} ({drafted})"
        f" < {by_model} (sum_over_time({accepted}[1d]))"
        f" / {by_model} (sum_over_time({drafted}[1d])) * 0.3"
        f" and {by_model} ({drafted}) > 7"
    ) == to_text(found.expr, RULES)
    assert ("DraftsRejected", "15m", "warning") == (
        found.name,
        str(found.wait),
        found.severity.label,
    )
    assert found.summary.endswith("under 0.3 times what the last day had")


@pytest.mark.parametrize("source", [sglang(), triton(), gateway()], ids=lambda source: source.name)
def test_what_nobody_can_tell_is_left_out(source: Source) -> None:
    """These count no drafted tokens."""
    assert [] == alerts(source)
