"""Every question that the built files put to Prometheus, as Grafana would put it, and what it reads."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeAlias

import promql_parser

from llmdash.build import Build, panels_of
from llmdash.checks.parsed import children, nodes, parsed
from llmdash.metrics.metric import Metric, Needs
from llmdash.promql.labels import TARGET_LABELS
from tests.live.exposition import Exposition

#: What Grafana fills in at a scrape interval of 15 s, for a reader who has chosen everything.
INTERVALS = {"$__rate_interval": "1m", "$__range": "2m"}
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)[^}]*\}|([A-Za-z_]\w*))")
_VALUES_OF = re.compile(r"label_values\((.*), (\w+)\)")


#: For each recorded name, the static labels and expressions of its rules.
Recorded: TypeAlias = Mapping[str, tuple[tuple[dict[str, str], str], ...]]

#: How a rule records at the first evaluations of an hour only.
_GATHERED = "minute() <"


@dataclass(frozen=True)
class Question:
    """One expression, ready to be asked, and where it stands."""

    place: str
    text: str
    #: The expressions over exporters' series that it rests on: itself, or its recordings' rules.
    foundations: tuple[str, ...]
    #: The label whose values are asked for, where it is not the series themselves.
    values_of: str = ""


def panel_questions(build: Build, model: str) -> Iterator[Question]:
    """Yield every query of every panel; one that is repeated by model is asked for this one."""
    rules = recorded_expressions(build)
    for path, dashboard in build.dashboards.items():
        for panel in panels_of(dashboard):
            # Of a list of several, Grafana escapes what it puts into a pattern.
            escaped = re.escape(model).replace("\\", "\\\\")
            chosen = {"model": escaped} if panel.get("repeat") == "model" else {}
            for target in panel.get("targets", ()):
                text = filled_in(target["expr"], {**first_options(dashboard), **chosen})
                place = f"{path}: {panel['title']}: {target['refId']}"
                yield Question(place, text, tuple(_foundations(text, rules)))


def variable_questions(build: Build) -> Iterator[Question]:
    """Yield the question behind every list of values that a reader may choose from."""
    rules = recorded_expressions(build)
    for path, dashboard in build.dashboards.items():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] != "query":
                continue
            asked = _VALUES_OF.fullmatch(variable["definition"])
            if asked is None:
                raise ValueError(f"{path}: {variable['name']}: {variable['definition']}")
            text = filled_in(asked[1], first_options(dashboard))
            place = f"{path}: variable {variable['name']}"
            yield Question(place, text, tuple(_foundations(text, rules)), asked[2])


def first_options(dashboard: dict[str, Any]) -> dict[str, str]:
    """Return what is chosen of each variable that has a list of its own when a page opens."""
    return {
        variable["name"]: variable["current"]["value"]
        for variable in dashboard["templating"]["list"]
        if variable["type"] in ("custom", "interval", "textbox")
        and isinstance(variable["current"]["value"], str)
        and not variable["current"]["value"].startswith("$")
    }


def annotation_questions(build: Build) -> Iterator[Question]:
    """Yield every annotation query."""
    rules = recorded_expressions(build)
    for path, dashboard in build.dashboards.items():
        for annotation in dashboard["annotations"]["list"]:
            if "expr" in annotation:
                text = filled_in(annotation["expr"], first_options(dashboard))
                yield Question(
                    f"{path}: {annotation['name']}", text, tuple(_foundations(text, rules))
                )


def recording_questions(build: Build) -> Iterator[Question]:
    """Yield every recording, asked for by its name and static labels."""
    for place, rule in build.rule_items():
        if "record" not in rule:
            continue
        labels = rule.get("labels", {})
        matchers = ", ".join(f'{label}="{value}"' for label, value in labels.items())
        text = f"{rule['record']}{{{matchers}}}"
        yield Question(f"{place} {matchers}", text, (rule["expr"],))


def filled_in(expression: str, chosen: Mapping[str, str]) -> str:
    """Return a panel's expression with these values chosen, and of other variables everything."""
    for name, length in INTERVALS.items():
        expression = expression.replace(name, length)

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return chosen.get(name, ".*")

    return _VARIABLE.sub(value, expression)


def recorded_expressions(build: Build) -> Recorded:
    """Return, for each recorded name, the static labels and expressions of its rules."""
    found: dict[str, list[tuple[dict[str, str], str]]] = {}
    for _, rule in build.rule_items():
        if "record" in rule:
            own = (rule.get("labels", {}), rule["expr"])
            found.setdefault(rule["record"], []).append(own)
    return {name: tuple(rules) for name, rules in found.items()}


def _foundations(text: str, rules: Recorded) -> Iterator[str]:
    recorded = False
    for node in nodes(parsed(text)):
        if isinstance(node, promql_parser.VectorSelector) and (node.name or "") in rules:
            recorded = True
            yield from _rules_of(node, rules)
    if not recorded:
        yield text


def _rules_of(selector: Any, rules: Recorded) -> Iterator[str]:
    """Yield the expressions of the rules whose recordings a selector can find."""
    for labels, expression in rules[selector.name or ""]:
        own = [m for m in selector.matchers.matchers if m.name in labels]
        if _satisfies(own, labels):
            yield expression


def hourly_recordings(build: Build) -> frozenset[str]:
    """Return the recordings that are gathered once an hour, and those that rest on them."""
    reads = {
        name: [(expression, _names(expression)) for _, expression in rules]
        for name, rules in recorded_expressions(build).items()
    }
    found: set[str] = set()
    while (
        more := {
            name
            for name, rules in reads.items()
            if any(_GATHERED in expression or found & names for expression, names in rules)
        }
        - found
    ):
        found |= more
    return frozenset(found)


