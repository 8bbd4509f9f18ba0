"""The committed `generated/`: what the code builds, and dashboards that Grafana's own schemas accept."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from llmdash.artifacts import difference
from llmdash.build import Build, Expression, panels_of
from llmdash.checks import checked
from llmdash.checks.parsed import metric_names, parsed
from llmdash.compiler import compile_pack, portable_artifacts
from llmdash.coverage import Coverage
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
        (organize,) = (t for t in panel["transformations"] if t["id"] == "organize")
        # A table of labels alone (an info series) shows no values.
        values = [name for name in organize["options"]["indexByName"] if name.startswith("Value")]
        return len(units) == len(values)
    if panel["type"] == "state-timeline":
        # Its values are names.
        mappings = panel["fieldConfig"]["defaults"]["mappings"]
        return any(mapping["type"] == "value" for mapping in mappings)
    return bool(panel["fieldConfig"]["defaults"].get("unit"))


@pytest.mark.parametrize("path", dashboards())
def test_no_traffic_and_no_data_are_told_apart(path: str) -> None:
    """NaN is no traffic, an absent series no data; a list that is well when empty may say so."""
    for panel in panels_of(dashboards()[path]):
        if panel["type"] in ("stat", "gauge", "bargauge", "table"):
            defaults = panel["fieldConfig"]["defaults"]
            texts = [
                m["options"]["result"]["text"]
                for m in defaults["mappings"]
                if m["type"] == "special" and m["options"]["match"] == "nan"
            ]

            assert ["no traffic"] == texts, panel["title"]
            if panel["type"] != "table":
                assert "no data" == defaults["noValue"], panel["title"]
            assert defaults["noValue"] not in ("", "no traffic"), panel["title"]


def test_fleet_reads_recordings_only() -> None:
    """The page over all models costs the same however many replicas there are."""
    (fleet,) = [
        content for path, content in dashboards().items() if path.endswith("llm-fleet.json")
    ]
    texts = [e for e in built().expressions() if "llm-fleet.json" in e.place]
    names = {name for each in texts for name in metric_names(parsed(each.parseable))}

    assert {"ALERTS"} == {name for name in names if not name.startswith("llm:")}
    assert fleet["templating"]["list"]


# --- coverage ------------------------------------------------------------------------------------


def read_by_content() -> set[str]:
    """Return the families whose series stand in rules and panels, as another parser reads them."""
    texts = [Expression(place, rule["expr"], in_rule=True) for place, rule in built().rule_items()]
    for path, dashboard in dashboards().items():
        targets = [t for panel in panels_of(dashboard) for t in panel.get("targets", ())]
        texts += [Expression(path, target["expr"], in_rule=False) for target in targets]
    names = {name for each in texts for name in metric_names(parsed(each.parseable))}
    metrics = {metric for source in built().pack.sources for metric in source.metrics}
    return {metric.name for metric in metrics if names.intersection(metric.series_names())}


def test_coverage_is_what_the_files_read() -> None:
    """The families that the report calls used are those that the built files ask for."""
    assert read_by_content() == {name for each in built().coverage for name in each.used}


@pytest.mark.parametrize(
    "covered", [each for each in built().coverage if each.by_default], ids=lambda c: c.source.name
)
def test_nearly_all_that_is_there_by_default_is_shown(covered: Coverage) -> None:
    """Over 90 % of the families that need no setting are used."""
    # SGLang has the pages of any engine only: it is asked what all engines are asked.
    least = {"sglang": 0.4}.get(covered.source.exporter, 0.9)

    assert covered.share_of(covered.by_default) > least
