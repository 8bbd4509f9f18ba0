"""One pass that leaves only what today's Grafana knows, and the text of what is left.

grafanalib writes the shape of Grafana 4 to 8, with keys and nulls that Grafana's schema refuses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

#: JSON as Python holds it; its values are what json.loads gives.
Json: TypeAlias = dict[str, Any]

DASHBOARD_KEYS = frozenset(
    {
        "annotations",
        "description",
        "editable",
        "fiscalYearStartMonth",
        "graphTooltip",
        "id",
        "links",
        "liveNow",
        "panels",
        "preload",
        "refresh",
        "schemaVersion",
        "tags",
        "templating",
        "time",
        "timepicker",
        "timezone",
        "title",
        "uid",
        "weekStart",
    }
)
PANEL_KEYS = frozenset(
    {
        "datasource",
        "description",
        "fieldConfig",
        "gridPos",
        "id",
        "links",
        "maxPerRow",
        "options",
        "repeat",
        "repeatDirection",
        "targets",
        "title",
        "transformations",
        "type",
    }
)
ROW_KEYS = frozenset({"collapsed", "gridPos", "id", "panels", "title", "type"})
VARIABLE_KEYS = frozenset(
    {
        "allValue",
        "current",
        "datasource",
        "definition",
        "description",
        "hide",
        "includeAll",
        "label",
        "multi",
        "name",
        "options",
        "query",
        "refresh",
        "regex",
        "skipUrlSync",
        "sort",
        "type",
    }
)
#: What only some types of variable have; on the others it means nothing.
VARIABLE_KEYS_BY_TYPE = {
    "query": frozenset(),
    "datasource": frozenset({"allValue", "definition", "sort"}),
    "textbox": frozenset(
        {"allValue", "datasource", "includeAll", "multi", "refresh", "regex", "sort"}
    ),
    "custom": frozenset({"datasource", "refresh", "regex", "sort"}),
    "interval": frozenset({"allValue", "datasource", "includeAll", "multi", "regex", "sort"}),
}
#: An empty one says no more than none.
LISTS_DROPPED_WHEN_EMPTY = frozenset({"links", "transformations", "targets"})


def normalise(dashboard: Mapping[str, Any]) -> Json:
    """Return a dashboard without the keys, nulls and empty lists that Grafana does not write."""
    kept: Json = _without_nulls(_only(dashboard, DASHBOARD_KEYS))
    # A dashboard that is not saved yet says so.
    kept["id"] = None
    kept["timepicker"] = {}
    kept["panels"] = [_panel(panel) for panel in dashboard["panels"]]
    kept["templating"] = {"list": [_variable(each) for each in dashboard["templating"]["list"]]}
    return kept


def _panel(panel: Mapping[str, Any]) -> Json:
    if panel["type"] == "row":
        row: Json = _without_nulls(_only(panel, ROW_KEYS))
        row["panels"] = [_panel(inner) for inner in panel["panels"]]
        return row
    kept: Json = _without_nulls(_only(panel, PANEL_KEYS))
    return {
        key: value
        for key, value in kept.items()
        if value != [] or key not in LISTS_DROPPED_WHEN_EMPTY
    }


def _variable(variable: Mapping[str, Any]) -> Json:
    kept: Json = _without_nulls(
        _only(variable, VARIABLE_KEYS - VARIABLE_KEYS_BY_TYPE[variable["type"]])
    )
    return {key: value for key, value in kept.items() if key != "current" or value}


def _only(found: Mapping[str, Any], keys: Iterable[str]) -> Json:
    return {key: found[key] for key in keys if key in found}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _steps(inner) if key == "steps" else _without_nulls(inner)
            for key, inner in value.items()
            if inner is not None
        }
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


def _steps(steps: Any) -> Any:
    # A heatmap's colour steps are a number; the first of thresholds has the value null: from below.
    return [dict(step) for step in steps] if isinstance(steps, list) else steps


def to_json_text(document: Mapping[str, Any]) -> str:
    """Return JSON as it is written to files: sorted, indented, and the same bytes everywhere."""
    text = json.dumps(document, allow_nan=False, ensure_ascii=False, indent=2, sort_keys=True)
    return text + "\n"
