"""Alerts on the watching itself, written out."""

from __future__ import annotations

from llmdash.alerts.alert import Alert
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.alerts.watching import watching_alerts
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration
from llmdash.sources import dcgm, sglang, triton, vllm
from llmdash.sources.source import Source

INTERVALS = Intervals(
    scrape=Duration.parse("13s"),
    gpu_scrape=Duration.parse("3s"),
    rate_window=Duration.parse("7m"),
)


def alerts(*sources: Source) -> dict[str, Alert]:
    layer = Layer(sources, INTERVALS)
    found = watching_alerts(Questions(layer, Limits(scrape_share=0.4)))
    return {alert.name: alert for alert in found}


def written(*sources: Source) -> dict[str, tuple[str, str, str]]:
    return {
        name: (to_text(alert.expr, RULES), str(alert.wait), alert.severity.label)
        for name, alert in alerts(*sources).items()
    }


#: What is told of rules, whatever the sources: throughout the wait, not once within it.
RULES_ALONE = {
    "RulesFailing": (
        "sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total"
        '{rule_group=~".+;llmdash-.+"}[7m])) > 0',
        "15m",
        "critical",
    ),
    "RulesLate": (
        "sum by (rule_group) (increase(prometheus_rule_group_iterations_missed_total"
        '{rule_group=~".+;llmdash-.+"}[7m])) > 0',
        "15m",
        "warning",
    ),
}


def test_each_is_written_out() -> None:
    """A scrape is judged by the interval of its job, GPUs by theirs."""
    lost = written(vllm(), sglang())["SignalLost"]

    assert {
        "ScrapeSlow": (
            "(max by (cluster, job, instance)"
            ' (scrape_duration_seconds{job=~"sglang|vllm"} / 13)'
            " or max by (cluster, job, instance)"
            ' (scrape_duration_seconds{job="dcgm"} / 3)) > 0.4',
            "10m",
            "warning",
        ),
        "SignalLost": lost,
        **RULES_ALONE,
    } == written(vllm(), sglang(), dcgm())


def test_lost_signals_written_out() -> None:
    """Each that the sources have: there an hour or a day ago and not now, of models that answer."""
    by = "source, role, model"

    def gone(recorded: str, name: str) -> str:
        before = f"({recorded} offset 1h or {recorded} offset 1d)"
        lost = f"count by ({by}) ({before} unless on ({by}) {recorded})"
        return f'label_replace({lost}, "signal", "{name}", "", "")'

    lost = " or ".join(
        (
            gone("llm:requests:rate7m", "requests"),
            gone("llm:time_to_first_token_seconds_count:rate7m", "time_to_first_token"),
            gone("llm:end_to_end_latency_seconds_count:rate7m", "end_to_end_latency"),
            gone("llm:queue_time_seconds_count:rate7m", "queue_time"),
            gone("llm:requests_waiting:sum", "requests_waiting"),
        )
    )

    assert (
        f"({lost}) and on ({by}) count by ({by}) (llm:requests:rate7m > 0)",
        "15m",
        "warning",
    ) == written(triton())["SignalLost"]
    assert (
        "or count by (source, role, model) (llm:generation_tokens:rate7m > 0)"
        in (written(vllm())["SignalLost"][0])
    )


def test_gpus_alone_lose_no_signal() -> None:
    """They answer no requests."""
    assert "SignalLost" not in written(dcgm())


def test_one_interval_is_one_question() -> None:
    """Without GPUs there is nothing to choose from."""
    assert (
        'max by (cluster, job, instance) (scrape_duration_seconds{job="vllm"} / 13) > 0.4'
    ) == written(vllm())["ScrapeSlow"][0]


def test_where_nothing_is_recorded_nothing_is_watched() -> None:
    """There are no rules then that could fail."""
    assert {} == written()


def test_the_window_is_in_the_words() -> None:
    """How often is estimated from scrapes, and rounded."""
    found = alerts(vllm())

    assert found["RulesFailing"].summary.endswith('fail ({{ $value | printf "%.0f" }} times in 7m)')
    assert found["RulesLate"].summary.endswith(
        'missed {{ $value | printf "%.0f" }} evaluations in 7m'
    )
