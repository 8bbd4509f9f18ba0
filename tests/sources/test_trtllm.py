"""TensorRT-LLM's own server answers under any prefix, and without one only under its job."""

from __future__ import annotations

import pytest

from llmdash.errors import SourceError
from llmdash.metrics.metric import Versions
from llmdash.promql.nodes import Expr, Matcher
from llmdash.promql.printer import to_text
from llmdash.promql.rewrite import selectors
from llmdash.promql.units import TOKENS
from llmdash.promql.windows import Duration
from llmdash.sources.answer import CounterAnswer, DistributionAnswer, GaugeAnswer, RatioAnswer
from llmdash.sources.source import Role, Source
from llmdash.sources.trtllm import trtllm

WINDOW = Duration.parse("11m")
TRTLLM = trtllm()


def counter(name: str, *by: str, term: int = 0, source: Source = TRTLLM) -> Expr:
    answer = source.answers[name]
    assert isinstance(answer, CounterAnswer)
    return answer.per_second(WINDOW, by, term=term)


def gauge(name: str, operator: str, *by: str) -> Expr:
    answer = TRTLLM.answers[name]
    assert isinstance(answer, GaugeAnswer)
    return answer.combined(operator, by)


def distribution(name: str) -> DistributionAnswer:
    answer = TRTLLM.answers[name]
    assert isinstance(answer, DistributionAnswer)
    return answer


def ratio(name: str) -> Expr:
    answer = TRTLLM.answers[name]
    assert isinstance(answer, RatioAnswer)
    return answer.quotient(WINDOW)


def read(source: Source) -> list[tuple[str, tuple[Matcher, ...]]]:
    return [
        (selector.series.name, selector.matchers)
        for answer in source.answers.values()
        for term in answer.terms
        for alternative in term.alternatives
        for selector in selectors(alternative)
    ]


def test_a_trtllm_is_an_engine() -> None:
    """Its metrics are not where those of others are: /metrics is JSON."""
    assert ("trtllm", "TensorRT-LLM", Role.ENGINE, "trtllm", "/prometheus/metrics", ()) == (
        TRTLLM.name,
        TRTLLM.title,
        TRTLLM.role,
        TRTLLM.job,
        TRTLLM.metrics_path,
        TRTLLM.instance_labels,
    )


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (
            counter("requests", "model"),
            'sum by (model) (label_replace(sum by (model_name) (rate(trtllm_request_success_total{finished_reason!~"timeout|not_finished", model_name!=""}[11m])), "model", "$1", "model_name", "(.+)"))',
        ),
        (
            counter("requests", term=1),
            'sum(rate(trtllm_request_success_total{finished_reason="timeout", model_name!=""}[11m]))',
        ),
        (
            distribution("time_to_first_token").quantile(0.73, WINDOW),
            'histogram_quantile(0.73, sum by (le) (rate(trtllm_time_to_first_token_seconds_bucket{model_name!=""}[11m])))',
        ),
        (
            distribution("time_per_output_token").mean(WINDOW),
            'sum(rate(trtllm_time_per_output_token_seconds_sum{model_name!=""}[11m])) / sum(rate(trtllm_time_per_output_token_seconds_count{model_name!=""}[11m]))',
        ),
        (
            distribution("queue_time").quantile(0.73, WINDOW),
            'histogram_quantile(0.73, sum by (le) (rate(trtllm_request_queue_time_seconds_bucket{model_name!=""}[11m])))',
        ),
        (
            counter("cached_prompt_tokens"),
            'sum(rate(trtllm_prompt_cached_tokens_total{model_name!=""}[11m]))',
        ),
        (
            gauge("requests_running", "sum", "instance"),
            'sum by (instance) (trtllm_num_requests_running{model_name!=""})',
        ),
        (gauge("requests_waiting", "sum"), 'sum(trtllm_num_requests_waiting{model_name!=""})'),
        (gauge("kv_cache_use", "max"), 'max(trtllm_kv_cache_utilization{model_name!=""})'),
        (
            gauge("kv_cache_capacity", "sum"),
            'sum(trtllm_kv_cache_max_blocks{model_name!=""} * on (job, instance) group_left () max by (job, instance) (trtllm_kv_cache_tokens_per_block{model_name!=""}))',
        ),
        (
            ratio("prefix_cache_hit_ratio"),
            'sum(rate(trtllm_prompt_cached_tokens_total{model_name!=""}[11m])) / sum(rate(trtllm_prompt_tokens_total{model_name!=""}[11m]))',
        ),
        (
            ratio("draft_acceptance_ratio"),
            'sum(rate(trtllm_spec_decode_num_accepted_tokens_total{model_name!=""}[11m])) / sum(rate(trtllm_spec_decode_num_draft_tokens_total{model_name!=""}[11m]))',
        ),
        (gauge("up", "sum"), 'sum(up{job="trtllm"})'),
    ],
)  # fmt: skip
def test_a_trtllm_answers(expression: Expr, text: str) -> None:
    """TensorRT-LLM's answers in PromQL, whole."""
    assert text == to_text(expression)