def rests_on(text: str, recordings: frozenset[str]) -> bool:
    """Tell whether an expression reads one of these recordings."""
    return bool(recordings & _names(text))


def _names(text: str) -> set[str]:
    selectors = (getattr(node, "vector_selector", node) for node in nodes(parsed(text)))
    return {
        selector.name or ""
        for selector in selectors
        if isinstance(selector, promql_parser.VectorSelector)
    }


def _satisfies(matchers: Iterable[Any], labels: Mapping[str, str]) -> bool:
    """Tell whether labels satisfy all matchers of promql-parser."""
    for matcher in matchers:
        value, operator = labels.get(matcher.name, ""), str(matcher.op)
        by_pattern = operator.endswith(("Re", "NotRe"))
        found = re.fullmatch(matcher.value, value) if by_pattern else matcher.value == value
        if bool(found) == ("Not" in operator):
            return False
    return True


def is_driven(text: str, before: Exposition, after: Exposition) -> bool:
    """Tell whether the servers' pages show growth of the counters that an expression rests on.

    Of the alternatives of an `or` one is enough; everything else that is joined must have grown.
    """
    return _grew(parsed(text), before, after) is True


def _grew(node: Any, before: Exposition, after: Exposition) -> bool | None:
    """Tell whether the counters below a node rose; None where there is none."""
    if isinstance(node, promql_parser.MatrixSelector):
        return _total(node.vector_selector, after) > _total(node.vector_selector, before)
    if isinstance(node, promql_parser.BinaryExpr) and str(node.op) == "*" and str(node.rhs) == "0":
        return False  # a zero for those who have not counted yet, however much the rest rose
    found = [grew for child in children(node) if (grew := _grew(child, before, after)) is not None]
    if not found:
        return None
    return any(found) if _is_or(node) else all(found)


def _is_or(node: Any) -> bool:
    return isinstance(node, promql_parser.BinaryExpr) and str(node.op) == "or"


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


def may_be_zero(text: str) -> bool:
    """Tell whether an expression may be zero however much its counters rise.

    Two that rose can have no difference, and all of what rose can lie above one bucket's edge.
    """
    for node in nodes(parsed(text)):
        if not isinstance(node, promql_parser.BinaryExpr):
            continue
        if str(node.op) == "-" or (str(node.op) == "/" and _is_below_an_edge(node.lhs)):
            return True
    return False


def _is_below_an_edge(tree: Any) -> bool:
    selectors = (getattr(node, "vector_selector", node) for node in nodes(tree))
    return any(
        matcher.name == "le" and "Inf" not in matcher.value
        for selector in selectors
        if isinstance(selector, promql_parser.VectorSelector)
        for matcher in selector.matchers.matchers
    )


#: What lists only offenders: a comparison with a number that keeps some series.
_FILTER = re.compile(r" (?:==|!=|>=|<=|>|<) -?\d[\d.e+]*(?=[)\s]|$)")


def without_filters(text: str) -> str:
    """Return an expression that lists what its comparisons would have left out, too."""
    return _FILTER.sub("", text)


def longest_look_back(text: str) -> timedelta:
    """Return how long ago the oldest of an expression's selectors begins to look."""
    selectors = (getattr(node, "vector_selector", node) for node in nodes(parsed(text)))
    offsets = (getattr(selector, "offset", None) for selector in selectors)
    return max((offset for offset in offsets if offset is not None), default=timedelta())


@dataclass(frozen=True)
class Excuse:
    """Why a question may go unanswered: the family that it lacks, if it is one, and the reason."""

    family: str
    reason: str

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.family} {self.reason}".strip()


def _needs(needs: Iterable[Needs]) -> str:
    return f"needs {', '.join(need.value for need in needs)}"


def excuse(
    question: Question,
    metrics: Sequence[Metric],
    pages: Sequence[Exposition],
    newer: Mapping[str, str] = MappingProxyType({}),
    rules: Recorded = MappingProxyType({}),
) -> Excuse | None:
    """Return why a question may go unanswered: all that it rests on needs what is not here.

    A foundation is excused by one family that no page shows, for want of what it needs or because
    the server is older (`newer`: the reason by family), or that stays at zero for want of it; by
    a recording whose `rules` are all excused; of the alternatives of an `or`, all must be.
    """
    shown = {family for page in pages for family in page.families}
    by_series = {name: metric for metric in metrics for name in metric.series_names()}
    #: Recordings on the way down: one that reads its own past is not excused by it.
    entered: set[str] = set()

    def recorded(node: Any) -> Excuse | None:
        if node.name in entered:
            return None
        entered.add(node.name)
        found = [lacking(parsed(expression)) for expression in _rules_of(node, rules)]
        entered.remove(node.name)
        return None if None in found or not found else found[0]

    def lacking(node: Any) -> Excuse | None:
        if isinstance(node, promql_parser.VectorSelector):
            if node.name in rules:
                return recorded(node)
            metric = by_series.get(node.name or "")
            if metric is None:
                return None
            if metric.name not in shown:
                if metric.needs:
                    return Excuse(metric.name, _needs(metric.needs))
                return Excuse(metric.name, newer[metric.name]) if metric.name in newer else None
            if metric.idle_without and not any(_total(node, page) for page in pages):
                return Excuse(metric.name, f"stays at zero: {_needs(metric.idle_without)}")
            return None
        if isinstance(node, promql_parser.MatrixSelector):
            return lacking(node.vector_selector)
        if isinstance(node, promql_parser.BinaryExpr) and str(node.op) == "unless":
            return lacking(node.lhs)  # what is not here takes nothing away
        found = [lacking(child) for child in children(node)]
        if _is_or(node) and None in found:
            return None
        return next((each for each in found if each is not None), None)

    excuses = [lacking(parsed(text)) for text in question.foundations]
    return None if None in excuses else excuses[0]
