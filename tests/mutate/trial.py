"""One run of promtool on changed rules, and which of the changes it complains about."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.mutate.mutators import Mutant
from tests.prometheus_tools import said_against
from tests.rules.mutants import Rule

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "generated" / "rules"

BLOCK = re.compile(r"^ {4}(?=(?:alertname|expr|rule|name): )", re.MULTILINE)
SAMPLE = re.compile(r"\{[^{}]*\}[^{]*")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
RECORDED = re.compile(r"\bllm(?:_instance)?:\w+:\w+")
ALERT_NAME = re.compile(r'alertname="(\w+)"')


@cache
def rule_file(name: str) -> dict[str, Any]:
    """Return a built file; read once, for reading is slow."""
    found: dict[str, Any] = yaml.safe_load((GENERATED / name).read_text())
    return found


def rules_in(content: dict[str, Any]) -> list[Rule]:
    """Return the rules of a file, counted through all groups."""
    return [rule for group in content["groups"] for rule in group["rules"]]


def with_rules(
    content: dict[str, Any], changed: Mapping[int, Rule], keep: frozenset[int] | None = None
) -> dict[str, Any]:
    """Return a file with some rules changed, and only some kept."""
    groups, place = [], 0
    for group in content["groups"]:
        rules = []
        for rule in group["rules"]:
            if keep is None or place in keep:
                rules.append(changed.get(place, rule))
            place += 1
        groups.append({**group, "rules": rules})
    return {"groups": groups}


@dataclass(frozen=True)
class Trial:
    """Rule tests, and the rule files that they read, where one of the files is changed."""

    promtool: Path
    tests: tuple[Path, ...]
    #: Every file that the tests read, cut down to what matters to them.
    files: Mapping[str, dict[str, Any]]

    def said(self, folder: Path, file: str, content: dict[str, Any]) -> str:
        """Return what promtool says with one file replaced; empty when all tests pass."""
        (folder / "rules").mkdir(parents=True)
        (folder / "generated" / "rules").mkdir(parents=True)
        for name, usual in self.files.items():
            text = json.dumps(content if name == file else usual)  # JSON is YAML
            (folder / "generated" / "rules" / name).write_text(text)
        copies = [shutil.copy(test, folder / "rules") for test in self.tests]
        said = said_against(self.promtool, *copies)
        shutil.rmtree(folder)
        return said


@dataclass(frozen=True)
class Complaint:
    """One expectation that was not met: the names that it is about, and the labels that differ."""

    names: frozenset[str]
    labels: tuple[dict[str, str], ...]


def complaints(said: str) -> Iterator[Complaint]:
    """Yield what promtool complains about."""
    for block in BLOCK.split(said)[1:]:
        kind, _, rest = block.partition(": ")
        head, _, body = rest.partition("\n")
        if kind == "rule":
            yield Complaint(frozenset({head.partition(",")[0]}), ())
        elif kind == "alertname":
            yield Complaint(frozenset({head.partition(",")[0]}), tuple(_differing(body)))
        elif kind == "expr":
            differing = tuple(_differing(body))
            names = {*ALERT_NAME.findall(head.replace('\\"', '"')), *RECORDED.findall(head)}
            names |= {each["__name__"] for each in differing if "__name__" in each}
            yield Complaint(frozenset(names), differing)


def _differing(body: str) -> Iterator[dict[str, str]]:
    expected, _, got = body.partition("got:")
    samples = [set(SAMPLE.findall(side)) for side in (expected, got)]
    for text in sorted(samples[0] ^ samples[1]):
        yield dict(LABEL.findall(text.partition("}")[0]))


def is_blamed(mutant: Mutant, others: Sequence[Mutant], found: Sequence[Complaint]) -> bool:
    """Tell whether a complaint is surely about one mutant of several."""
    namesakes = [other for other in others if other.name == mutant.name and other is not mutant]
    apart = [
        name
        for name, value in mutant.labels.items()
        if any(other.labels.get(name) != value for other in namesakes)
    ]
    for complaint in found:
        if complaint.names != {mutant.name}:
            continue
        if not namesakes:
            return True
        for labels in complaint.labels:
            told = [name for name in apart if name in labels]
            if told and all(labels[name] == mutant.labels[name] for name in told):
                rivals = [
                    other
                    for other in namesakes
                    if all(labels.get(name) == other.labels.get(name) for name in told)
                ]
                if not rivals:
                    return True
    return False
