"""SGLang answers once for each scheduler, however many ranks repeat what it says."""

from __future__ import annotations

import pytest

from llmdash.errors import SourceError
from llmdash.metrics.metric import Versions
from llmdash.promql.nodes import Expr, Matcher
from llmdash.promql.printer import to_text
from llmdash.promql.rewrite import selectors
from llmdash.promql.windows import Duration
from llmdash.sources.answer import CounterAnswer, DistributionAnswer, GaugeAnswer, RatioAnswer
from llmdash.sources.sglang import sglang
from llmdash.sources.source import Role, Source

WINDOW = Duration.parse("11m")
SGLANG = sglang()


def counter(name: str, *by: str, term: int = 0) -> Expr:
    answer = SGLANG.answers[name]
    assert isinstance(answer, CounterAnswer)
    return answer.per_second(WINDOW, by, term=term)


def gauge(name: str, operator: str, *by: str, term: int = 0) -> Expr:
    answer = SGLANG.answers[name]
    assert isinstance(answer, GaugeAnswer)
    return answer.combined(operator, by, term=term)


def distribution(name: str, source: Source = SGLANG) -> DistributionAnswer:
    answer = source.answers[name]
    assert isinstance(answer, DistributionAnswer)
    return answer


def ratio(name: str) -> Expr:
    answer = SGLANG.answers[name]
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


def test_an_sglang_is_an_engine() -> None:
    """A source is named as its job, and each data parallel rank is an engine of its own."""
    assert ("sglang", "SGLang", Role.ENGINE, "sglang", "/metrics", ("engine",)) == (
        SGLANG.name,
        SGLANG.title,
        SGLANG.role,
        SGLANG.job,
        SGLANG.metrics_path,
        SGLANG.instance_labels,
    )
    assert 'sglang:num_running_reqs{model_name!=""}' == to_text(SGLANG.anchored()[0])


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (
            counter("requests", "model"),
            'sum by (model) (label_replace(sum by (model_name) (rate(sglang:num_requests_total{model_name!=""}[11m])), "model", "$1", "model_name", "(.+)"))',
        ),
        (
            counter("requests", term=1),
            'sum(rate(sglang:num_aborted_requests_total{model_name!=""}[11m]))',
        ),
        (
            distribution("time_to_first_token").quantile(0.73, WINDOW),
            'histogram_quantile(0.73, sum by (le) (rate(sglang:time_to_first_token_seconds_bucket{is_streaming!="false", model_name!=""}[11m])))',
        ),
        (
            distribution("time_to_first_token").mean(WINDOW),
            'sum(rate(sglang:time_to_first_token_seconds_sum{is_streaming!="false", model_name!=""}[11m])) / sum(rate(sglang:time_to_first_token_seconds_count{is_streaming!="false", model_name!=""}[11m]))',
        ),
        (
            distribution("inter_token_latency").mean(WINDOW),
            'sum(rate(sglang:inter_token_latency_seconds_sum{model_name!=""}[11m])) / sum(rate(sglang:inter_token_latency_seconds_count{model_name!=""}[11m]))',
        ),
        (
            distribution("end_to_end_latency").quantile(0.73, WINDOW),
            'histogram_quantile(0.73, sum by (le) (rate(sglang:e2e_request_latency_seconds_bucket{model_name!=""}[11m])))',
        ),
        (
            distribution("queue_time").mean(WINDOW),
            'sum(max by (job, instance, dp_rank) (rate(sglang:queue_time_seconds_sum{model_name!=""}[11m]))) / sum(max by (job, instance, dp_rank) (rate(sglang:queue_time_seconds_count{model_name!=""}[11m])))',
        ),
        (
            counter("cached_prompt_tokens", "token_source"),
            'sum by (token_source) (label_replace(sum by (cache_source) (rate(sglang:cached_tokens_total{model_name!=""}[11m])), "token_source", "$1", "cache_source", "(.+)"))',
        ),
        (
            gauge("requests_running", "sum", "engine"),
            'sum by (engine) (label_replace(sum by (dp_rank) (max by (job, instance, dp_rank) (sglang:num_running_reqs{model_name!=""})), "engine", "$1", "dp_rank", "(.+)"))',
        ),
        (
            gauge("requests_running", "count"),
            'count(max by (job, instance, dp_rank) (sglang:num_running_reqs{model_name!=""}))',
        ),
        (
            gauge("requests_waiting", "sum"),
            'sum(max by (job, instance, dp_rank) (sglang:num_queue_reqs{model_name!=""}))',
        ),
        (
            gauge("requests_waiting", "sum", term=1),
            'sum(max by (job, instance, dp_rank) (sglang:num_grammar_queue_reqs{model_name!=""}))',
        ),
        (
            gauge("kv_cache_use", "avg"),
            'avg(max by (job, instance, dp_rank) (sglang:token_usage{model_name!=""}))',
        ),
        (gauge("kv_cache_use", "max"), 'max(sglang:token_usage{model_name!=""})'),
        (
            gauge("kv_cache_capacity", "sum"),
            'sum(max by (job, instance, dp_rank) (sglang:max_total_num_tokens{model_name!=""}))',
        ),
        (
            ratio("prefix_cache_hit_ratio"),
            'sum(rate(sglang:cached_tokens_total{model_name!=""}[11m])) / sum(rate(sglang:prompt_tokens_total{model_name!=""}[11m]))',
        ),
        (
            counter("preemptions"),
            'sum(max by (job, instance, dp_rank) (rate(sglang:num_retracted_requests_total{model_name!=""}[11m])))',
        ),
        (gauge("up", "sum"), 'sum(up{job="sglang"})'),
    ],
)  # fmt: skip
def test_an_sglang_answers(expression: Expr, text: str) -> None:
    """SGLang's answers in PromQL, whole."""
    assert text == to_text(expression)


