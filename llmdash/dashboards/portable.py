"""The form of a dashboard for Grafana's import dialog, which asks which Prometheus to use.

As in Grafana's own export for sharing, panels keep asking `${datasource}` and that variable starts
at the answer. A provisioned file must not hold such a placeholder, so this is a form of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from llmdash.dashboards.normalise import Json
from llmdash.errors import DashboardError

INPUT = "DS_PROMETHEUS"

#: The first release with the native heatmap panel.
_OLDEST_GRAFANA = "9.1.0"
_PANEL_NAMES = {
    "bargauge": "Bar gauge",
    "gauge": "Gauge",
    "heatmap": "Heatmap",
    "stat": "Stat",
    "state-timeline": "State timeline",
    "table": "Table",
    "text": "Text",
    "timeseries": "Time series",
    "xychart": "XY Chart",
}


def portable(rendered: Mapping[str, Any]) -> Json:
    """Return a rendered dashboard as a file that can be imported by hand into any Grafana.

    Raises:
        DashboardError: the dashboard has no datasource variable for the dialog to fill in.
    """
    document = copy.deepcopy(dict(rendered))
    variables = [each for each in document["templating"]["list"] if each["type"] == "datasource"]
    if not variables:
        raise DashboardError(f"dashboard {rendered['uid']}", "a datasource variable", "none")
    for variable in variables:
        variable["current"] = {"selected": True, "text": "", "value": f"${{{INPUT}}}"}
    document["__inputs"] = [
        {
            "description": "The Prometheus that scrapes the servers.",
            "label": "Prometheus",
            "name": INPUT,
            "pluginId": "prometheus",
            "pluginName": "Prometheus",
            "type": "datasource",
        }
    ]
    document["__elements"] = {}
    document["__requires"] = _requires(document)
    return document


def _requires(document: Json) -> list[Json]:
    found = [
        {"id": "grafana", "name": "Grafana", "type": "grafana", "version": _OLDEST_GRAFANA},
        {"id": "prometheus", "name": "Prometheus", "type": "datasource", "version": "1.0.0"},
    ]
    for kind in {panel["type"] for panel in _panels(document["panels"])} - {"row"}:
        found.append({"id": kind, "name": _PANEL_NAMES[kind], "type": "panel", "version": ""})
    return sorted(found, key=lambda each: each["id"])


def _panels(panels: list[Json]) -> Iterator[Json]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", []))
