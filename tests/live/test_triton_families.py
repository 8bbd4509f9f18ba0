"""A real Triton shows the families that a model registers, as the catalogues of the backends say."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from llmdash.metrics import triton, triton_trtllm, triton_vllm
from llmdash.metrics.metric import Gauge, Histogram, Metric
from tests.live.environment import MODEL
from tests.live.exposition import fetch_exposition
from tests.live.traffic import triton_traffic
from tests.live.triton_families import TENSORRT_LLM_BACKEND, VLLM_BACKEND, described
from tests.live.triton_server import TritonModel, TritonServer

BACKENDS = [
    pytest.param("triton_vllm", VLLM_BACKEND, triton_vllm.METRICS, id="vllm"),
    pytest.param("triton_trtllm", TENSORRT_LLM_BACKEND, triton_trtllm.METRICS, id="trtllm"),
]


@pytest.mark.parametrize(("fixture", "models", "metrics"), BACKENDS)
def test_families_are_registered_and_move(
    fixture: str,
    models: Sequence[TritonModel],
    metrics: Sequence[Metric],
    request: pytest.FixtureRequest,
) -> None:
    """Types, labels, values and edges pass through the server, and each request shows in them."""
    server: TritonServer = request.getfixturevalue(fixture)
    with triton_traffic(server, models, workers=2) as traffic:
        traffic.wait_for(20)
    page = fetch_exposition(server.metrics_url)

    assert traffic.sent.errors == []
    assert 0 < traffic.sent.statuses[MODEL, 200] <= page.total("nv_inference_request_success")
    for metric in metrics:
        family = page.families[metric.name]
        closed = {(label, each) for label, values in metric.labels.values for each in values}
        assert metric.kind == family.kind
        assert {frozenset(metric.labels.names)} == family.label_sets
        assert closed <= family.label_values
        assert (metric.edges if isinstance(metric, Histogram) else ()) == family.edges
        moved = {sample.name for sample in family.samples if sample.value > 0}
        assert set(metric.series_names()) <= moved
        if isinstance(metric, Gauge):
            assert all(sample.value > 0 for sample in family.samples)


def test_summaries_cannot_be_registered() -> None:
    """Triton offers models no summaries; such a family must not be asked for."""
    with pytest.raises(ValueError, match=r"nv_inference_queue_summary_us: .* a summary"):
        described([triton.NV_INFERENCE_QUEUE_SUMMARY_US])


def test_a_family_is_described_whole() -> None:
    """What the model needs to make only valid calls is in the file beside it."""
    (family,) = json.loads(described([triton_vllm.GENERATION_TOKENS_TOTAL]))

    assert {
        "name": "vllm:generation_tokens_total",
        "kind": "counter",
        "description": "Registered by a test model.",
        "edges": [],
        "series": [{"labels": {"model": "tiny", "version": "1"}, "rise": 100.0}],
    } == family
