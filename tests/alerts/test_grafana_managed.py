"""The alerts as rules of Grafana's own: the same expressions, waits, words and panels."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from llmdash.alerts.alert import Alert, AlertGroup, Shown
from llmdash.alerts.grafana_managed import managed_rules
from llmdash.alerts.links import Links
from llmdash.promql.windows import Duration
from tests.alerts.test_alert import alert

ROOT = Path(__file__).resolve().parents[2]
BUILT: dict[str, Any] = yaml.safe_load(
    (ROOT / "generated/grafana/alerting/llmdash.yaml").read_text()
)


def rules_of_prometheus() -> list[dict[str, Any]]:
    paths = sorted((ROOT / "generated/rules").glob("*-alerts.yaml"))
    found = [yaml.safe_load(path.read_text())["groups"] for path in paths]
    return [rule for groups in found for group in groups for rule in group["rules"]]


def rules() -> list[dict[str, Any]]:
    return [rule for group in BUILT["groups"] for rule in group["rules"]]


def made(*alerts: Alert, interval: str = "15s") -> dict[str, Any]:
    group = AlertGroup("a-group", Duration.parse(interval), alerts)
    return managed_rules([group], Links("http://g", "http://r"), "prom", "A folder")


def test_each_alert_is_a_rule() -> None:
    """With the expression, the waits and the labels that it has in Prometheus."""

    def told(expr: str, wait: Any, lingers: Any, labels: dict[str, str]) -> str:
        return json.dumps([expr, wait or "0s", lingers, labels], sort_keys=True)

    theirs = Counter(
        told(rule["expr"], rule.get("for"), rule.get("keep_firing_for"), rule["labels"])
        for rule in rules_of_prometheus()
    )
    ours = Counter(
        told(
            rule["data"][0]["model"]["expr"], rule["for"], rule.get("keepFiringFor"), rule["labels"]
        )
        for rule in rules()
    )

    assert theirs == ours
    assert 70 < sum(ours.values())


def test_no_title_and_no_uid_is_there_twice() -> None:
    """Grafana takes neither twice in a folder."""
    for name in ("title", "uid"):
        assert [] == [
            text for text, times in Counter(r[name] for r in rules()).items() if times > 1
        ]
    assert all(len(rule["uid"]) <= 40 and rule["uid"].startswith("llm-") for rule in rules())


def test_panels_are_there() -> None:
    """A rule that names a panel names one of a built page."""
    pages = {
        page["uid"]: page
        for page in (
            json.loads(path.read_text()) for path in (ROOT / "generated/dashboards").rglob("*.json")
        )
    }
    named = [(rule["dashboardUid"], rule["panelId"]) for rule in rules() if "dashboardUid" in rule]

    assert 60 < len(named)
    for uid, number in named:
        inner = [p for row in pages[uid]["panels"] for p in (row, *row.get("panels", ()))]
        assert number in {panel["id"] for panel in inner}, (uid, number)


def test_grafana_takes_the_intervals() -> None:
    """Multiples of ten seconds, never more often than Prometheus evaluates them."""
    assert {"20s"} == {group["interval"] for group in BUILT["groups"]}
    assert ["10s", "20s", "1m"] == [
        made(alert(), interval=text)["groups"][0]["interval"] for text in ("10s", "15s", "51s")
    ]


def test_a_rule_in_full() -> None:
    """The query, whether something came back, and that this fires; $value is the query's."""
    rule = made(alert(wait=Duration.parse("2m"), keep_firing=Duration.parse("5m")))["groups"][0][
        "rules"
    ][0]

    assert ["query", "prometheus_math", "threshold"] == [step["refId"] for step in rule["data"]]
    assert ("prom", "__expr__", "__expr__") == tuple(s["datasourceUid"] for s in rule["data"])
    assert (
        "is_number($query) || is_nan($query) || is_inf($query)"
        == rule["data"][1]["model"]["expression"]
    )
    assert [{"evaluator": {"type": "gt", "params": [0]}}] == rule["data"][2]["model"]["conditions"]
    assert ("threshold", "OK", "Error") == (
        rule["condition"],
        rule["noDataState"],
        rule["execErrState"],
    )
    assert ("2m", "5m", False) == (rule["for"], rule["keepFiringFor"], rule["isPaused"])
    assert (
        "{{ $labels.room }} is full ({{ $values.query.Value | humanize }})"
        == rule["annotations"]["summary"]
    )
    assert "dashboardUid" not in rule


def test_a_page_that_is_not_built_is_not_named() -> None:
    """Grafana would link to nothing."""
    assert "dashboardUid" not in made(alert(panel=Shown("llm-none", "a")))["groups"][0]["rules"][0]


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        ([alert(name="A"), alert(name="B")], ["A", "B"]),
        ([alert(name="A", labels={"slo": "x", "tier": "y"}), alert(name="A", labels={"slo": "z"})], ["A x y", "A z"]),
        ([alert(name="A"), alert(name="A")], ["A", "A 2"]),
    ],
)  # fmt: skip
def test_titles(alerts: list[Alert], expected: list[str]) -> None:
    """The name, and where several have it what tells them apart."""
    assert expected == [rule["title"] for rule in made(*alerts)["groups"][0]["rules"]]


def test_grafana_knows_the_form(grafana_schemas: Path) -> None:
    """Grafana's own closed schema of a rule, as the API takes it."""
    schema = json.loads((grafana_schemas / "alerting.jsonschema.json").read_text())
    judge = Draft7Validator({**schema, "$ref": "#/definitions/Rule"})
    for rule in rules():
        # As a push sends it; the schema takes durations for numbers.
        kept = {name: value for name, value in rule.items() if name not in ("dashboardUid", "panelId", "keepFiringFor")}  # fmt: skip
        sent = {**kept, "folderUID": "f", "ruleGroup": "g", "orgID": 1}
        assert [] == [error.message for error in judge.iter_errors(sent)]
