"""The oracle sees what it is there to see: the judge of the dashboards is judged here."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmdash.dashboards.grafana import render
from tests.dashboards.examples import example
from tests.oracle import violations


def panel(document: dict[str, Any], kind: str) -> dict[str, Any]:
    inside = [inner for each in document["panels"] for inner in each.get("panels", [])]
    found = (each for each in (*document["panels"], *inside) if each["type"] == kind)
    return next(found)


def heatmap_options_as_a_list(document: dict[str, Any]) -> None:
    panel(document, "heatmap")["options"] = []


def threshold_without_value(document: dict[str, Any]) -> None:
    del panel(document, "gauge")["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"]


def legend_without_show(document: dict[str, Any]) -> None:
    del panel(document, "timeseries")["options"]["legend"]["showLegend"]


def unknown_custom_field(document: dict[str, Any]) -> None:
    panel(document, "timeseries")["fieldConfig"]["defaults"]["custom"]["lineWidht"] = 1


def unknown_target_key(document: dict[str, Any]) -> None:
    panel(document, "gauge")["targets"][0]["step"] = 10


def unit_override_of_a_number(document: dict[str, Any]) -> None:
    panel(document, "table")["fieldConfig"]["overrides"][1]["properties"][0]["value"] = 7


def unknown_override(document: dict[str, Any]) -> None:
    panel(document, "table")["fieldConfig"]["overrides"][1]["properties"][0]["id"] = "units"


def link_without_title(document: dict[str, Any]) -> None:
    properties = panel(document, "table")["fieldConfig"]["overrides"][0]["properties"]
    del properties[0]["value"][0]["title"]


def row_with_queries(document: dict[str, Any]) -> None:
    panel(document, "row")["targets"] = []


def variable_with_tags(document: dict[str, Any]) -> None:
    document["templating"]["list"][1]["useTags"] = False


def old_dashboard_key(document: dict[str, Any]) -> None:
    document["rows"] = []


@pytest.mark.parametrize(
    "spoil",
    [
        heatmap_options_as_a_list,
        threshold_without_value,
        legend_without_show,
        unknown_custom_field,
        unknown_target_key,
        unit_override_of_a_number,
        unknown_override,
        link_without_title,
        row_with_queries,
        variable_with_tags,
        old_dashboard_key,
    ],
)
def test_a_spoilt_dashboard_is_seen(
    spoil: Callable[[dict[str, Any]], None], grafana_schemas: Path
) -> None:
    """Each mistake that grafanalib or a slip of the hand could make is reported."""
    document = copy.deepcopy(render(example()))
    spoil(document)
    try:
        found = violations(document, grafana_schemas)
    except (AttributeError, TypeError) as error:
        # The SDK cannot read the worst of them at all.
        found = [str(error)]

    assert [] != found
