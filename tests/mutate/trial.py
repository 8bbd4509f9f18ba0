"""One run of promtool on rules that were changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.mistakes.mutants import Rule
from tests.mutate.complaints import RECORDED
from tests.mutate.mutators import seconds_of
from tests.prometheus_tools import said_against

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "generated" / "rules"

RuleFile = dict[str, Any]


@cache
def rule_file(name: str) -> RuleFile:
    """Return a built file; read once, for reading is slow."""
    found: RuleFile = yaml.safe_load((GENERATED / name).read_text())
    return found


@cache
def rule_test(path: Path) -> dict[str, Any]:
    """Return a rule test; read once, for reading is slow."""
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def evaluation_of(test: Mapping[str, Any]) -> float:
    """Return how many seconds are between two evaluations of a test."""
    return seconds_of(test.get("evaluation_interval", "1m"))


def files_of(test: Mapping[str, Any]) -> list[str]:
    """Return the names of the rule files that a test reads."""
    return [Path(name).name for name in test["rule_files"]]


def rules_in(content: RuleFile) -> list[Rule]:
    """Return the rules of a file, counted through all groups."""
    return [rule for group in content["groups"] for rule in group["rules"]]


def with_rules(content: RuleFile, instead: Mapping[int, Sequence[Rule]]) -> RuleFile:
    """Return a file with the rules at some places replaced, by none, one or several."""
    groups, place = [], 0
    for group in content["groups"]:
        rules: list[Rule] = []
        for rule in group["rules"]:
            rules += instead.get(place, (rule,))
            place += 1
        groups.append({**group, "rules": rules})
    return {"groups": groups}


def only_what_is_read(contents: Mapping[str, RuleFile], file: str) -> dict[str, RuleFile]:
    """Return files without recordings that the rules of one file do not rest on."""
    rules = [rule for content in contents.values() for rule in rules_in(content)]
    wanted = _names_in([rule["expr"] for rule in rules_in(contents[file])])
    while True:
        read = _names_in([rule["expr"] for rule in rules if rule.get("record") in wanted])
        if read <= wanted:
            break
        wanted |= read
    found = {}
    for name, content in contents.items():
        recorded = enumerate(rule.get("record") for rule in rules_in(content))
        unread: dict[int, Sequence[Rule]] = {
            place: () for place, own in recorded if own not in wanted
        }
        found[name] = content if name == file else with_rules(content, unread)
    return found


def _names_in(texts: Sequence[str]) -> set[str]:
    return {name for text in texts for name in RECORDED.findall(text)}


@dataclass(frozen=True)
class Trial:
    """Rule tests by name, and the rule files that they read, of which one is changed."""

    promtool: Path
    tests: Mapping[str, str]
    files: Mapping[str, RuleFile]

    def said(self, folder: Path, file: str, content: RuleFile) -> str:
        """Return what promtool says with one file replaced; empty when all tests pass."""
        (folder / "rules").mkdir(parents=True)
        (folder / "generated" / "rules").mkdir(parents=True)
        for name, usual in self.files.items():
            text = json.dumps(content if name == file else usual)  # JSON is YAML
            (folder / "generated" / "rules" / name).write_text(text)
        for name, text in self.tests.items():
            (folder / "rules" / name).write_text(text)
        said = said_against(self.promtool, *(folder / "rules" / name for name in self.tests))
        shutil.rmtree(folder)
        return said
