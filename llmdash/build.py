"""What the compiler hands on: the files of a build, and their content as plain data for checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmdash.artifacts import Artifact
from llmdash.coverage import Coverage
from llmdash.pack import Pack
from llmdash.problems import Problem
from llmdash.promql.windows import INTERVALS

_VALUES_OF = re.compile(r"label_values\((.*), \w+\)")


@dataclass(frozen=True)
class Expression:
    """A PromQL text and where it stands."""

    place: str
    text: str
    #: Rules are evaluated by Prometheus as they are; a panel's text holds Grafana's variables.
    in_rule: bool

    @property
    def parseable(self) -> str:
        """The text with Grafana's intervals replaced by real durations that a parser takes."""
        if self.in_rule:
            return self.text  # there an interval of Grafana's is a mistake
        text = self.text
        for interval in INTERVALS:
            text = text.replace(str(interval), str(interval.placeholder))
        return text


@dataclass(frozen=True)
class Build:
    """Everything made from one pack."""

    pack: Pack
    artifacts: tuple[Artifact, ...]
    #: Rendered dashboards by the path of their file.
    dashboards: Mapping[str, dict[str, Any]]
    #: Rule files as plain data, by path.
    rules: Mapping[str, dict[str, Any]]
    #: What was wrong already while compiling.
    problems: tuple[Problem, ...] = ()
    #: False when some source's recordings could not be made: what reads them is then no news.
    is_recorded: bool = True
    #: What of each source is read, in the order of the pack.
    coverage: tuple[Coverage, ...] = ()
    #: The name of the source that a page is of, by path; None for one over recordings.
    page_sources: Mapping[str, str | None] = field(default_factory=dict)

    def rule_items(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every rule with its place (file, group and name)."""
        for path, content in self.rules.items():
            for group in content["groups"]:
                for rule in group["rules"]:
                    name = rule.get("record") or rule.get("alert")
                    yield f"{path}: {group['name']}: {name}", rule

    def expressions(self) -> Iterator[Expression]:
        """Yield every expression of rules, panels, variables and annotations."""
        for place, rule in self.rule_items():
            yield Expression(place, rule["expr"], in_rule=True)
        for path, dashboard in self.dashboards.items():
            for panel in panels_of(dashboard):
                for target in panel.get("targets", ()):
                    place = f"{path}: {panel['title']}: {target['refId']}"
                    yield Expression(place, target["expr"], in_rule=False)
            for variable in dashboard.get("templating", {}).get("list", ()):
                asked = _VALUES_OF.fullmatch(variable.get("definition", ""))
                if asked is not None:
                    place = f"{path}: variable {variable['name']}"
                    yield Expression(place, asked[1], in_rule=False)
            for annotation in dashboard["annotations"]["list"]:
                if "expr" in annotation:
                    place = f"{path}: annotation {annotation['name']}"
                    yield Expression(place, annotation["expr"], in_rule=False)

    def recorded_names(self) -> frozenset[str]:
        """Return the names of all recordings."""
        return frozenset(rule["record"] for _, rule in self.rule_items() if "record" in rule)


def panels_of(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the panels of a rendered dashboard, those of collapsed rows too, rows left out."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", ())
        else:
            yield panel
