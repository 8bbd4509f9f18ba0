"""The committed `generated/`: what the code builds, and dashboards that Grafana's own schemas accept."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from llmdash.artifacts import difference
from llmdash.build import Build, panels_of
from llmdash.checks import checked
from llmdash.checks.parsed import metric_names, parsed
from llmdash.compiler import compile_pack, portable_artifacts
from llmdash.pack import DEFAULT
from tests.oracle import violations

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ROOT / "generated"


@cache
def built() -> Build:
    return checked(compile_pack(DEFAULT))


def dashboards() -> dict[str, dict[str, Any]]:
    return dict(built().dashboards)


def imported_by_hand() -> dict[str, dict[str, Any]]:
    return {file.path: json.loads(file.text) for file in portable_artifacts(built())}


def test_generated_is_what_the_code_builds() -> None:
    """Nothing is missing, changed or stale in the committed folder."""
    assert [] == difference(built().artifacts, GENERATED).lines()


@pytest.mark.parametrize("path", dashboards())
def test_dashboards_have_grafanas_own_shape(path: str, grafana_schemas: Path) -> None:
    """Grafana's JSON schemas and the round trip through its SDK find nothing wrong."""
    assert [] == violations(dashboards()[path], grafana_schemas)


@pytest.mark.parametrize("path", imported_by_hand())
def test_dashboards_imported_by_hand_have_grafanas_own_shape(
    path: str, grafana_schemas: Path
) -> None:
    """The import dialog's own keys aside, the portable form is as valid as the provisioned one."""
    content = imported_by_hand()[path]
    dialog = {key: content.pop(key) for key in ("__elements", "__inputs", "__requires")}

    assert [] == violations(content, grafana_schemas)
    assert ["DS_PROMETHEUS"] == [each["name"] for each in dialog["__inputs"]]


@pytest.mark.parametrize("path", dashboards())
def test_no_dashboard_pins_a_datasource(path: str) -> None:
    """Every panel, query, variable and annotation of ours asks the datasource variable."""
    dashboard = dashboards()[path]
    asked = [panel.get("datasource") for panel in panels_of(dashboard) if panel.get("targets")]
    asked += [t["datasource"] for panel in panels_of(dashboard) for t in panel.get("targets", ())]
    asked += [v["datasource"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
    asked += [a["datasource"] for a in dashboard["annotations"]["list"] if "builtIn" not in a]

    assert {"${datasource}"} == {each["uid"] for each in asked if each}


@pytest.mark.parametrize("path", dashboards())
def test_every_panel_explains_itself(path: str) -> None:
    """Title, description and unit are there; a text panel has text."""
    lacking = [
        panel["title"]
        for panel in panels_of(dashboards()[path])
        if panel["type"] != "text"
        and not (panel["title"] and len(panel["description"]) > 40 and _has_unit(panel))
    ]

    assert [] == lacking


def _has_unit(panel: dict[str, Any]) -> bool:
    if panel["type"] == "heatmap":
        return bool(panel["options"]["yAxis"].get("unit"))
    if panel["type"] == "table":
        overrides = panel["fieldConfig"]["overrides"]
        units = [p for each in overrides for p in each["properties"] if p["id"] == "unit"]
        return len(units) == len(panel["targets"])
    return bool(panel["fieldConfig"]["defaults"].get("unit"))


@pytest.mark.parametrize("path", dashboards())
def test_no_traffic_and_no_data_are_told_apart(path: str) -> None:
    """Stat, gauge and table say `no traffic` for NaN and `no data` for an absent series."""
    for panel in panels_of(dashboards()[path]):
        if panel["type"] in ("stat", "gauge", "bargauge", "table"):
            defaults = panel["fieldConfig"]["defaults"]
            texts = [
                m["options"]["result"]["text"]
                for m in defaults["mappings"]
                if m["type"] == "special" and m["options"]["match"] == "nan"
            ]

            assert (["no traffic"], "no data") == (texts, defaults["noValue"]), panel["title"]


def test_fleet_reads_recordings_only() -> None:
    """The page over all models costs the same however many replicas there are."""
    (fleet,) = [
        content for path, content in dashboards().items() if path.endswith("llm-fleet.json")
    ]
    texts = [e for e in built().expressions() if "llm-fleet.json" in e.place]
    names = {name for each in texts for name in metric_names(parsed(each.parseable))}

    assert {"ALERTS"} == {name for name in names if not name.startswith("llm:")}
    assert fleet["templating"]["list"]
