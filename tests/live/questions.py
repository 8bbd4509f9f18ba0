"""Every question that the built files put to Prometheus, as Grafana would put it, and what it reads."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import promql_parser

from llmdash.build import Build, panels_of
from llmdash.checks.parsed import nodes, parsed
from llmdash.metrics.metric import Metric, Needs
from llmdash.promql.labels import TARGET_LABELS
from tests.live.exposition import Exposition

#: What Grafana fills in at a scrape interval of 15 s, for a reader who has chosen everything.
INTERVALS = {"$__rate_interval": "1m", "$__range": "2m"}
_VARIABLE = re.compile(r"\$(?:\{(\w+)[^}]*\}|(\w+))")


@dataclass(frozen=True)
class Question:
    """One expression, ready to be asked, and where it stands."""

    place: str
    text: str
    #: The expressions over exporters' series that it rests on: itself, or its recordings' rules.
    foundations: tuple[str, ...]


def panel_questions(build: Build, models: Sequence[str]) -> Iterator[Question]:
    """Yield every query of every panel; a repeated panel is asked for each model."""
    rules = recorded_expressions(build)
    for path, dashboard in build.dashboards.items():
        for panel in panels_of(dashboard):
            for target in panel.get("targets", ()):
                for model in models if panel.get("repeat") else (".*",):
                    text = filled_in(target["expr"], model)
                    place = f"{path}: {panel['title']}: {target['refId']}"
                    yield Question(place, text, tuple(_foundations(text, rules)))


def annotation_questions(build: Build) -> Iterator[Question]:
    """Yield every annotation query."""
    rules = recorded_expressions(build)
    for path, dashboard in build.dashboards.items():
        for annotation in dashboard["annotations"]["list"]:
            if "expr" in annotation:
                text = filled_in(annotation["expr"], ".*")
                yield Question(
                    f"{path}: {annotation['name']}", text, tuple(_foundations(text, rules))
                )


def recording_questions(build: Build) -> Iterator[Question]:
    """Yield every recording, asked for by its name and static labels."""
    for place, rule in build.rule_items():
        matchers = ", ".join(f'{label}="{value}"' for label, value in rule["labels"].items())
        text = f"{rule['record']}{{{matchers}}}"
        yield Question(f"{place} {matchers}", text, (rule["expr"],))


def filled_in(expression: str, model: str) -> str:
    """Return a panel's expression with everything chosen that a reader could choose."""
    for name, length in INTERVALS.items():
        expression = expression.replace(name, length)

    def chosen(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return re.escape(model).replace("\\", "\\\\") if name == "model" and model != ".*" else ".*"

    return _VARIABLE.sub(chosen, expression)


def recorded_expressions(build: Build) -> Mapping[str, tuple[tuple[dict[str, str], str], ...]]:
    """Return, for each recorded name, the static labels and expressions of its rules."""
    found: dict[str, list[tuple[dict[str, str], str]]] = {}
    for _, rule in build.rule_items():
        found.setdefault(rule["record"], []).append((rule["labels"], rule["expr"]))
    return {name: tuple(rules) for name, rules in found.items()}


def _foundations(
    text: str, rules: Mapping[str, tuple[tuple[dict[str, str], str], ...]]
) -> Iterator[str]:
    recorded = False
    for node in nodes(parsed(text)):
        if isinstance(node, promql_parser.VectorSelector) and (node.name or "") in rules:
            recorded = True
            for labels, expression in rules[node.name or ""]:
                own = [m for m in node.matchers.matchers if m.name in labels]
                if _satisfies(own, labels):
                    yield expression
    if not recorded:
        yield text


def _satisfies(matchers: Iterable[Any], labels: Mapping[str, str]) -> bool:
    """Tell whether labels satisfy all matchers of promql-parser."""
    for matcher in matchers:
        value, operator = labels.get(matcher.name, ""), str(matcher.op)
        by_pattern = operator.endswith(("Re", "NotRe"))
        found = re.fullmatch(matcher.value, value) if by_pattern else matcher.value == value
        if bool(found) == ("Not" in operator):
            return False
    return True


def growing_counters(text: str, before: Exposition, after: Exposition) -> Iterator[bool]:
    """Yield, for each range of counters in an expression, whether the servers' pages show growth."""
    for node in nodes(parsed(text)):
        if isinstance(node, promql_parser.MatrixSelector):
            selector = node.vector_selector
            growth = _total(selector, after) - _total(selector, before)
            yield growth > 0


def _total(selector: Any, page: Exposition) -> float:
    # A page does not know what Prometheus adds to its series.
    own = [m for m in selector.matchers.matchers if m.name not in TARGET_LABELS]
    return sum(
        sample.value
        for sample in page.samples()
        if sample.name == selector.name
        and not math.isnan(sample.value)
        and _satisfies(own, sample.labels)
    )


def names_read(question: Question) -> frozenset[str]:
    """Return the names of the exporters' series that a question rests on."""
    return frozenset(
        node.name
        for text in question.foundations
        for node in nodes(parsed(text))
        if isinstance(node, promql_parser.VectorSelector) and node.name
    )


@dataclass(frozen=True)
class Excuse:
    """Why a question may go unanswered: what a family needs that is not here."""

    family: str
    needs: tuple[Needs, ...]

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.family} needs {', '.join(need.value for need in self.needs)}"


def excuse(
    question: Question, metrics: Sequence[Metric], pages: Sequence[Exposition]
) -> Excuse | None:
    """Return why a question may go unanswered: a family with needs that no server's page shows."""
    shown = {family for page in pages for family in page.families}
    by_series = {name: metric for metric in metrics for name in metric.series_names()}
    for name in sorted(names_read(question)):
        metric = by_series.get(name)
        if metric is not None and metric.needs and metric.name not in shown:
            return Excuse(metric.name, metric.needs)
    return None
