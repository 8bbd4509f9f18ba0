"""The fleet's latencies: each source over its own buckets, and all together only where they fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmdash.dashboards.fleet.latency import latency_panels
from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import Panel, TimeSeries
from llmdash.layer import Layer
from llmdash.pack import DEFAULT
from llmdash.promql.printer import GRAFANA, concrete, to_text
from llmdash.sources import gateway, sglang, triton, vllm
from tests.dashboards.judged_by_promtool import judged

ALIKE = Layer((vllm(job="one"), vllm(name="vllm-canary", job="canary"), gateway()))
UNLIKE = Layer((vllm(), sglang(), gateway()))
LATENCIES = ("time-to-first-token", "inter-token-latency", "end-to-end-latency", "queue-time")


def keys(layer: Layer) -> list[str]:
    return [each.key for each in latency_panels(LayerPage(layer))]


def panel(layer: Layer, key: str) -> Panel:
    return next(each for each in latency_panels(LayerPage(layer)) if each.key == key)


@pytest.mark.parametrize("layer", [UNLIKE, Layer((triton(),))], ids=["all", "means only"])
def test_sources_are_on_the_left_and_models_on_the_right(layer: Layer) -> None:
    """Two panels for each latency, in one order, whatever its sources know of it."""
    shown = keys(layer)
    named = [key for key in LATENCIES if key in shown]

    assert 1 < len(named)
    assert [each for key in named for each in (key, f"{key}-by-model")] == shown


def test_nothing_is_read_off_the_few_edges_of_unlike_sources() -> None:
    """The default pack's engines share six edges of inter-token latency: p95 of that is wrong."""
    for layer in (DEFAULT.layer, UNLIKE):
        assert [] == [key for key in keys(layer) if key.endswith("-total")]


def test_sources_with_the_same_edges_have_quantiles_together() -> None:
    """Two fleets of one server are one distribution; the gateway's other edges do not matter."""
    assert [f"{key}-total" for key in LATENCIES] == keys(ALIKE)[-4:]
    found = panel(ALIKE, "time-to-first-token-total")

    assert "Over the 22 bucket edges that all sources share" in found.description
    p95 = next(query.expr for query in found.queries if query.key == "p95")
    text = to_text(p95, GRAFANA)
    assert text.startswith("histogram_quantile(0.95, sum by (le) (")
    assert 'role="engine"' in text


def test_one_source_alone_has_no_total() -> None:
    """Its own quantiles are those of all."""
    assert [] == [key for key in keys(Layer((vllm(),))) if key.endswith("-total")]


def test_nobody_queues_where_nobody_queues(promtool: Path, tmp_path: Path) -> None:
    """All requests are in the first bucket, up to 0.3 s: p95 would say 285 ms, the mean says 2 ms."""
    found = panel(UNLIKE, "queue-time-by-model")
    (query,) = found.queries
    text = to_text(query.expr, concrete({}, {"source": ".*", "model": ".*"}))
    of = 'role="engine",source="vllm",model="m"'
    series = {
        f'llm:queue_time_seconds_bucket:rate5m{{{of},le="0.3"}}': "7x30",
        f'llm:queue_time_seconds_bucket:rate5m{{{of},le="+Inf"}}': "7x30",
        f"llm:queue_time_seconds_sum:rate5m{{{of}}}": "0.014x30",
        f"llm:queue_time_seconds_count:rate5m{{{of}}}": "7x30",
    }

    assert "Queue time by model, mean" == found.title
    assert "" == judged(promtool, tmp_path, text, series, 0.002, '{source="vllm", model="m"}')


def test_latencies_are_drawn_in_shades_of_their_hue() -> None:
    """No quantile is green or red by chance, as if it were judged."""
    found = panel(UNLIKE, "time-to-first-token")
    assert isinstance(found, TimeSeries)

    assert [
        "super-light-blue", "light-blue", "blue", "dark-blue", "text", "text",
    ] == [query.color for query in found.queries]  # fmt: skip
