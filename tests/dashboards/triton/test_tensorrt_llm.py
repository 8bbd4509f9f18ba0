"""The TensorRT-LLM page: every value of every family by itself, and numbers that know their age."""

from __future__ import annotations

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.triton.tensorrt_llm import tensorrt_llm
from llmdash.layer import Layer
from llmdash.metrics import triton_trtllm as metrics
from llmdash.metrics.metric import Versions
from llmdash.promql.nodes import Selector
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.rewrite import selectors
from llmdash.sources import triton_trtllm
from llmdash.sources.source import Source

#: Which models and servers the reader has chosen.
CHOSEN = 'model!="", model=~"$model", instance=~"$instance"'


def page(source: Source | None = None) -> Dashboard:
    own = source or triton_trtllm()
    return tensorrt_llm(own, Layer((own,)))


def text(panel: str, query: str) -> str:
    found = {each.key: each for each in page().panel(panel).queries}
    return to_text(found[query].expr, GRAFANA)


def backend_selectors() -> list[Selector]:
    families = {metric.name for metric in metrics.METRICS}
    return [
        selector
        for panel in page().panels()
        for query in panel.queries
        for selector in selectors(query.expr)
        if selector.series.family in families
    ]


def chosen_value(selector: Selector) -> tuple[str, object]:
    (label,) = selector.series.keep
    values = [m.value for m in selector.matchers if m.label == label and m.operator == "="]
    return selector.series.family, values[0] if len(values) == 1 else values


def test_every_value_of_every_family_is_a_series_of_its_own() -> None:
    """Each family hides several metrics behind one label; all of them are asked, never together."""
    expected = {
        (metric.name, value)
        for metric in metrics.METRICS
        for label, values in metric.labels.values
        if label in metric.keep
        for value in values
    }

    assert expected == {chosen_value(selector) for selector in backend_selectors()}


@pytest.mark.parametrize(
    ("panel", "query", "expected"),
    [
        (
            "slots-now",
            "share",
            "max("
            f'sum by (model, instance) (nv_trt_llm_request_metrics{{request_type="active", {CHOSEN}}})'
            " / "
            f'sum by (model, instance) (nv_trt_llm_request_metrics{{request_type="max", {CHOSEN}}})'
            ")",
        ),
        (
            "iterations-now",
            "rate",
            f'sum(rate(nv_trt_llm_general_metrics{{general_type="iteration_counter", {CHOSEN}}}'
            "[$__rate_interval]))",
        ),
        (
            "age-now",
            "age",
            "max(time() - min by (model, instance) "
            f'(nv_trt_llm_general_metrics{{general_type="timestamp", {CHOSEN}}}) / 1000000)',
        ),
        (
            "transfer-time",
            "mean",
            "sum by (model, instance) (rate(nv_trt_llm_disaggregated_serving_metrics"
            f'{{disaggregated_serving_type="kv_cache_transfer_ms", {CHOSEN}}}[$__rate_interval]))'
            " / 1000 / "
            "sum by (model, instance) (rate(nv_trt_llm_disaggregated_serving_metrics"
            f'{{disaggregated_serving_type="request_count", {CHOSEN}}}[$__rate_interval]))',
        ),
    ],
)
def test_what_is_asked(panel: str, query: str, expected: str) -> None:
    """The fullest server's slots; a counter typed gauge as a rate; microseconds; a weighted mean."""
    assert expected == text(panel, query)


def test_blocks_reused_are_a_rate() -> None:
    """What only grows is not drawn as it is, although the exporter calls it a gauge."""
    assert text("kv-reused", "rate").startswith("sum by (model) (rate(nv_trt_llm_kv_cache_block")


def test_an_older_backend_has_no_lengths() -> None:
    """Before 0.16 nothing tells lengths or tokens: the row and the panel that need them are left out."""
    older = page(triton_trtllm(backend=Versions("0.13.0", "0.15.0")))
    keys = {panel.key for panel in older.panels()}

    assert "lengths" in {row.key for row in page().rows}
    assert "lengths" not in {row.key for row in older.rows}
    assert "tokens-per-iteration" not in keys
    assert {"slots-now", "waiting-now", "kv-now", "iterations"} <= keys


def test_what_few_servers_have_waits_to_be_opened() -> None:
    """Static batching and disaggregated serving are rare, so their rows ask nothing until opened."""
    collapsed = {row.key for row in page().rows if row.collapsed}

    assert {"disaggregated", "static", "details"} == collapsed