def test_outcomes_and_reasons_are_fixed() -> None:
    """Errors are counted nowhere by model, so no outcome of them is made up."""
    fixed = {
        name: [pair for term in SGLANG.answers[name].terms for pair in term.fixed]
        for name in ("requests", "requests_waiting")
    }

    assert {
        "requests": [("outcome", "ok"), ("outcome", "cancelled")],
        "requests_waiting": [("reason", "capacity"), ("reason", "deferred")],
    } == fixed


def test_a_process_does_not_tell_when_it_started() -> None:
    """The page is made for several processes, which leaves out what the client says of one."""
    assert "start_time" not in SGLANG.answers


def test_answers_come_with_their_releases() -> None:
    """A signal whose families came later is answered from there on, which signals.md says."""
    since = {name: SGLANG.answered_since(name) for name in SGLANG.answers}

    assert {
        "computed_length": "0.5.23",
        "kv_cache_capacity": "0.5.23",
        "preemptions": "0.5.23",
        "time_per_output_token": "0.5.23",
    } == {name: first for name, first in since.items() if first is not None}


@pytest.mark.parametrize(
    ("name", "first", "edges"),
    [
        ("end_to_end_latency", "0.5.5", (22, 2400.0)),
        ("end_to_end_latency", "0.4.6", (18, 400.0)),
        ("queue_time", "0.5.23", (40, 3000.0)),
        ("queue_time", "0.5.5", (36, 3000.0)),
        ("prompt_length", "0.5.23", (35, 1_100_000.0)),
        ("prompt_length", "0.5.5", (24, 1_100_000.0)),
    ],
)
def test_edges_are_those_that_all_releases_have(
    name: str, first: str, edges: tuple[int, float]
) -> None:
    """A range that reaches back is read at the edges that did not change."""
    found = distribution(name, sglang(versions=Versions(first))).edges
    assert found is not None

    assert edges == (len(found.values), found.values[-1])


def test_the_operator_sets_edges() -> None:
    """Edges of `--bucket-time-to-first-token` replace the default ones; a wrong name is refused."""
    mine = sglang(edges={"sglang:time_to_first_token_seconds": (0.7, 11)})
    found = distribution("time_to_first_token", mine).edges
    assert found is not None

    assert (0.7, 11.0) == found.values
    with pytest.raises(SourceError, match=r"did you mean sglang:time_to_first_token_seconds\?"):
        sglang(edges={"sglang:time_to_first_token": (0.7, 11)})


def test_a_job_is_matched_everywhere() -> None:
    """With a job of the pack's, every series of the source is of that job."""
    source = sglang(name="west", job="sglang-west")

    assert [] == [
        name
        for name, matchers in read(source)
        if Matcher("job", "=", "sglang-west") not in matchers
    ]
    assert ("west", "SGLang west", "west") == (
        source.name,
        source.title,
        sglang(name="west").job,
    )
