"""The scheduler of any engine: what is asked of which source, and the queries that are not obvious."""

from __future__ import annotations

import pytest

from llmdash.dashboards.engine.scheduler import engine_scheduler
from llmdash.dashboards.panels import Stat
from llmdash.layer import Layer
from llmdash.sources import ENGINES, vllm
from tests.dashboards.engine_pages import panels_of, queries_of, source_named

LAYER = Layer(ENGINES)
PAGE = engine_scheduler(vllm(), LAYER)


@pytest.mark.parametrize("name", ["triton", "triton-vllm"])
def test_who_only_tells_of_pending_requests_has_no_page(name: str) -> None:
    """Triton's core says how many wait and nothing of a batch; its overview has that."""
    assert engine_scheduler(source_named(name), LAYER) is None


def test_panels_follow_the_answers() -> None:
    """TensorRT-LLM's server tells of neither steps nor preemptions, and of one reason to wait."""
    assert [
        "running-now",
        "waiting-now",
        "tokens-per-running-now",
        "running-waiting",
        "tokens-per-running",
        "running-by-engine",
        "waiting-by-engine",
        "imbalance",
    ] == list(panels_of(engine_scheduler(source_named("trtllm"), LAYER)))


def test_swapped_requests_are_asked_of_v0_alone() -> None:
    """V1 never swaps: a panel that can only be empty is not there."""
    assert "swapped" not in panels_of(PAGE)
    assert "swapped" in panels_of(engine_scheduler(vllm(v0=True), LAYER))


def test_tokens_per_running_request_are_of_one_stretch_of_time() -> None:
    """The batch is averaged over the window of the rate; none running is NaN, not infinity."""
    assert {
        "rate": "sum by (model_name) (rate(vllm:generation_tokens_total{CHOSEN}[$__rate_interval]))"
        " / sum by (model_name) "
        "(avg_over_time(vllm:num_requests_running{CHOSEN}[$__rate_interval]))"
    } == queries_of(PAGE, "tokens-per-running")


def test_a_queue_is_coloured_from_the_first_request_on() -> None:
    """Green says that nobody waits, which a colour of the signal's own could not."""
    panel = panels_of(PAGE)["waiting-now"]

    assert isinstance(panel, Stat)
    assert [(1, "orange")] == [(limit.value, limit.color) for limit in panel.thresholds]
    assert [None] == [query.color for query in panel.queries]


def test_steps_are_counted_by_engine() -> None:
    """Each observation of tokens per iteration is a step."""
    panel = panels_of(PAGE)["steps"]

    assert "steps/s" == str(panel.shown_unit)
    assert {
        "rate": "sum by (model_name, instance, engine) "
        "(rate(vllm:iteration_tokens_total_count{CHOSEN}[$__rate_interval]))"
    } == queries_of(PAGE, "steps")


def test_preemptions_are_told_per_request() -> None:
    """A total of several ranks is not multiplied: the greatest of a scheduler's series counts."""
    page = engine_scheduler(source_named("sglang"), LAYER)
    chosen = 'model_name!="", model_name=~"$model", instance=~"$instance"'

    assert {
        "mean": "sum by (model_name) (max by (job, instance, dp_rank, model_name) "
        f"(rate(sglang:num_retracted_requests_total{{{chosen}}}[$__rate_interval]))) / "
        f"sum by (model_name) (rate(sglang:num_requests_total{{{chosen}}}[$__rate_interval]))"
    } == queries_of(page, "preemptions-per-request")


def test_imbalance_is_the_busiest_over_the_mean() -> None:
    """Both sides are of engines, so a server with two ranks weighs as two engines."""
    each = (
        "sum by (model_name, instance, engine) "
        "(avg_over_time(vllm:num_requests_running{CHOSEN}[$__rate_interval]))"
    )

    assert {"ratio": f"max by (model_name) ({each}) / avg by (model_name) ({each})"} == queries_of(
        PAGE, "imbalance"
    )
