"""Every alert that is built has its cases, its runbook, and links that lead somewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import promql_parser
import pytest
import yaml

from llmdash.alerts import ALERTS
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.layer import Layer
from llmdash.pack import DEFAULT
from llmdash.sources import vllm

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "rules" / "runbooks"
#: What a case list says of each alert, in the names of its tests.
CASES = ("fires when", "does not fire when", "resolves when", "vanish")
PARTS = ("Meaning", "Impact", "Diagnosis", "Mitigation")
TEMPLATE = re.compile(r"\{\{ \$labels\.(\w+) \| urlquery \}\}")
PROMQL = re.compile(r"```promql\n(.*?)```", re.DOTALL)
NAME = re.compile(r"\b(?:llm|llm_instance):\w+:\w+")


@cache
def rules() -> list[dict[str, Any]]:
    """All built rules; read once, for reading is slow."""
    files = sorted((ROOT / "generated" / "rules").glob("*.yaml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


NAMES = sorted({rule["alert"] for rule in alerts()})


def optional_names() -> set[str]:
    """Alerts of a shipped source that only old releases can tell; their cases are in tests/alerts/."""
    asked = Questions(Layer((vllm(v0=True),)), Limits())
    return {alert.name for make in ALERTS for alert in make(asked)} - set(NAMES)


WITH_RUNBOOK = sorted({*NAMES, *optional_names()})


@cache
def rule_tests() -> list[dict[str, Any]]:
    """All tests of all rule test files."""
    files = sorted((ROOT / "rules").glob("*.test.yaml"))
    return [test for file in files for test in yaml.safe_load(file.read_text())["tests"]]


def asks_for(test: dict[str, Any], alert: str) -> bool:
    """Whether a test asks promtool for an alert."""
    by_name = any(case["alertname"] == alert for case in test.get("alert_rule_test", ()))
    expressions = " ".join(case["expr"] for case in test.get("promql_expr_test", ()))
    return by_name or f'alertname="{alert}"' in expressions


@pytest.mark.parametrize("alert", NAMES)
def test_an_alert_has_its_cases(alert: str) -> None:
    """It fires when …, does not fire when …, resolves when …; and when its series vanish?"""
    own = [test for test in rule_tests() if re.match(rf"{alert}\b", test["name"])]
    said = " ".join(test["name"] for test in own)

    assert [] == [case for case in CASES if case not in said]
    assert [] == [test["name"] for test in own if not asks_for(test, alert)]


@pytest.mark.parametrize("alert", NAMES)
def test_what_an_alert_says_is_tested(alert: str) -> None:
    """Some case holds its labels and its words, filled in as people read them."""
    cases = [case for test in rule_tests() for case in test.get("alert_rule_test", ())]
    told = [one for case in cases if case["alertname"] == alert for one in case["exp_alerts"]]

    assert told
    assert all({"summary", "description"} <= set(one["exp_annotations"]) for one in told)


@pytest.mark.parametrize("alert", WITH_RUNBOOK)
def test_an_alert_has_a_runbook(alert: str) -> None:
    """Four parts, each with something in it, under the alert's name."""
    text = (RUNBOOKS / f"{alert}.md").read_text()
    title, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    named = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}

    assert title.startswith(f"# {alert}\n\n")
    assert PARTS == tuple(named)
    assert all(named.values())


def test_no_runbook_is_left_over() -> None:
    """A runbook without an alert is for nobody."""
    assert WITH_RUNBOOK == sorted(file.stem for file in RUNBOOKS.iterdir())


def queries_of(alert: str) -> Iterator[str]:
    """Yield the queries of a runbook, with its variables filled in."""
    for block in PROMQL.findall((RUNBOOKS / f"{alert}.md").read_text()):
        for line in block.strip().splitlines():
            yield re.sub(r"\$\w+", "x", line)


@pytest.mark.parametrize("alert", WITH_RUNBOOK)
def test_queries_of_a_runbook_work(alert: str) -> None:
    """They parse, and read recordings that are written."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    found = list(queries_of(alert))
    for query in found:
        promql_parser.parse(query)

    assert found
    assert set() == {name for query in found for name in NAME.findall(query)} - recorded


@pytest.mark.parametrize("alert", NAMES)
def test_every_link_leads_somewhere(alert: str) -> None:
    """To a runbook in the folder, and to a panel with the variables that are filled in."""
    for rule in alerts():
        if rule["alert"] != alert:
            continue
        told = rule["annotations"]
        assert f"{DEFAULT.runbooks_url}/{alert}.md" == told["runbook_url"]
        assert (RUNBOOKS / f"{alert}.md").is_file()
        address = urlsplit(TEMPLATE.sub(r"\1", told["dashboard_url"]))
        asked = parse_qs(address.query)
        page = page_of(address.path.removeprefix("/d/"))
        variables = {each["name"] for each in page["templating"]["list"]}
        chosen = {name.removeprefix("var-") for name in asked if name != "viewPanel"}

        assert DEFAULT.grafana_url == f"{address.scheme}://{address.netloc}"
        assert int(asked["viewPanel"][0]) in panel_ids(page)
        assert chosen <= variables


def page_of(uid: str) -> dict[str, Any]:
    (file,) = (ROOT / "generated" / "dashboards").rglob(f"{uid}.json")
    page: dict[str, Any] = json.loads(file.read_text())
    return page


def panel_ids(page: dict[str, Any]) -> set[int]:
    """The ids of all panels, those of closed rows too."""
    panels = page["panels"]
    return {each["id"] for panel in panels for each in (panel, *panel.get("panels", ()))}
