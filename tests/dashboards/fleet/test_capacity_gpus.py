"""The GPUs of the capacity page: panels that the pack's placement and its engines' tokens allow."""

from __future__ import annotations

from llmdash.dashboards.fleet.capacity_gpus import gpu_panels, idle_panels
from llmdash.dashboards.fleet.energy import Energy
from llmdash.dashboards.panels import Table, TimeSeries
from llmdash.layer import Layer
from llmdash.sources import dcgm, triton
from tests.dashboards.fleet.test_energy import PLACED, UNKNOWN


def test_gpus_without_a_model_have_a_line_with_a_name() -> None:
    """An empty legend would be the whole expression."""
    for panel in (*gpu_panels(PLACED), *idle_panels(PLACED)):
        if isinstance(panel, TimeSeries) and panel.stack:
            assert "no model, or several" in [query.legend for query in panel.queries], panel.key


def test_triton_alone_makes_no_tokens() -> None:
    """GPUs of an engine that counts no tokens have power, and nothing for each token."""
    energy = Energy(Layer((triton(), dcgm())), ("model",))

    assert ["gpus", "power-now", "gpu-power"] == [panel.key for panel in gpu_panels(energy)]
    assert [] == list(idle_panels(energy))


def test_models_are_told_apart_in_a_table() -> None:
    """The table by model needs a model; without one it would be the tiles again."""
    assert [] == [panel.key for panel in gpu_panels(UNKNOWN) if isinstance(panel, Table)]
    assert ["gpus-by-model"] == [p.key for p in gpu_panels(PLACED) if isinstance(p, Table)]
