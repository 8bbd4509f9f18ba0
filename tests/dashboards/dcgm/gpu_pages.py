"""The page on GPUs as its tests ask for it: of either generation of names, with engines placed or not."""

from __future__ import annotations

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.dcgm.gpu import gpu
from llmdash.dashboards.panel import Panel
from llmdash.dashboards.panels import Table
from llmdash.layer import Layer
from llmdash.metrics.metric import Versions
from llmdash.placement import Placement
from llmdash.promql.nodes import Expr
from llmdash.sources import dcgm, vllm
from llmdash.sources.source import Source

OLD = dcgm(versions=Versions("3.3.5", "4.5.3"))
NEW = dcgm(versions=Versions("4.7.0"))
PLACED = Placement(gpus={"vllm": {"inn:8000": ("U0", "U1", "U2")}}, engines=(vllm(),))


def page(source: Source | None = None, placement: Placement | None = None) -> Dashboard:
    own = source or dcgm()
    found = gpu(own, Layer((vllm(), own), placement=placement or Placement()))
    assert found is not None
    return found


def keys(dashboard: Dashboard) -> set[str]:
    return {panel.key for panel in dashboard.panels()}


def expression(panel: Panel, key: str = "") -> Expr:
    (found,) = [query.expr for query in panel.queries if key in ("", query.key)]
    return found


def table(dashboard: Dashboard, key: str) -> Table:
    found = dashboard.panel(key)
    assert isinstance(found, Table)
    return found
