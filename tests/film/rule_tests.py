"""The films as rule tests of promtool, and what those expect read back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.film.film import series_of
from tests.film.fired import STEP, Fired, Labels, Played, in_order
from tests.film.incident import Incident

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "rules" / "incidents.test.yaml"
RULES = sorted((ROOT / "generated" / "rules").glob("*.yaml"))
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_SAID = re.compile(r"^    #   (\w+), (\w+)(?:, ([\w-]+))?: (.*)$", re.MULTILINE)
SCRAPE = "15s"
_WIDTH = 110

_HEAD = """\
# Incidents, each played to all rules: which alerts fire, at which second first and last, and at how many evaluations.
# An alert that fires and is not listed fails the test. Told for people in incidents.md; written by `make film` from
# tests/film/, and run on the built rules: promtool test rules rules/*.test.yaml
#
# Samples every 15 s; rules every 2 minutes, since all of them together take long.
# Series with past="days" are what three clean days before the film left in the longer windows of promises.
"""


def questions(minutes: int) -> tuple[str, str, str]:
    """Return what is asked of all alerts at the end: first and last second, and how often."""
    stamps = f'timestamp(ALERTS{{alertstate="firing"}})[{minutes}m:{STEP}s]'
    return (
        f"min without (alertstate) (min_over_time({stamps}))",
        f"max without (alertstate) (max_over_time({stamps}))",
        f'sum without (alertstate) (count_over_time(ALERTS{{alertstate="firing"}}[{minutes}m]))',
    )


def name_of(incident: Incident) -> str:
    """Return how its test is called."""
    if not incident.fires:
        return f"{incident.title}: nothing fires"
    return f"{incident.title}: {', '.join(sorted(incident.fires))}; nothing else"


def write_rule_tests(played: Sequence[tuple[Incident, Played]]) -> str:
    """Return the text of the file; what is as in the first film is written there only."""
    lines = [_HEAD + "rule_files:"]
    lines += [f"  - ../{file.relative_to(ROOT).as_posix()}" for file in RULES]
    lines += ["", f"evaluation_interval: {STEP}s"]
    lines += [f"group_eval_order: [{', '.join(group_order())}]", "", "tests:"]
    usual = series_of(played[0][0].stretches)
    for number, (incident, found) in enumerate(played):
        lines += ["" * bool(number), f"  - name: {_quoted(name_of(incident))}"]
        lines += [f"    interval: {SCRAPE}", "    input_series:" + " [" * bool(number)]
        series = series_of(incident.stretches)
        lines += _series(series, usual) if number else _anchors(usual)
        lines += _expected(incident, found)
    return "\n".join(lines) + "\n"


def group_order() -> list[str]:
    """Return all groups as they depend on each other: what is recorded, promises, alerts."""
    groups = [group["name"] for file in RULES for group in _content(file)["groups"]]
    return sorted(groups, key=lambda name: (name.endswith("-alerts"), "-slo" in name, name))


def _content(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text())
    return found


def _anchors(usual: Mapping[str, str]) -> Iterator[str]:
    for number, (name, values) in enumerate(usual.items()):
        yield f"      - &s{number} {{series: {_quoted(name)}, values: {_quoted(values)}}}"


def _series(series: Mapping[str, str], usual: Mapping[str, str]) -> Iterator[str]:
    numbers = {name: number for number, name in enumerate(usual)}
    same = [f"*s{numbers[name]}" for name in series if series[name] == usual.get(name)]
    if same:
        yield "      # As on an ordinary day:"
        yield from _wrapped(same)
    changed = {name: of for name, of in series.items() if of != usual.get(name)}
    if changed:
        yield "      # Not as on an ordinary day:"
        for name, values in changed.items():
            yield f"      {{series: {_quoted(name)}, values: {_quoted(values)}}},"
    yield "    ]"


def _wrapped(words: Sequence[str]) -> Iterator[str]:
    line = "     "
    for word in words:
        if len(line) + len(word) > _WIDTH:
            yield line
            line = "     "
        line += f" {word},"
    yield line


def _expected(incident: Incident, found: Played) -> Iterator[str]:
    fired = in_order(found.fired)
    if fired:
        yield "    # What the first of each kind says:"
    for kind in found.of_kinds():
        yield f"    #   {', '.join(filter(None, kind))}: {found.said[kind]}"
    yield "    promql_expr_test:"
    first, last, times = questions(incident.minutes)
    for question, values in (
        (first, [one.first for one in fired]),
        (last, [one.last for one in fired]),
        (times, [one.times for one in fired]),
    ):
        yield f"      - expr: {_quoted(question)}"
        yield f"        eval_time: {incident.minutes}m"
        yield "        exp_samples:" + " []" * (not fired)
        for one, value in zip(fired, values, strict=True):
            yield f"          - {{labels: {_quoted(_selector(one.labels))}, value: {value}}}"


def _selector(labels: Labels) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def read_rule_tests(text: str) -> list[tuple[str, Played]]:
    """Return what each test of such a file expects, by its name."""
    content: dict[str, Any] = yaml.safe_load(text)
    _, *parts = re.split(r"^  - name: ", text, flags=re.MULTILINE)
    return [
        (test["name"], _played(test, part))
        for test, part in zip(content["tests"], parts, strict=True)
    ]


def _played(test: Mapping[str, Any], text: str) -> Played:
    first, last, times = (
        {_labels(one["labels"]): one["value"] for one in asked["exp_samples"]}
        for asked in test["promql_expr_test"]
    )
    said = {(name, severity, slo): told for name, severity, slo, told in _SAID.findall(text)}
    return Played(tuple(Fired(of, first[of], last[of], times[of]) for of in first), said)


def _labels(selector: str) -> Labels:
    return tuple(sorted(_LABEL.findall(selector)))
