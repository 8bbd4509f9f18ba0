"""Latency pages: the split of the first token, prefill per computed token, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.engine.latency import engine_latency
from llmdash.dashboards.panels import Stat, Table
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
    """Queue and prefill are means of the same window; the rest is what they leave, if anything."""
    whole, queue, prefill = (
        mean(f"trtllm_{name}_seconds", TRTLLM)
        for name in ("time_to_first_token", "request_queue_time", "request_prefill_time")
    )

    assert queue == text(trtllm(), "first-token-parts", "queue")
    assert prefill == text(trtllm(), "first-token-parts", "prefill")
    assert f"clamp_min({whole} - {queue} - {prefill}, 0)" == text(
        trtllm(), "first-token-parts", "rest"
    )


@pytest.mark.parametrize(("prefill", "rest"), [("0+15x20", 0.5), ("0+60x20", 0)])
def test_no_part_of_the_first_token_is_negative(
    promtool: Path, tmp_path: Path, prefill: str, rest: float
) -> None:
    """A first token takes 2 s, 1 s of it in the queue; a prefill of 4 s, told late, leaves nothing."""
    of = 'model_name="m", instance="a:1", engine="0"'
    parts = {
        "time_to_first_token": "0+60x20",
        "request_queue_time": "0+30x20",
        "request_prefill_time": prefill,
    }
    series = {f"vllm:{name}_seconds_sum{{{of}}}": values for name, values in parts.items()}
    ended = {f"vllm:{name}_seconds_count{{{of}}}": "0+30x20" for name in parts}
    shown = text(vllm(), "first-token-parts", "rest")

    assert "" == judged(promtool, tmp_path, shown, {**series, **ended}, rest)


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


def test_an_empty_queue_is_not_told_by_a_quantile() -> None:
    """In the first bucket p95 is 0.95 of its edge, whoever waits: tile and table show the mean."""
    found = page(vllm())
    table = found.panel("latency-by-model")
    asked = {query.key: to_text(query.expr, GRAFANA) for query in table.queries}
    queue = mean("vllm:request_queue_time_seconds", VLLM)

    assert isinstance(table, Table)
    assert {"Queue time mean", "Prefill time mean"} <= {column.title for column in table.columns}
    assert queue.replace("sum(", "sum by (model_name) (") == asked["queue-time"]
    assert ("Queue mean", queue) == (
        found.panel("queue-now").title,
        text(vllm(), "queue-now", "mean"),
    )
    assert "histogram_quantile(0.95" in text(vllm(), "queue-time", "p95")


def test_the_pace_of_tokens_is_one_number() -> None:
    """Gaps and time per token are nearly one: the second is a tile only where no gap is told."""
    for source, told in ((vllm(), False), (sglang(), False), (trtllm(), True)):
        found = page(source)
        columns = {query.key for query in found.panel("latency-by-model").queries}

        assert told == ("tpot-now" in {panel.key for panel in found.panels()})
        assert told == ("time-per-output-token" in columns)
        assert "tpot" in {panel.key for panel in found.panels()}


@pytest.mark.parametrize(
    ("source", "tile", "limits"),
    [
        (vllm(), "ttft-now", [2, 10]),
        (triton(), "ttft-now", [2]),
        (vllm(), "itl-now", [0.15]),
        (vllm(), "e2e-now", []),
        (vllm(), "queue-now", []),
    ],
)
def test_a_tile_judges_what_users_feel(source: Source, tile: str, limits: list[float]) -> None:
    """The first token by the promise, as far as buckets reach: Triton's end at 5 s."""
    panel = page(source).panel(tile)

    assert isinstance(panel, Stat)
    assert limits == [limit.value for limit in panel.thresholds]


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
