"""The watching itself: slow scrapes, signals that were lost, rules that fail or are late."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert, Shown
from llmdash.alerts.questions import MODEL, TIMES, Questions, above
from llmdash.dashboards.fleet.honesty import UID as HONESTY
from llmdash.dashboards.fleet.rule_health import Rules
from llmdash.dashboards.fleet.scrape_health import Scrapes
from llmdash.dashboards.fleet.signal_health import Recorded
from llmdash.metrics import prometheus as metrics
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity

#: A group that fails once in a while is evaluated again; what fails throughout it is broken.
_WHILE = Duration.parse("15m")


def watching_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what is told of Prometheus's work for the pack; nothing where nothing is recorded."""
    if not asked.layer.sources:
        return
    yield Alert(
        name="ScrapeSlow",
        expr=above(Scrapes(asked.layer).share_of_interval(), asked.limits.scrape_share),
        wait=Duration.parse("10m"),
        severity=Severity.TICKET,
        summary="a scrape of {{ $labels.job }} {{ $labels.instance }} takes "
        "{{ $value | humanizePercentage }} of its interval",
        description="After two thirds of the interval it is given up, and the target counts as "
        "down. A busy server answers /metrics late just when it matters.",
        panel=Shown(HONESTY, "slowest"),
    )
    recorded = Recorded(asked.layer)
    if recorded.known:
        yield Alert(
            name="SignalLost",
            expr=recorded.lost(),
            wait=_WHILE,
            severity=Severity.TICKET,
            summary=f"{MODEL} answers requests, and {{{{ $labels.signal }}}} is not recorded any "
            "more",
            description="It was there an hour or a day ago. The server has been updated and calls "
            "it by another name, or was started without it: no alert that reads it can fire.",
            panel=Shown(HONESTY, "signals-lost"),
        )
    # As long as recorded rates look back: some evaluations of each group are in it.
    lately = asked.layer.intervals.rate_window
    rules = Rules(asked.layer)
    failed = rules.grown(metrics.PROMETHEUS_RULE_EVALUATION_FAILURES_TOTAL, lately)
    yield Alert(
        name="RulesFailing",
        expr=above(failed, 0),
        wait=_WHILE,
        severity=Severity.PAGE,
        summary=f"rules of {{{{ $labels.rule_group }}}} fail ({TIMES} times in {lately})",
        description="What they would record is missing, and an alert among them cannot fire: "
        "nobody watches what it watches. Prometheus says why under Status, Rules.",
        panel=Shown(HONESTY, "groups"),
    )
    missed = rules.grown(metrics.PROMETHEUS_RULE_GROUP_ITERATIONS_MISSED_TOTAL, lately)
    yield Alert(
        name="RulesLate",
        expr=above(missed, 0),
        wait=_WHILE,
        severity=Severity.TICKET,
        summary=f"{{{{ $labels.rule_group }}}} missed {TIMES} evaluations in {lately}",
        description="One evaluation takes longer than the time until the next: recordings have "
        "gaps, alerts come late. Prometheus has too little CPU, or too many series to read.",
        panel=Shown(HONESTY, "rule-share"),
    )
