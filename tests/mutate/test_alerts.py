"""Which mutants of alerts are noticed, by a real promtool: no more and no less."""

from __future__ import annotations

import pytest

from tests.mutate import alerts, trial
from tests.mutate.alerts import AlertCampaign
from tests.prometheus_tools import MAJORS, tools_of_major

RULES = [
    # Too many errors of a server, of which two are told apart by a label.
    {"alert": "Many", "expr": "sum by (job) (errors) > 10", "labels": {"kind": "sum"}},
    {"alert": "Many", "expr": "max by (job) (errors) > 20", "labels": {"kind": "max"}},
    # Without one of the labels nothing meets, or two meet one, and the evaluation fails.
    {"alert": "Joined", "expr": "sum by (job, node) (errors) > on (job, node) limit"},
]


def case(alert: str, *fires: dict[str, str]) -> dict[str, object]:
    exp_alerts = [{"exp_labels": labels} for labels in fires]
    return {"eval_time": "0m", "alertname": alert, "exp_alerts": exp_alerts}


TESTS = [
    {
        "input_series": [
            {"series": 'errors{job="a", node="1"}', "values": "6"},
            {"series": 'errors{job="a", node="2"}', "values": "5"},
            {"series": 'errors{job="b", node="1"}', "values": "10"},
            {"series": 'limit{job="a", node="1"}', "values": "5"},
            {"series": 'limit{job="a", node="2"}', "values": "5"},
        ],
        "alert_rule_test": [
            case("Many", {"job": "a", "kind": "sum"}),
            case("Joined", {"job": "a", "node": "1"}),
        ],
    }
]
TEST = {
    "rule_files": ["../generated/rules/made.yaml"],
    "evaluation_interval": "1m",
    "tests": TESTS,
}


@pytest.fixture
def campaign(monkeypatch: pytest.MonkeyPatch) -> AlertCampaign:
    """A campaign over these rules, in place of built ones."""
    made = {"groups": [{"name": "made", "rules": RULES}]}
    for module in (alerts, trial):
        monkeypatch.setattr(module, "rule_file", lambda _: made)
    return AlertCampaign("made", "made.yaml", {"made.test.yaml": TEST})


@pytest.mark.promtool
def test_what_survives_is_what_no_case_tells(campaign: AlertCampaign) -> None:
    """Two rules of one name are told apart, and one that can't be evaluated hides none beside it."""
    promtool = tools_of_major(MAJORS[0]).promtool
    left = campaign.survivors(promtool, campaign.mutants())

    # No case has as many at once as the second rule asks for.
    assert {
        "Many {kind=max}: max by (job) (errors) >»20 -> 22« at 24",
        "Many {kind=max}: max by (job) (errors) >»20 -> 18« at 24",
        "Many {kind=max}: max by (job) (errors)»> -> >=« at 21",
        "Many {kind=max}: max»by (job) -> without job« at 4",
    } == {str(mutant) for mutant in left}


@pytest.mark.promtool
@pytest.mark.usefixtures("campaign")
def test_tests_that_fail_as_they_are_are_said() -> None:
    """Whatever was noticed then would mean nothing."""
    (one,) = TESTS
    failing = {**TEST, "tests": [{**one, "alert_rule_test": [case("Many")]}]}
    broken = AlertCampaign("made", "made.yaml", {"made.test.yaml": failing})

    with pytest.raises(RuntimeError, match="made: Many: its tests fail on rules as they are"):
        broken.survivors(tools_of_major(MAJORS[0]).promtool, broken.mutants())
