"""The one place where expressions become text: for Grafana, for rule files, for a parser.

A target says what Grafana's intervals and variables become. In a rule file they are an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from llmdash.errors import PromqlError
from llmdash.promql.matchers import Matcher, Variable
from llmdash.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Expr,
    Number,
    Range,
    Selector,
    Taken,
    Text,
)
from llmdash.promql.operators import COMPARISONS
from llmdash.promql.windows import INTERVALS, Duration, Interval, Window

#: How tightly operators bind, loosest first, after Prometheus's grammar.
PRECEDENCE = {
    "or": 1,
    "and": 2,
    "unless": 2,
    **dict.fromkeys(COMPARISONS, 3),
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "%": 5,
    "^": 6,
}


@dataclass(frozen=True)
class Target:
    """What an expression is printed for."""

    name: str
    #: What the intervals of Grafana become; without an entry they are an error.
    intervals: Mapping[str, str] = field(default_factory=dict)
    #: What variables become; without an entry they are an error.
    variables: Mapping[str, str] | None = None

    def window(self, length: Window) -> str:
        """Return the text of a window."""
        if isinstance(length, Duration):
            return str(length)
        if length.name not in self.intervals:
            hint = "only Grafana fills it in"
            raise PromqlError("a duration", f"an expression for {self.name}", str(length), hint)
        return self.intervals[length.name]

    def variable(self, variable: Variable) -> str:
        """Return the text of a dashboard variable."""
        if self.variables is None or variable.name not in self.variables:
            hint = "only Grafana fills it in"
            raise PromqlError(
                "a value", f"an expression for {self.name}", f"${variable.name}", hint
            )
        return self.variables[variable.name]


class _AllVariables(dict[str, str]):
    """Leaves every variable as Grafana spells it."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> str:
        return f"${name}"


def _as_spelled(*intervals: Interval) -> dict[str, str]:
    return {interval.name: str(interval) for interval in intervals}


def _placeholders(*intervals: Interval) -> dict[str, str]:
    return {interval.name: str(interval.placeholder) for interval in intervals}


GRAFANA = Target("Grafana", _as_spelled(*INTERVALS), _AllVariables())
RULES = Target("a rule file")
#: For promql-parser: intervals are distinct real durations; variables stand inside quotes already.
PARSER = Target("a parser", _placeholders(*INTERVALS), _AllVariables())


def concrete(intervals: Mapping[str, str], variables: Mapping[str, str]) -> Target:
    """Return a target that fills in what Grafana would, so that Prometheus can be asked."""
    return Target("Prometheus", intervals, variables)


def to_text(expression: Expr, target: Target = RULES) -> str:
    """Return the expression as PromQL.

    Raises:
        PromqlError: it holds an interval or a variable that the target cannot fill in.
    """
    match expression:
        case Number():
            return _number(expression.value)
        case Text():
            return _quoted(expression.value)
        case Selector():
            return _selector(expression, target)
        case Range():
            return _range(expression, target)
        case Call():
            arguments = ", ".join(to_text(a, target) for a in expression.arguments)
            return f"{expression.function}({arguments})"
        case Aggregate():
            return _aggregate(expression, target)
        case Binary():
            return _binary(expression, target)
        case Taken():
            return to_text(expression.of, target)
    raise TypeError(f"no text for {type(expression).__name__}")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _matcher(matcher: Matcher, target: Target) -> str:
    value = matcher.value
    text = target.variable(value) if isinstance(value, Variable) else value
    return f"{matcher.label}{matcher.operator}{_quoted(text)}"


def _braces(selector: Selector, target: Target) -> str:
    inside = ", ".join(_matcher(matcher, target) for matcher in selector.matchers)
    return f"{selector.series.name}{{{inside}}}" if inside else selector.series.name


def _selector(selector: Selector, target: Target) -> str:
    text = _braces(selector, target)
    return text if selector.ago is None else f"{text} offset {selector.ago}"


def _range(expression: Range, target: Target) -> str:
    selector = expression.of
    assert isinstance(selector, Selector)  # a Range holds nothing else
    text = f"{_braces(selector, target)}[{target.window(expression.length)}]"
    return text if selector.ago is None else f"{text} offset {selector.ago}"


def _aggregate(expression: Aggregate, target: Target) -> str:
    clause = ""
    if expression.by is None:
        clause = f" without ({', '.join(expression.without)})"
    elif expression.by:
        clause = f" by ({', '.join(expression.by)})"
    inner = to_text(expression.of, target)
    if expression.parameter is not None:
        inner = f"{to_text(expression.parameter, target)}, {inner}"
    return f"{expression.operator}{clause}{' ' * bool(clause)}({inner})"


def _binary(expression: Binary, target: Target) -> str:
    operator, level = expression.operator, PRECEDENCE[expression.operator]
    # Only ^ groups from the right; where levels are equal the other side needs parentheses.
    left_first = operator != "^"
    left = _operand(expression.left, level, target, tight=not left_first)
    right = _operand(expression.right, level, target, tight=left_first)
    words = [left, operator]
    if expression.as_state:
        words.append("bool")
    matching = expression.matching
    if matching is not None:
        if matching.on is not None:
            words.append(f"on ({', '.join(matching.on)})")
        elif matching.ignoring:
            words.append(f"ignoring ({', '.join(matching.ignoring)})")
        if matching.many is not None:
            words.append(f"group_{matching.many} ({', '.join(matching.include)})")
    words.append(right)
    return " ".join(words)


def _operand(expression: Expr, level: int, target: Target, *, tight: bool) -> str:
    inner = expression
    while isinstance(inner, Taken):
        inner = inner.of
    text = to_text(inner, target)
    if isinstance(inner, Number) and text.startswith(("-", "+")):
        # -1 ^ 2 is -(1 ^ 2).
        return f"({text})"
    if not isinstance(inner, Binary):
        return text
    own = PRECEDENCE[inner.operator]
    return f"({text})" if own < level or (own == level and tight) else text
