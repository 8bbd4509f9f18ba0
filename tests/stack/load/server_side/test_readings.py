"""What pages of real servers say under the names of their engine."""

from __future__ import annotations

import pytest

from llmstack.load.server_side.engines import ALL_NAMES, ENGINES, engine_of, names_of
from llmstack.load.server_side.histograms import Buckets
from llmstack.load.server_side.readings import Queues, Reading
from llmstack.scraping.engines import Engine
from llmstack.scraping.samples import samples_of
from tests.exposition import EXPOSITIONS, captured_scrapes

VLLM = ENGINES[0]


def reading(page: str, model: str = "", engine: Engine = VLLM) -> Reading:
    return Reading(engine, model, samples_of(page, names_of(engine)))


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("vllm-0.32.0.prom", "vllm"),
        ("vllm-0.27.0.prom", "vllm"),
        ("triton-2.51.0.prom", "triton-vllm"),
        ("gateway-0.1.0.prom", None),
    ],
)
def test_an_engine_is_known_by_its_page(page: str, expected: str | None) -> None:
    """And a page of something else is none."""
    samples = samples_of((EXPOSITIONS / page).read_text(), ALL_NAMES)
    found = engine_of(frozenset(sample.name for sample in samples))

    assert expected == (found and found.name)


def test_a_real_page_is_read() -> None:
    """vLLM's counts, as its page has them."""
    (scrape,) = [each for each in captured_scrapes() if each.file == "vllm-0.32.0.prom"]
    found = reading((EXPOSITIONS / scrape.file).read_text())
    seen = {
        sample.name: sample.value
        for family in scrape.families.values()
        for sample in family.samples
        if "le" not in sample.labels
    }
    for metric, family in (
        ("ttft", "vllm:time_to_first_token_seconds"),
        ("itl", "vllm:inter_token_latency_seconds"),
        ("tpot", "vllm:request_time_per_output_token_seconds"),
        ("e2e", "vllm:e2e_request_latency_seconds"),
    ):
        histogram = found.histogram(metric)

        assert histogram is not None
        assert seen[f"{family}_count"] == histogram.count > 0
        assert seen[f"{family}_sum"] == pytest.approx(histogram.total)
        assert scrape.families[family].edges == histogram.edges[:-1]
    assert seen["vllm:generation_tokens_total"] == found.count(VLLM.answer_tokens)
    assert found.queues.is_empty


def test_only_the_model_that_is_asked_counts() -> None:
    """Unless the page does not know it: an adapter's requests count under its base."""
    page = (
        'vllm:num_requests_running{model_name="a"} 3\nvllm:num_requests_running{model_name="b"} 4\n'
    )

    assert [3.0, 4.0, 7.0] == [reading(page, name).queues.running for name in ("a", "b", "c")]


def test_processes_of_a_server_are_added_up_and_caches_are_not() -> None:
    """The fullest cache is what matters."""
    page = "".join(
        f'vllm:num_requests_waiting{{engine="{n}"}} {n}\nvllm:kv_cache_usage_perc{{engine="{n}"}} 0.{n}\n'
        for n in (1, 2)
    )

    assert Queues(None, 3.0, 0.2) == reading(page).queues
    assert not reading(page).queues.is_empty
    assert Queues().is_empty is None
    assert Queues(None, 0.0).is_empty is None
    assert Queues(0.0).is_empty


def test_older_names_count_where_newer_ones_are_not() -> None:
    """And milliseconds are told in seconds."""
    old = 'vllm:gpu_cache_usage_perc 0.5\nvllm:time_per_output_token_seconds_bucket{le="+Inf"} 2\nvllm:time_per_output_token_seconds_sum 3\n'
    triton = 'nv_inference_first_response_histogram_ms_bucket{le="100"} 1\nnv_inference_first_response_histogram_ms_bucket{le="+Inf"} 2\nnv_inference_first_response_histogram_ms_sum 800\n'
    trtllm = next(engine for engine in ENGINES if engine.name == "triton-trtllm")

    assert 0.5 == reading(old).queues.kv_cache
    assert Buckets((float("inf"),), (2.0,), 3.0) == reading(old).histogram("itl")
    assert Buckets((0.1, float("inf")), (1.0, 2.0), 0.8) == reading(triton, engine=trtllm).histogram("ttft")  # fmt: skip


def test_a_label_chooses_what_a_value_means() -> None:
    """Of TensorRT-LLM's one family the active requests run, and others wait."""
    trtllm = next(engine for engine in ENGINES if engine.name == "triton-trtllm")
    page = 'nv_trt_llm_request_metrics{request_type="active"} 5\nnv_trt_llm_request_metrics{request_type="waiting"} 2\nnv_trt_llm_request_metrics{request_type="max"} 64\nnv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max"} 900\nnv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction"} 0.25\n'

    assert Queues(5.0, 2.0, 0.25) == reading(page, engine=trtllm).queues
