"""Alertmanager's configuration: who is told, by which route, and what is silent meanwhile."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from llmdash.alerts.alertmanager import alertmanager_configuration
from llmdash.alerts.inhibition import INHIBITIONS
from llmdash.compiler import compile_pack
from llmdash.errors import AlertError
from llmdash.pack import DEFAULT, Pack
from llmdash.slos.slo import Outcomes, Slo
from llmdash.sources import gateway, vllm
from llmdash.yaml_text import to_yaml
from tests.prometheus_tools import PrometheusTools
from tests.requirements import require

PAGERDUTY = {"pagerduty_configs": [{"service_key_file": "/run/secrets/pagerduty"}]}


def configured(**changed: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {"names": ["KvCacheFull"], "teams": [], "receivers": {}}
    return alertmanager_configuration(**{**settings, **changed})


def built_alerts(pack: Pack = DEFAULT) -> set[str]:
    rules = (rule for _, rule in compile_pack(pack).rule_items())
    return {rule["alert"] for rule in rules if "alert" in rule}


def amtool(tools: PrometheusTools, *arguments: str | Path) -> str:
    """What amtool says; it lies beside Alertmanager."""
    if tools.alertmanager is None:
        require("promtool", f"no amtool of {tools.version}")
    program = tools.alertmanager.with_name("amtool")
    command = [str(part) for part in (program, *arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_placeholders_tell_nobody() -> None:
    """Without a receiver of the user's own there are two that do nothing."""
    assert [{"name": "pager"}, {"name": "tickets"}] == configured()["receivers"]


def test_receivers_are_the_users_own() -> None:
    """What Alertmanager knows of a receiver is handed on as it is."""
    found = configured(teams=["search"], receivers={"pager-search": PAGERDUTY})["receivers"]

    assert {"name": "pager-search", **PAGERDUTY} in found
    assert ["pager", "tickets", "pager-search", "tickets-search"] == [
        each["name"] for each in found
    ]


def test_a_receiver_that_no_route_leads_to() -> None:
    """A misspelt receiver would tell nobody for ever."""
    with pytest.raises(AlertError) as caught:
        configured(receivers={"pagr": PAGERDUTY})

    assert "receivers: expected one of pager, tickets, got pagr" == str(caught.value)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"severity": "critical"}, "pager"),
        ({"severity": "warning"}, "tickets"),
        ({}, "tickets"),
        ({"severity": "critical", "team": "search"}, "pager-search"),
        ({"severity": "warning", "team": "search"}, "tickets-search"),
        ({"severity": "critical", "team": "other"}, "pager"),
    ],
)
def test_who_is_told(
    prometheus_tools: PrometheusTools, tmp_path: Path, labels: dict[str, str], receiver: str
) -> None:
    """By severity; a team's own first."""
    file = tmp_path / "alertmanager.yaml"
    file.write_text(to_yaml(configured(teams=["search"])))
    arguments = ["config", "routes", "test", f"--config.file={file}"]
    said = amtool(prometheus_tools, *arguments, *(f"{k}={v}" for k, v in labels.items()))

    assert receiver == said.strip()


def test_the_built_file_is_accepted(prometheus_tools: PrometheusTools) -> None:
    """Amtool finds no fault with the committed file."""
    file = Path(__file__).resolve().parents[2] / "generated/alertmanager/alertmanager.yaml"

    assert "SUCCESS" in amtool(prometheus_tools, "check-config", file)


def test_teams_of_promises_have_their_routes(
    prometheus_tools: PrometheusTools, tmp_path: Path
) -> None:
    """A team's name may hold what a matcher has to escape."""
    promise = Slo(
        name="answers",
        title="Answers",
        indicator=Outcomes(),
        objective=0.99,
        team='chat "west"',
    )
    built = compile_pack(Pack(sources=(gateway(),), slos=(promise,)))
    (text,) = (one.text for one in built.artifacts if one.path.startswith("alertmanager/"))
    file = tmp_path / "alertmanager.yaml"
    file.write_text(text)
    said = amtool(
        prometheus_tools,
        "config",
        "routes",
        "test",
        f"--config.file={file}",
        "severity=critical",
        r'team="chat \"west\""',
    )

    assert 'pager-chat "west"' == said.strip()


# --- inhibition ----------------------------------------------------------------------------------


def test_inhibitions_name_alerts_that_there_are() -> None:
    """A renamed alert would be silenced by nobody, and silence nobody."""
    named = {name for each in INHIBITIONS for name in (*each.causes, *each.silenced)}

    assert set() == named - built_alerts()


def test_no_alert_silences_a_graver_one() -> None:
    """What calls somebody at once is silenced only by what does so too."""
    rules = (rule for _, rule in compile_pack(DEFAULT).rule_items())
    critical = {r["alert"] for r in rules if r.get("labels", {}).get("severity") == "critical"}
    wrong = [
        (cause, name)
        for each in INHIBITIONS
        if not each.silenced_labels
        for cause in each.causes
        for name in each.silenced
        if name in critical and cause not in critical
    ]

    assert [] == wrong


def test_inhibitions_of_what_is_not_built_are_left_out() -> None:
    """A pack without GPUs has none on GPUs."""
    built = compile_pack(Pack(sources=(vllm(),), slos=()))
    (text,) = (one.text for one in built.artifacts if one.path.startswith("alertmanager/"))

    assert "Gpu" not in text
    assert "KvCacheNearlyFull" in text


def test_a_missing_label_is_no_equal_one() -> None:
    """To Alertmanager two alerts without a label have it in common, so both have to have it."""
    for rule in configured(names=sorted(built_alerts()))["inhibit_rules"]:
        asked = [
            {m for m in rule[side] if m.endswith('!=""')}
            for side in ("source_matchers", "target_matchers")
        ]

        assert asked[0] == asked[1]
        assert asked[0]
