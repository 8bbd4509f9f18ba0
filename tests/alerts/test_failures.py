"""The alert on requests that fail, written out."""

from __future__ import annotations

from llmdash.alerts.alert import Alert
from llmdash.alerts.failures import failure_alerts
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration
from llmdash.sources import dcgm, gateway, vllm
from llmdash.sources.source import Source

#: Seven in eleven minutes are one in 94.3 seconds.
ODD = Intervals(rate_window=Duration.parse("11m"))
LIMITS = Limits(failing_share=0.13, failures_fewest=7)


def alerts(*sources: Source) -> list[Alert]:
    return list(failure_alerts(Questions(Layer(sources, ODD), LIMITS)))


def test_failing_requests_written_out() -> None:
    """Errors of what ended well or in error, where more than a few failed; cancelled ones are on no side."""
    (found,) = alerts(vllm(), gateway())
    failed = 'sum by (source, role, model) (llm:requests:rate11m{outcome="error"})'
    ended = 'sum by (source, role, model) (llm:requests:rate11m{outcome=~"ok|error"})'

    assert f"{failed} / {ended} > 0.13 and {failed} > 0.010607" == to_text(found.expr, RULES)
    assert ("RequestsFailing", "5m", "critical") == (
        found.name,
        str(found.wait),
        found.severity.label,
    )


def test_neither_side_keeps_the_outcome() -> None:
    """An alert is of a model on a source, whatever a gateway splits its requests by."""
    (found,) = alerts(gateway())

    assert {"source", "role", "model"} == found.expr.labels.names


def test_nothing_where_nobody_counts_requests() -> None:
    """A GPU's exporter has none that could fail."""
    assert [] == alerts()
    assert [] == alerts(dcgm())
