"""One of everything, rendered: Grafana's own schemas accept it, and its bytes never change."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmdash.dashboards.dashboard import Row
from llmdash.dashboards.grafana import render
from llmdash.dashboards.normalise import to_json_text
from llmdash.dashboards.variables import DashboardVariable
from tests.dashboards.examples import example, time_series
from tests.oracle import violations

ROOT = Path(__file__).resolve().parents[2]
PRINT_HASH = """
import hashlib
from llmdash.dashboards.grafana import render
from llmdash.dashboards.normalise import to_json_text
from tests.dashboards.examples import example
print(hashlib.sha256(to_json_text(render(example())).encode()).hexdigest())
"""


def all_panels(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in document["panels"]:
        yield panel
        yield from panel.get("panels", [])


def digest(document: dict[str, Any]) -> str:
    return hashlib.sha256(to_json_text(document).encode()).hexdigest()


def test_grafana_accepts_one_of_everything(grafana_schemas: Path) -> None:
    """The closed schemas find nothing unknown, wrong or missing, and the SDK loses nothing."""
    assert [] == violations(render(example()), grafana_schemas)


def test_every_kind_is_in_the_example() -> None:
    """A kind of panel or variable that is not rendered here is not judged by the oracle."""
    document = render(example())
    types = {panel["type"] for panel in all_panels(document)}
    variables = {type(variable) for variable in example().variables}

    assert {
        "row",
        "text",
        "timeseries",
        "stat",
        "gauge",
        "bargauge",
        "table",
        "heatmap",
        "state-timeline",
        "xychart",
    } == types
    assert set(DashboardVariable.__subclasses__()) == variables


def test_rendering_twice_gives_the_same() -> None:
    """Nothing remembers what was rendered before: grafanalib shares some of its defaults."""
    page = example()
    first = to_json_text(render(page))
    render(replace(page, uid="inn-other", variables=page.variables[:1]))

    assert first == to_json_text(render(page))
    assert example() == page


def test_a_rendered_page_can_be_changed_without_harm() -> None:
    """What is returned shares nothing with the next."""
    document = render(example())
    before = digest(document)
    for panel in all_panels(document):
        panel.get("targets", []).clear()
        panel.get("fieldConfig", {}).get("defaults", {}).clear()
    document["templating"]["list"][0]["current"]["text"] = "changed"
    document["annotations"]["list"][0].clear()

    assert before == digest(render(example()))


@pytest.mark.parametrize(("seed", "locale"), [("1", "C"), ("77", "C.UTF-8"), ("random", "POSIX")])
def test_bytes_do_not_depend_on_the_process(seed: str, locale: str) -> None:
    """Hash seeds and locales leave no trace."""
    environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale}
    printed = subprocess.run(
        [sys.executable, "-c", PRINT_HASH],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert digest(render(example())) == printed.strip()


def test_a_new_panel_changes_no_other_id() -> None:
    """Links to panels hold ids, so a panel put first moves others down and renumbers none."""
    page = example()
    first, *rest = page.rows
    added = Row(key="first", title="First", panels=(time_series("added"), *first.panels))
    before = {panel["title"]: panel["id"] for panel in all_panels(render(page))}
    after = {
        panel["title"]: panel["id"]
        for panel in all_panels(
            render(replace(page, rows=(replace(added, title=first.title), *rest)))
        )
    }

    assert before == {title: after[title] for title in before}


def test_every_query_asks_the_variable() -> None:
    """No panel, target, variable or annotation names a datasource of its own."""
    document = render(example())
    asked = [
        target["datasource"]
        for panel in all_panels(document)
        for target in panel.get("targets", [])
    ]
    asked += [
        each["datasource"] for each in document["templating"]["list"] if each["type"] == "query"
    ]
    asked += [each["datasource"] for each in document["annotations"]["list"][1:]]

    assert [{"type": "prometheus", "uid": "${datasource}"}] * len(asked) == asked


def test_a_variable_is_asked_as_grafana_asks() -> None:
    """The query has the form that Grafana saves, is asked again with the time range, and chains."""
    model, engine = render(example())["templating"]["list"][1:3]

    assert (2, 1, ".*") == (model["refresh"], model["sort"], model["allValue"])
    assert (
        "label_values(inn_requests_waiting, model)"
        == model["query"]["query"]
        == model["definition"]
    )
    assert 'label_values(inn_requests_waiting{model=~"$model"}, engine)' == engine["query"]["query"]


def test_a_collapsed_row_holds_its_panels() -> None:
    """Folded panels lie inside their row, open ones beside it."""
    rows = [panel for panel in render(example())["panels"] if panel["type"] == "row"]

    assert [(False, 0), (True, 5), (False, 0)] == [
        (row["collapsed"], len(row["panels"])) for row in rows
    ]


def test_a_repeated_panel_is_repeated_two_to_a_line() -> None:
    """One panel for each value of the variable, side by side."""
    (panel,) = (each for each in all_panels(render(example())) if "repeat" in each)

    assert ("engine", "h", 2) == (panel["repeat"], panel["repeatDirection"], panel["maxPerRow"])


def test_links_keep_the_time_and_the_variables() -> None:
    """Who goes to a neighbour looks at the same hour of the same model."""
    fleet, others = render(example())["links"]

    assert ("/d/inn-fleet", True, True) == (fleet["url"], fleet["keepTime"], fleet["includeVars"])
    assert (["llmdash"], True, True) == (others["tags"], others["keepTime"], others["includeVars"])


def test_a_saved_copy_would_not_differ() -> None:
    """Grafana's own annotations are there, tags are sorted, and neither id nor version is set."""
    document = render(example())

    assert "Annotations & Alerts" == document["annotations"]["list"][0]["name"]
    assert ["inn", "llmdash"] == document["tags"]
    assert document["id"] is None
    assert "version" not in document
    assert 42 == document["schemaVersion"]


def test_a_moment_places_an_annotation() -> None:
    """Grafana reads the value as milliseconds."""
    restarts = render(example())["annotations"]["list"][1]

    assert "max by (instance) (process_start_time_seconds) * 1000" == restarts["expr"]
    assert restarts["useValueForTime"]
