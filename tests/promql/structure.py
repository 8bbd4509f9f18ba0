"""The structure of an expression, ours and what promql-parser reads, as tuples that can be compared.

Parentheses, layout and the order of matchers are left out, so equal tuples mean that the text says
what was built.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import promql_parser as parser

from llmdash.promql.facts import ValueType
from llmdash.promql.matching import Matching
from llmdash.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Expr,
    Matcher,
    Number,
    Range,
    Selector,
    Taken,
    Text,
    Variable,
)
from llmdash.promql.operators import SETS
from llmdash.promql.windows import Interval

Structure = tuple[Any, ...]

TYPE_NAMES = {
    ValueType.SCALAR: "Scalar",
    ValueType.STRING: "String",
    ValueType.INSTANT: "Vector",
    ValueType.RANGE: "Matrix",
}
_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


def built(expression: Expr) -> Structure:
    """Return the structure of what we built."""
    match expression:
        case Number():
            return ("number", float(expression.value))
        case Text():
            return ("string", expression.value)
        case Selector():
            return ("selector", *_selected(expression))
        case Range(of=Selector() as of):
            length = expression.length
            real = length.placeholder if isinstance(length, Interval) else length
            return ("range", real.milliseconds, *_selected(of))
        case Call():
            result = TYPE_NAMES[expression.facts.type]
            arguments = tuple(built(argument) for argument in expression.arguments)
            return ("call", expression.function, result, arguments)
        case Aggregate():
            without = expression.by is None
            grouping = ("without", expression.without) if without else ("by", expression.by)
            parameter = None if expression.parameter is None else built(expression.parameter)
            return ("aggregate", expression.operator, grouping, parameter, built(expression.of))
        case Binary():
            sides = built(expression.left), built(expression.right)
            types = {side.facts.type for side in (expression.left, expression.right)}
            how = None if ValueType.SCALAR in types else _matched(expression)
            return ("binary", expression.operator, expression.as_state, how, *sides)
        case Taken():
            return built(expression.of)
    raise TypeError(type(expression).__name__)


def _selected(selector: Selector) -> Structure:
    matchers = sorted((m.label, m.operator, _value(m)) for m in selector.matchers)
    ago = None if selector.ago is None else selector.ago.milliseconds
    return (selector.series.name, tuple(matchers), ago)


def _value(matcher: Matcher) -> str:
    value = matcher.value
    return f"${value.name}" if isinstance(value, Variable) else value


def _matched(binary: Binary) -> Structure:
    matching = binary.matching or Matching()
    labels = ("ignoring", matching.ignoring) if matching.on is None else ("on", matching.on)
    card = {None: "OneToOne", "left": "ManyToOne", "right": "OneToMany"}[matching.many]
    if binary.operator in SETS:
        card = "ManyToMany"
    return (labels, card, matching.include)


def read(expression: Any) -> Structure:
    """Return the structure of what promql-parser read."""
    match expression:
        case parser.ParenExpr():
            return read(expression.expr)
        case parser.NumberLiteral():
            return ("number", expression.val)
        case parser.StringLiteral():
            return ("string", expression.val)
        case parser.VectorSelector():
            return ("selector", *_read_selector(expression))
        case parser.MatrixSelector():
            length = _milliseconds(expression.range)
            return ("range", length, *_read_selector(expression.vector_selector))
        case parser.Call():
            result = _name(expression.func.return_type)
            arguments = tuple(read(argument) for argument in expression.args)
            return ("call", expression.func.name, result, arguments)
        case parser.AggregateExpr():
            grouping: Structure = ("by", ())
            if expression.modifier is not None:
                kind = _name(expression.modifier.type).lower()
                grouping = (kind, tuple(expression.modifier.labels))
            parameter = None if expression.param is None else read(expression.param)
            return ("aggregate", str(expression.op), grouping, parameter, read(expression.expr))
        case parser.BinaryExpr():
            return _read_binary(expression)
    raise TypeError(type(expression).__name__)


def _read_selector(selector: parser.VectorSelector) -> Structure:
    assert selector.at is None
    assert [] == selector.matchers.or_matchers
    matchers = [(m.name, _OPERATORS[_name(m.op)], m.value) for m in selector.matchers.matchers]
    ago = None if selector.offset is None else _milliseconds(selector.offset)
    return (selector.name, tuple(sorted(matchers)), ago)


def _read_binary(binary: parser.BinaryExpr) -> Structure:
    sides = read(binary.lhs), read(binary.rhs)
    modifier = binary.modifier
    as_state = modifier is not None and modifier.return_bool
    if _is_scalar(binary.lhs) or _is_scalar(binary.rhs):
        return ("binary", str(binary.op), as_state, None, *sides)
    labels: Structure = ("ignoring", ())
    card = "OneToOne"
    include: tuple[str, ...] = ()
    if modifier is not None:
        card = _name(modifier.card)
        include = tuple(modifier.group_labels or ())
        if modifier.matching is not None:
            kind = {"Include": "on", "Exclude": "ignoring"}[_name(modifier.matching.type)]
            labels = (kind, tuple(modifier.matching.labels))
    return ("binary", str(binary.op), as_state, (labels, card, include), *sides)


def _is_scalar(expression: Any) -> bool:
    match expression:
        case parser.ParenExpr():
            return _is_scalar(expression.expr)
        case parser.NumberLiteral():
            return True
        case parser.Call():
            return _name(expression.func.return_type) == "Scalar"
        case parser.BinaryExpr():
            return _is_scalar(expression.lhs) and _is_scalar(expression.rhs)
    return False


def _name(member: object) -> str:
    return str(member).rpartition(".")[2]


def _milliseconds(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)
