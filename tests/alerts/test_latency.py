"""Alerts on latencies, written out; only of sources whose buckets reach beyond the limit."""

from __future__ import annotations

from llmdash.alerts.alert import Alert
from llmdash.alerts.latency import latency_alerts
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.layer import Layer
from llmdash.promql.printer import RULES, to_text
from llmdash.sources import app, dcgm, triton, triton_vllm, vllm
from llmdash.sources.source import Source

#: First tokens end at 2560 s in vLLM, at 10 s in its backend of Triton, at 5 s in Triton itself.
ALL = (vllm(), triton_vllm(), triton())


def alerts(sources: tuple[Source, ...], limits: Limits) -> dict[str, Alert]:
    return {each.name: each for each in latency_alerts(Questions(Layer(sources), limits))}


def test_a_quantile_is_compared_on_all_sources() -> None:
    """Where buckets end below the limit, the quantile is the last edge at most, and never above."""
    found = alerts(ALL, Limits(first_token_p95=9.7))["FirstTokenSlow"]

    assert (
        "histogram_quantile(0.95, sum by (le, source, role, model) "
        "(llm:time_to_first_token_seconds_bucket:rate5m)) > 9.7"
    ) == to_text(found.expr, RULES)


def test_where_no_buckets_reach_beyond_the_limit_there_is_no_alert() -> None:
    """Neither of one source nor of several."""
    assert "FirstTokenSlow" in alerts(ALL, Limits(first_token_p95=2559))
    assert "FirstTokenSlow" not in alerts(ALL, Limits(first_token_p95=2560))
    assert "FirstTokenSlow" not in alerts((triton(),), Limits())


def test_edges_that_a_server_was_given_count() -> None:
    """Not those that its releases have: `--custom-histogram-buckets` may end below the limit."""
    short = vllm(edges={"vllm:time_to_first_token_seconds": (0.7, 7)})

    assert "FirstTokenSlow" in alerts((short,), Limits(first_token_p95=6.9))
    assert "FirstTokenSlow" not in alerts((short,), Limits(first_token_p95=7))


def test_gaps_and_answers_written_out() -> None:
    """The 99th percentile of both, each with a limit of its own."""
    found = alerts(ALL, Limits(inter_token_p99=1.7, end_to_end_p99=61))

    assert (
        "histogram_quantile(0.99, sum by (le, source, role, model) "
        "(llm:inter_token_latency_seconds_bucket:rate5m)) > 1.7"
    ) == to_text(found["TokensSlow"].expr, RULES)
    assert (
        "histogram_quantile(0.99, sum by (le, source, role, model) "
        "(llm:end_to_end_latency_seconds_bucket:rate5m)) > 61"
    ) == to_text(found["AnswersSlow"].expr, RULES)
    for name in ("FirstTokenSlow", "TokensSlow", "AnswersSlow"):
        assert "5m" == str(found[name].wait)


def _means(metric: str, ago: str) -> str:
    sums, counts = (
        f"sum by (source, role, model) (sum_over_time(llm:{metric}_{part}:rate5m[30m]{ago}))"
        for part in ("sum", "count")
    )
    return f"{sums} / {counts}"


def _load(ago: str) -> str:
    metric = "llm:time_to_first_token_seconds_count:rate5m"
    return f"sum by (source, role, model) (avg_over_time({metric}[30m]{ago}))"


DAY = " offset 1d"
FIRST, LENGTH, ON = "time_to_first_token_seconds", "prompt_length", "on (source, role, model)"
ODD = Limits(slower_than_usual=1.7, same_load=1.3, usual_fewest=36)
SLOWER = (
    f"{_means(FIRST, '')} > {_means(FIRST, DAY)} * 1.7"
    f" and {ON} {_load('')} < {_load(DAY)} * 1.3"
    # 36 in half an hour, then and now.
    f" and {ON} {_load(DAY)} > 0.02 and {ON} {_load('')} > 0.02"
)


def test_slower_than_usual_written_out() -> None:
    """Half an hour against that of a day ago: means, load, enough of both, and longer prompts."""
    found = alerts((vllm(),), ODD)["FirstTokenSlowerThanUsual"]

    assert (f"{SLOWER} unless {ON} {_means(LENGTH, '')} > {_means(LENGTH, DAY)} * 1.3") == to_text(
        found.expr, RULES
    )
    assert "15m" == str(found.wait)


def test_slower_than_usual_without_lengths_of_prompts() -> None:
    """Where no source tells them, they are not asked for; a mean without buckets is enough."""
    found = alerts((triton(),), ODD)["FirstTokenSlowerThanUsual"]

    assert SLOWER == to_text(found.expr, RULES)


def test_where_nobody_can_tell_there_is_no_alert() -> None:
    """An app times whole answers alone, and GPUs none."""
    assert ["AnswersSlow"] == list(alerts((app(), dcgm()), Limits()))
    assert {} == alerts((dcgm(),), Limits())
