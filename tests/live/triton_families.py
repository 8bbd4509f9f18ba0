"""What a model of the test server registers of its own: the families of a backend, as JSON.

Triton's Python does not import llmdash, so names, types, labels and edges are handed over. That
such families reach Prometheus by way of a real Triton is proven; what their backends say is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llmdash.metrics import triton_trtllm, triton_vllm
from llmdash.metrics.metric import Counter, Gauge, Histogram, Metric
from tests.live.environment import MODEL
from tests.live.made_series import (
    OBSERVATIONS_PER_SECOND,
    Style,
    label_sets,
    motion,
    observations,
    pace,
)
from tests.live.triton_server import TritonModel


def described(metrics: Sequence[Metric]) -> str:
    """Return a catalogue in the form that `triton_model.py` reads."""
    return json.dumps([_family(metric) for metric in metrics])


def _family(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "kind": metric.kind,
        "description": "Registered by a test model.",
        "edges": metric.edges if isinstance(metric, Histogram) else (),
        "series": [
            {"labels": labels, **_movement(metric, labels)}
            for labels in label_sets(metric, Style())
        ],
    }


def _movement(metric: Metric, labels: Mapping[str, str]) -> dict[str, Any]:
    match metric:
        case Counter():
            return {"rise": pace(metric, labels) / OBSERVATIONS_PER_SECOND}
        case Gauge():
            moves = motion(metric, labels)
            return vars(moves)
        case Histogram():
            return {"observations": observations(metric)}
        case _:
            raise ValueError(f"{metric.name}: a model cannot register a {metric.kind}")


def backend_models(metrics: Sequence[Metric]) -> tuple[TritonModel, ...]:
    """Return the models of a Triton that plays a backend: one that answers, one that fails."""
    return (
        TritonModel(MODEL, seconds=0.05, families=described(metrics)),
        TritonModel("failing", fails=True),
    )


VLLM_BACKEND = backend_models(triton_vllm.METRICS)
TENSORRT_LLM_BACKEND = backend_models(triton_trtllm.METRICS)
