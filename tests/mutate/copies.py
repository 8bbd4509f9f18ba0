"""Alerts many times over in one run of promtool: each copy has a name and a mutant of its own.

What alerts read is recorded once for all of them, and what fails is named after its copy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.mistakes.mutants import Rule
from tests.mutate.mutators import Mutant

ALERT = re.compile(r'alertname=~?"(\w+)"')


@dataclass(frozen=True)
class Copy:
    """The rules of one alert's name under another, some of them with a mutant."""

    name: str
    mutants: tuple[Mutant, ...]

    def rules(self, original: Mapping[int, Rule]) -> dict[int, Rule]:
        """Return its rules by the places of the original ones."""
        changed = {mutant.place: mutant.rule for mutant in self.mutants}
        return {
            place: {**changed.get(place, rule), "alert": self.name}
            for place, rule in original.items()
        }


def dealt(name: str, mutants: Sequence[Mutant]) -> Iterator[Copy]:
    """Yield copies of one alert that hold all mutants, each rule one at a time."""
    left = list(mutants)
    number = 0
    while left:
        by_place: dict[int, Mutant] = {}
        rest = []
        for mutant in left:
            if mutant.place in by_place:
                rest.append(mutant)
            else:
                by_place[mutant.place] = mutant
        yield Copy(f"{name}C{number}", tuple(by_place.values()))
        left, number = rest, number + 1


def alone(name: str, mutants: Sequence[Mutant]) -> Iterator[Copy]:
    """Yield a copy of one alert for each mutant."""
    for number, mutant in enumerate(mutants):
        yield Copy(f"{name}A{number}", (mutant,))


def asking(test: Mapping[str, Any], name: str, copies: Sequence[Copy]) -> str | None:
    """Return a rule test in which all that is asked of an alert is asked of its copies."""
    found = []
    for one in test["tests"]:
        alerts = [each for each in one.get("alert_rule_test", ()) if each["alertname"] == name]
        asked = [each for each in one.get("promql_expr_test", ()) if _is_about(each["expr"], name)]
        if not alerts and not asked:
            continue
        of_alerts = [{**each, "alertname": copy.name} for copy in copies for each in alerts]
        # A name stands in the query, and in the labels of what is expected.
        text = json.dumps(asked)
        of_queries = [
            each
            for copy in copies
            for each in json.loads(text.replace(f'\\"{name}\\"', f'\\"{copy.name}\\"'))
        ]
        found.append({**one, "alert_rule_test": of_alerts, "promql_expr_test": of_queries})
    return json.dumps({**test, "tests": found}) if found else None


def _is_about(expression: str, name: str) -> bool:
    return set(ALERT.findall(expression)) == {name}
