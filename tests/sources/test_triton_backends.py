"""Triton's LLM backends extend Triton's core: one target is one source, with both kinds of family."""

from __future__ import annotations

import pytest

from llmdash.intervals import Intervals
from llmdash.metrics.metric import Versions
from llmdash.promql.nodes import Matcher
from llmdash.promql.printer import to_text
from llmdash.promql.windows import Duration
from llmdash.recordings import recordings_of
from llmdash.sources import triton, triton_trtllm, triton_vllm
from llmdash.sources.answer import DistributionAnswer
from llmdash.sources.source import Source

INTERVALS = Intervals(rate_window=Duration.parse("11m"))


def recorded(source: Source, name: str) -> list[str]:
    rules = recordings_of(source, INTERVALS).recordings
    return [to_text(rule.expr) for rule in rules if rule.name == name]


@pytest.mark.parametrize("source", [triton_vllm(), triton_trtllm()])
def test_a_backend_answers_what_the_core_answers(source: Source) -> None:
    """Requests by outcome, pending ones and queue time are Triton's own, whichever backend runs."""
    assert set(triton().answers) <= set(source.answers)
    assert {"nv_inference_request_success", "nv_inference_request_failure"} <= {
        metric.name for metric in source.metrics
    }


@pytest.mark.parametrize("make", [triton, triton_vllm, triton_trtllm])
def test_a_job_tells_kinds_of_triton_apart(make: object) -> None:
    """All kinds of Triton have the core families, so with a job every selector names it."""
    source = make(job="cave")  # type: ignore[operator]  # each of them makes a source

    assert [] == [
        str(selector.series.name)
        for selector in source.selectors()
        if Matcher("job", "=", "cave") not in selector.matchers
    ]


def test_vllm_families_of_triton_are_not_those_of_vllm() -> None:
    """The backend's names are vLLM's own; the label model_name, which it lacks, tells them apart."""
    assert [
        'sum by (model, le) (rate(vllm:time_to_first_token_seconds_bucket{model!="", model_name=""}[11m]))'
    ] == recorded(triton_vllm(), "llm:time_to_first_token_seconds_bucket:rate11m")


def test_the_gap_between_tokens_has_its_old_name() -> None:
    """The backend still fills the name that vLLM gave up, with the same meaning and fewer edges."""
    answer = triton_vllm().answers["inter_token_latency"]
    assert isinstance(answer, DistributionAnswer)
    assert answer.edges is not None

    assert ("vllm:time_per_output_token_seconds",) == answer.sum.families()
    assert 2.5 == answer.edges.values[-1]


def test_end_to_end_latency_has_buckets_with_the_vllm_backend() -> None:
    """Triton's core knows a mean; the backend's histogram takes its place from 24.09 on."""
    core = triton().answers["end_to_end_latency"]
    older = triton_vllm(versions=Versions("23.09", "24.08")).answers["end_to_end_latency"]
    newer = triton_vllm().answers["end_to_end_latency"]

    assert [None, None] == [getattr(answer, "buckets", "") for answer in (core, older)]
    assert getattr(newer, "buckets", None) is not None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "llm:requests_running:sum",
            'sum by (model) (nv_trt_llm_request_metrics{request_type="scheduled", model!=""})',
        ),
        (
            "llm:requests_waiting:sum",
            'sum by (model) (nv_trt_llm_request_metrics{request_type="waiting", model!=""} or on (job, instance, model, version) nv_trt_llm_request_metrics{request_type="active", model!=""} - on (job, instance, model, version) nv_trt_llm_request_metrics{request_type="scheduled", model!=""})',
        ),
        (
            "llm:kv_cache_use_ratio:max",
            'max by (model) (nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction", model!=""} or on (job, instance, model, version) nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="used", model!=""} / on (job, instance, model, version) nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max", model!=""})',
        ),
        (
            "llm:kv_cache_capacity:sum",
            'sum by (model) (nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max", model!=""} * on (job, instance, model, version) nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="tokens_per", model!=""})',
        ),
        (
            "llm:generation_tokens:rate11m",
            'sum by (model) (rate(nv_llm_output_token_len_sum{response_metric_type="total_output_tokens", model!=""}[11m]))',
        ),
    ],
)  # fmt: skip
def test_a_labels_value_chooses_the_meaning(name: str, text: str) -> None:
    """Each question reads one value of the label; what older backends lack follows from what they have."""
    assert [text] == recorded(triton_trtllm(), name)


def test_the_backends_releases_are_its_own() -> None:
    """Lengths came with backend 0.16, whichever Triton it runs in; the core is not touched."""
    older = triton_trtllm(backend=Versions("0.7.0", "0.15.0"))

    assert {"prompt_tokens", "prompt_length", "generation_length"} == {
        "prompt_tokens",
        "prompt_length",
        "generation_length",
    } & (set(triton_trtllm().answers) - set(older.answers))
    assert {"requests_running", "kv_cache_use", "requests"} <= set(older.answers)
