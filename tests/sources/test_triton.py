"""Triton answers with means of microseconds, and with coarse buckets of milliseconds."""

from __future__ import annotations

import pytest

from llmdash.metrics.metric import Needs, Versions
from llmdash.promql.nodes import Expr, Matcher
from llmdash.promql.printer import to_text
from llmdash.promql.rewrite import selectors
from llmdash.promql.windows import Duration
from llmdash.sources.answer import (
    CounterAnswer,
    DistributionAnswer,
    GaugeAnswer,
)
from llmdash.sources.source import Role
from llmdash.sources.triton import triton

WINDOW = Duration.parse("11m")
TRITON = triton()


def requests(place: int) -> Expr:
    answer = TRITON.answers["requests"]
    assert isinstance(answer, CounterAnswer)
    return answer.per_second(WINDOW, ["model"], term=place)


def distribution(name: str) -> DistributionAnswer:
    answer = TRITON.answers[name]
    assert isinstance(answer, DistributionAnswer)
    return answer


def gauge(name: str, operator: str) -> Expr:
    answer = TRITON.answers[name]
    assert isinstance(answer, GaugeAnswer)
    return answer.combined(operator, ["model"] if name == "requests_waiting" else [])


def test_a_triton_is_an_engine() -> None:
    """A source is named as its job, and its metrics are those of the releases asked for."""
    assert ("triton", "Triton", Role.ENGINE, "triton", "/metrics") == (
        TRITON.name,
        TRITON.title,
        TRITON.role,
        TRITON.job,
        TRITON.metrics_path,
    )
    assert "nv_cache_num_entries" not in {metric.name for metric in TRITON.metrics}
    assert "nv_inference_pending_request_count" in {metric.name for metric in TRITON.metrics}


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (requests(0), 'sum by (model) (rate(nv_inference_request_success{model!=""}[11m]))'),
        (
            requests(1),
            'sum by (model) (rate(nv_inference_request_failure{reason!="CANCELED", model!=""}[11m]))',
        ),
        (
            requests(2),
            'sum by (model) (rate(nv_inference_request_failure{reason="CANCELED", model!=""}[11m]))',
        ),
        (
            distribution("time_to_first_token").quantile(0.73, WINDOW, ["model"]),
            'histogram_quantile(0.73, sum by (model, le) (rate(nv_inference_first_response_histogram_ms_bucket{model!=""}[11m]))) / 1000',
        ),
        (
            distribution("end_to_end_latency").mean(WINDOW, ["model"]),
            'sum by (model) (rate(nv_inference_request_duration_us{model!=""}[11m])) / 1000000 / sum by (model) (rate(nv_inference_request_success{model!=""}[11m]))',
        ),
        (
            distribution("queue_time").mean(WINDOW),
            'sum(rate(nv_inference_queue_duration_us{model!=""}[11m])) / 1000000 / sum(rate(nv_inference_request_success{model!=""}[11m]))',
        ),
        (
            gauge("requests_waiting", "sum"),
            'sum by (model) (nv_inference_pending_request_count{model!=""})',
        ),
        (gauge("up", "sum"), 'sum(up{job="triton"})'),
        (gauge("up", "count"), 'count(up{job="triton"})'),
    ],
)  # fmt: skip
def test_a_triton_answers(expression: Expr, text: str) -> None:
    """Triton's answers in PromQL, whole."""
    assert text == to_text(expression)


def test_outcomes_are_fixed() -> None:
    """Success is ok, a failure is an error unless the client left."""
    terms = TRITON.answers["requests"].terms

    assert [("outcome", "ok"), ("outcome", "error"), ("outcome", "cancelled")] == [
        fixed for term in terms for fixed in term.fixed
    ]


@pytest.mark.parametrize(
    ("versions", "missing"),
    [
        (Versions("23.09"), set()),
        (Versions("24.11"), set()),
        (Versions("24.01", "24.10"), {"time_to_first_token"}),
        (Versions("22.04", "23.01"), {"time_to_first_token", "requests_waiting"}),
    ],
)
def test_answers_follow_the_releases(versions: Versions, missing: set[str]) -> None:
    """The first response has a histogram since 24.11, pending requests a gauge since 23.09."""
    assert missing == set(TRITON.answers) - set(triton(versions=versions).answers)


def test_first_responses_need_a_setting() -> None:
    """The only quantiles of Triton come from histograms that must be switched on."""
    answer = distribution("time_to_first_token")
    assert answer.canonical_edges is not None

    assert (Needs.HISTOGRAM_LATENCIES,) == TRITON.answer_needs("time_to_first_token")
    assert () == TRITON.answer_needs("queue_time")
    assert (0.1, 0.5, 2.0, 5.0) == answer.canonical_edges.values
    assert [None, None] == [distribution(n).buckets for n in ("queue_time", "end_to_end_latency")]


def test_a_job_is_matched_everywhere() -> None:
    """With a job of the pack's, every series is of that job; without one only `up` is."""
    named = triton(name="west", job="triton-west")
    matchers = [
        selector.matchers
        for answer in named.answers.values()
        for term in answer.terms
        for alternative in term.alternatives
        for selector in selectors(alternative)
    ]

    assert all(Matcher("job", "=", "triton-west") in each for each in matchers)
    assert ("west", "triton-west") == (named.name, named.job)
    assert "west" == triton(name="west").job
