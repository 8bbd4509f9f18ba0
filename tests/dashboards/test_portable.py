"""The form for the import dialog asks for a Prometheus and works on any."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmdash.dashboards.grafana import render
from llmdash.dashboards.normalise import to_json_text
from llmdash.dashboards.portable import portable
from llmdash.dashboards.variables import DatasourceVariable
from llmdash.errors import DashboardError
from tests.dashboards.examples import example
from tests.oracle import violations

IMPORT_KEYS = ("__inputs", "__elements", "__requires")


@pytest.fixture(scope="module")
def rendered() -> dict[str, Any]:
    return render(example())


def test_it_asks_for_one_prometheus(rendered: dict[str, Any]) -> None:
    """The dialog shows one question, and panels follow the variable that starts at the answer."""
    document = portable(rendered)
    (question,) = document["__inputs"]
    (variable,) = (each for each in document["templating"]["list"] if each["type"] == "datasource")

    assert ("DS_PROMETHEUS", "datasource", "prometheus") == (
        question["name"],
        question["type"],
        question["pluginId"],
    )
    assert {"selected": True, "text": "", "value": "${DS_PROMETHEUS}"} == variable["current"]


def test_any_answer_reaches_every_query(rendered: dict[str, Any]) -> None:
    """After Grafana has put in the answer, nothing asks for another datasource."""
    imported = to_json_text(portable(rendered)).replace("${DS_PROMETHEUS}", "uid-11")
    document = json.loads(imported)
    targets = [target for panel in document["panels"] for target in panel.get("targets", [])]

    assert {"${datasource}"} == {target["datasource"]["uid"] for target in targets}
    assert "uid-11" == document["templating"]["list"][0]["current"]["value"]
    assert "${DS_" not in imported


def test_it_requires_what_it_uses(rendered: dict[str, Any]) -> None:
    """Grafana, Prometheus and each type of panel, folded ones too, are listed by id."""
    found = [each["id"] for each in portable(rendered)["__requires"]]

    assert [
        "bargauge",
        "gauge",
        "grafana",
        "heatmap",
        "prometheus",
        "stat",
        "state-timeline",
        "table",
        "text",
        "timeseries",
        "xychart",
    ] == found


def test_what_is_given_is_not_changed(rendered: dict[str, Any]) -> None:
    """The provisioned form never gets a placeholder."""
    before = copy.deepcopy(rendered)
    portable(rendered)

    assert before == rendered
    assert "DS_PROMETHEUS" not in to_json_text(rendered)


def test_the_rest_is_what_grafana_writes(rendered: dict[str, Any], grafana_schemas: Path) -> None:
    """Without the three keys of the dialog it is a dashboard like any other."""
    document = portable(rendered)
    rest = {key: value for key, value in document.items() if key not in IMPORT_KEYS}

    assert [] == violations(rest, grafana_schemas)


def test_a_page_without_the_variable_cannot_be_imported() -> None:
    """Without a datasource variable there is nothing for the answer to go into."""
    page = example()
    variables = tuple(each for each in page.variables if not isinstance(each, DatasourceVariable))

    with pytest.raises(DashboardError, match="a datasource variable, got none"):
        portable(render(replace(page, variables=variables)))
