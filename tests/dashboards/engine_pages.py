"""What tests of an engine's pages ask of a page: its panels by key, and their PromQL."""

from __future__ import annotations

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.panel import Panel
from llmdash.promql.nodes import Expr
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.sources import ENGINES
from llmdash.sources.source import Source

#: What a page of vLLM narrows each of its own series to.
VLLM_CHOSEN = 'model_name!="", model_name=~"$model", instance=~"$instance", engine=~"$engine"'


def source_named(name: str) -> Source:
    """Return the engine that ships under a name."""
    return next(source for source in ENGINES if source.name == name)


def panels_of(page: Dashboard | None) -> dict[str, Panel]:
    """Return the panels of a page by key; none where there is no page."""
    rows = () if page is None else page.rows
    return {panel.key: panel for row in rows for panel in row.panels}


def queries_of(page: Dashboard | None, key: str) -> dict[str, str]:
    """Return the PromQL of a panel's queries by key, vLLM's usual conditions written CHOSEN."""
    return {query.key: shown(query.expr) for query in panels_of(page)[key].queries}


def shown(expression: Expr) -> str:
    """Return an expression as Grafana gets it, vLLM's usual conditions written CHOSEN."""
    return to_text(expression, GRAFANA).replace(VLLM_CHOSEN, "CHOSEN")
