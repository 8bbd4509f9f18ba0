"""The rule tests in `rules/` pass on the built rules, and leave no recording out."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.mistakes.mutants import Rule
from tests.prometheus_tools import MAJORS, said_against, tools_of_major

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "generated" / "rules"
RULE_FILES = sorted(GENERATED.glob("*.yaml"))
TEST_FILES = sorted((ROOT / "rules").glob("*.test.yaml"))
RECORDED_NAME = re.compile(r"\bllm(?:_instance)?:\w+:\w+")


@cache
def content_of(file: Path) -> dict[str, Any]:
    """What a YAML file holds; read once, for reading is slow."""
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    return content


def rules_of(file: Path) -> list[Rule]:
    """The recording rules of a file, in order."""
    groups = content_of(file)["groups"]
    return [rule for group in groups for rule in group["rules"] if "record" in rule]


def cases_of(file: Path) -> Iterator[dict[str, Any]]:
    """Every expression that a test file evaluates, with what it expects."""
    for test in content_of(file)["tests"]:
        yield from test.get("promql_expr_test", ())


def files_tested_by(test_file: Path) -> list[Path]:
    """The rule files that a test file names."""
    return [(test_file.parent / name).resolve() for name in content_of(test_file)["rule_files"]]


def run(promtool: Path, *arguments: str | Path) -> tuple[bool, str]:
    command = [promtool, *arguments]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.promtool
@pytest.mark.parametrize("file", TEST_FILES, ids=[file.name for file in TEST_FILES])
def test_rule_tests_pass(file: Path) -> None:
    """The built rules do what the test file promises, on our floor; README's command is run on 3.x."""
    assert "" == said_against(tools_of_major(MAJORS[0]).promtool, file)


def test_rules_are_accepted(promtool: Path) -> None:
    """Promtool finds no fault with the built rules."""
    accepted, said = run(promtool, "check", "rules", "--lint-fatal", *RULE_FILES)

    assert accepted, said


def test_every_recording_is_tested() -> None:
    """Each recorded name is expected with a value somewhere."""
    recorded = {rule["record"] for file in RULE_FILES for rule in rules_of(file)}
    expected = {
        name
        for file in TEST_FILES
        for case in cases_of(file)
        for sample in case.get("exp_samples") or ()
        for name in RECORDED_NAME.findall(sample["labels"])
    }

    assert set() == recorded - expected


def test_fleet_expressions_are_those_of_the_page() -> None:
    """What the fleet page's stats and table ask is what the fleet's rule test evaluates."""
    page = json.loads((ROOT / "generated/dashboards/llm-serving/llm-fleet.json").read_text())
    asked = {
        re.sub(r"\$\w+", ".*", target["expr"])
        for panel in page["panels"]
        for target in panel.get("targets", ())
        if target.get("instant")
    }
    evaluated = [case["expr"] for case in cases_of(ROOT / "rules/recordings-fleet.test.yaml")]

    assert asked
    assert set() == {query for query in asked if not any(query in text for text in evaluated)}
