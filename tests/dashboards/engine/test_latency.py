"""Latency pages: the split of the first token, prefill per computed token, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.engine.latency import engine_latency
from llmdash.layer import Layer
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.sources import sglang, triton, triton_vllm, trtllm, vllm
from llmdash.sources.source import Source
from tests.dashboards.judged_by_promtool import judged

VLLM = 'model_name!="", model_name=~"$model", instance=~"$instance", engine=~"$engine"'
TRTLLM = 'model_name!="", model_name=~"$model", instance=~"$instance"'


def page(source: Source) -> Dashboard:
    found = engine_latency(source, Layer((source,)))
    assert found is not None
    return found


def text(source: Source, panel: str, query: str) -> str:
    found = {each.key: each for each in page(source).panel(panel).queries}
    return to_text(found[query].expr, GRAFANA)


def mean(family: str, chosen: str) -> str:
    parts = (
        f"sum(rate({family}_{part}{{{chosen}}}[$__rate_interval]))" for part in ("sum", "count")
    )
    return " / ".join(parts)


def test_the_parts_add_up_to_the_first_token() -> None:
    """Queue and prefill are means of the same window, and the rest is what they leave."""
    whole, queue, prefill = (
        mean(f"trtllm_{name}_seconds", TRTLLM)
        for name in ("time_to_first_token", "request_queue_time", "request_prefill_time")
    )

    assert queue == text(trtllm(), "first-token-parts", "queue")
    assert prefill == text(trtllm(), "first-token-parts", "prefill")
    assert f"{whole} - {queue} - {prefill}" == text(trtllm(), "first-token-parts", "rest")


def test_prefill_is_told_per_thousand_tokens_computed() -> None:
    """Releases that do not count what they compute (before 0.13) have no part in the time either."""
    prefill, computed = (
        f"sum by (model_name, instance) (rate(vllm:{name}_sum{{{VLLM}}}[$__rate_interval]))"
        for name in ("request_prefill_time_seconds", "request_prefill_kv_computed_tokens")
    )

    assert (
        f"sum by (model_name) ({prefill} and on (model_name, instance) {computed})"
        f" / sum by (model_name) ({computed}) * 1000"
    ) == text(vllm(), "prefill-pace", "pace")


def test_a_release_that_does_not_count_does_not_slow_the_others(
    promtool: Path, tmp_path: Path
) -> None:
    """In mid-upgrade one server tells both (0.1 s for 1,000 tokens), the other its time alone."""
    new, old = (f'model_name="m", instance="{name}:1", engine="0"' for name in ("new", "old"))
    series = {
        f"vllm:request_prefill_time_seconds_sum{{{new}}}": "0+3x20",
        f"vllm:request_prefill_kv_computed_tokens_sum{{{new}}}": "0+30000x20",
        f"vllm:request_prefill_time_seconds_sum{{{old}}}": "0+70x20",
    }
    shown = text(vllm(), "prefill-pace", "pace")

    assert "" == judged(promtool, tmp_path, shown, series, 0.1, '{model_name="m"}')


@pytest.mark.parametrize(
    ("source", "there", "missing"),
    [
        (vllm(), {"first-token-parts", "prefill-pace", "itl", "tpot"}, set()),
        (trtllm(), {"first-token-parts", "tpot", "decode-time"}, {"prefill-pace", "itl"}),
        (sglang(), {"itl", "tpot", "queue-time"}, {"first-token-parts", "prefill-pace"}),
        (triton_vllm(), {"itl", "e2e", "queue-time"}, {"tpot", "first-token-parts"}),
    ],
)
def test_a_page_shows_what_its_source_answers(
    source: Source, there: set[str], missing: set[str]
) -> None:
    """A question without an answer has no panel, and the others do not wait for it."""
    keys = {panel.key for panel in page(source).panels()}

    assert there <= keys
    assert set() == missing & keys


def test_a_mean_stands_where_no_quantile_is_known() -> None:
    """Triton knows sums of durations: its tile, its table and its graph say mean."""
    found = page(triton())

    assert "End to end mean" == found.panel("e2e-now").title
    assert ["mean"] == [query.legend for query in found.panel("e2e").queries]
    assert "end-to-end-latency-heatmap" not in {panel.key for panel in found.panels()}


def test_the_share_beyond_the_buckets_names_the_edge_in_seconds() -> None:
    """The edge is asked for as the exporter spells it, and told in the unit of the page."""
    (query,) = page(triton()).panel("beyond-buckets").queries
    family = "nv_inference_first_response_histogram_ms"

    assert "Time to first token over 5 s" == query.legend
    assert (
        f'1 - sum(rate({family}_bucket{{model!="", le=~"5000|5000\\\\.0", model=~"$model", '
        f'instance=~"$instance"}}[$__rate_interval])) / sum(rate({family}_count{{model!="", '
        f'model=~"$model", instance=~"$instance"}}[$__rate_interval]))'
    ) == to_text(query.expr, GRAFANA)


def test_a_thin_page_is_none() -> None:
    """An engine that tells of its queue alone has no page on latency."""
    whole = sglang()
    thin = replace(whole, answers={"up": whole.answers["up"]})

    assert None is engine_latency(thin, Layer((thin,)))