def test_blocks_make_tokens() -> None:
    """What the cache holds is blocks times tokens per block, so tokens."""
    assert TOKENS == gauge("kv_cache_capacity", "sum").unit


def test_outcomes_are_fixed() -> None:
    """Cancelled requests are counted nowhere, so no outcome of them is made up."""
    assert [("outcome", "ok"), ("outcome", "error")] == [
        pair for term in TRTLLM.answers["requests"].terms for pair in term.fixed
    ]


def test_an_older_server_answers_less() -> None:
    """The first releases tell of requests and latencies only, and of the share of the cache."""
    older = trtllm(prefix="", versions=Versions("1.0", "1.0"))

    assert {
        *("end_to_end_latency", "kv_cache_use", "queue_time", "requests"),
        *("time_per_output_token", "time_to_first_token", "up"),
    } == set(older.answers)


@pytest.mark.parametrize(
    ("source", "anchor"),
    [
        (TRTLLM, 'trtllm_model_config_info{model_name!=""}'),
        (
            trtllm(prefix="", versions=Versions("1.0", "1.0")),
            'request_success_total{job="trtllm", model_name!=""}',
        ),
    ],
)
def test_a_server_is_known_by_its_configuration(source: Source, anchor: str) -> None:
    """The configuration is shown before the first request; older servers show nothing till then."""
    assert anchor == to_text(source.anchored()[0])


def test_a_prefix_stands_before_every_family() -> None:
    """Some builds separate the prefix with a colon; what is not the server's keeps its name."""
    source = trtllm(prefix="trtllm:")

    assert {"up"} == {name for name, _ in read(source) if not name.startswith("trtllm:")}
    assert 'sum(rate(trtllm:generation_tokens_total{model_name!=""}[11m]))' == to_text(
        counter("generation_tokens", source=source)
    )


def test_without_a_prefix_the_job_is_matched() -> None:
    """Names without a prefix could be anybody's, so the scrape job tells whose they are."""
    source = trtllm(prefix="")

    assert [] == [
        name for name, matchers in read(source) if Matcher("job", "=", "trtllm") not in matchers
    ]
    assert 'sum(rate(generation_tokens_total{job="trtllm", model_name!=""}[11m]))' == to_text(
        counter("generation_tokens", source=source)
    )


@pytest.mark.parametrize("prefix", ["trtllm", "trt llm_", "1_"])
def test_a_prefix_ends_with_a_separator(prefix: str) -> None:
    """What cannot stand before a name is refused, with what can."""
    with pytest.raises(SourceError, match=r"expected one such as 'trtllm_', 'trtllm:', ''"):
        trtllm(prefix=prefix)


def test_a_job_is_matched_everywhere() -> None:
    """With a job of the pack's, every series of the source is of that job."""
    source = trtllm(name="west", job="trtllm-west")

    assert [] == [
        name
        for name, matchers in read(source)
        if Matcher("job", "=", "trtllm-west") not in matchers
    ]
    assert ("west", "TensorRT-LLM west") == (source.name, source.title)
