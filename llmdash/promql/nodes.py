"""The nodes of an expression: frozen data that knows its facts, and refuses to mean nothing.

A node is checked when it is made, so a wrong program fails where it is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from llmdash.errors import PromqlError
from llmdash.promql.edges import Edges
from llmdash.promql.facts import UNBOUNDED, Facts, Usage, ValueType
from llmdash.promql.functions import AGGREGATIONS, FUNCTIONS
from llmdash.promql.labels import TARGET_LABELS, Labels, is_label_name, nearest
from llmdash.promql.matchers import (
    Matcher,
    Variable,
    check_matcher,
    check_together,
    edges_left,
)
from llmdash.promql.matching import Matching, check_can_meet, joined_labels, matched_labels
from llmdash.promql.operators import (
    ARITHMETIC,
    COMPARISONS,
    MIRRORED,
    SETS,
    check_limit,
    facts_of_union,
    facts_of_values,
    state_of,
)
from llmdash.promql.relabelling import relabelled
from llmdash.promql.series import Series
from llmdash.promql.units import RATIO, Unit
from llmdash.promql.windows import Duration, Window, window

# The parts of nodes that have files of their own are offered here too.
__all__ = [
    "COMPARISONS",
    "SETS",
    "Aggregate",
    "Binary",
    "Call",
    "Expr",
    "Matcher",
    "Matching",
    "Number",
    "Range",
    "Selector",
    "Taken",
    "Text",
    "Variable",
]

ArithmeticOperator = Literal["+", "-", "*", "/", "%", "^"]
ComparisonOperator = Literal["==", "!=", ">", "<", ">=", "<="]
SetOperator = Literal["and", "or", "unless"]


@dataclass(frozen=True)
class Expr:
    """Any expression; `facts` say what is known of it."""

    facts: Facts = field(init=False, compare=False, repr=False)

    def _derive(self, facts: Facts) -> None:
        object.__setattr__(self, "facts", facts)

    @property
    def unit(self) -> Unit:
        """The unit, a ratio for a bare number."""
        return self.facts.unit or RATIO

    @property
    def labels(self) -> Labels:
        """The labels of the result."""
        return self.facts.labels

    def children(self) -> tuple[Expr, ...]:
        """Return the expressions right below this one."""
        return ()

    def walk(self) -> Iterator[Expr]:
        """Yield this expression and all below it."""
        yield self
        for child in self.children():
            yield from child.walk()

    def __add__(self, other: Expr | float) -> Binary:
        """Add; the units must be alike."""
        return Binary("+", self, _operand(other))

    def __sub__(self, other: Expr | float) -> Binary:
        """Subtract; the units must be alike."""
        return Binary("-", self, _operand(other))

    def __rsub__(self, other: float) -> Binary:
        """Subtract from a number."""
        return Binary("-", Number(other), self)

    def __mul__(self, other: Expr | float) -> Binary:
        """Multiply; units multiply."""
        return Binary("*", self, _operand(other))

    def __truediv__(self, other: Expr | float) -> Binary:
        """Divide; units divide."""
        return Binary("/", self, _operand(other))

    def __gt__(self, other: Expr | float) -> Binary:
        """Keep the series above the other side."""
        return Binary(">", self, _operand(other))

    def __ge__(self, other: Expr | float) -> Binary:
        """Keep the series at or above the other side."""
        return Binary(">=", self, _operand(other))

    def __lt__(self, other: Expr | float) -> Binary:
        """Keep the series below the other side."""
        return Binary("<", self, _operand(other))

    def __le__(self, other: Expr | float) -> Binary:
        """Keep the series at or below the other side."""
        return Binary("<=", self, _operand(other))


def _operand(value: Expr | float) -> Expr:
    return value if isinstance(value, Expr) else Number(value)


@dataclass(frozen=True)
class Number(Expr):
    """A number; without a unit it takes that of its neighbour."""

    value: float
    measured_in: Unit | None = None

    def __post_init__(self) -> None:
        """A number has no labels; what is not a number is never meant."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise PromqlError("a number", "an expression", repr(self.value))
        if math.isnan(self.value):
            raise PromqlError("a number", "an expression", "NaN")
        self._derive(Facts(ValueType.SCALAR, f"{self.value:g}", self.measured_in))


@dataclass(frozen=True)
class Text(Expr):
    """A string argument."""

    value: str

    def __post_init__(self) -> None:
        """A string has neither unit nor labels."""
        self._derive(Facts(ValueType.STRING, repr(self.value)))


@dataclass(frozen=True)
class Selector(Expr):
    """Series of one name that satisfy all matchers, optionally some time ago."""

    series: Series
    matchers: tuple[Matcher, ...] = ()
    ago: Duration | None = None

    def __post_init__(self) -> None:
        """Check labels, values and edges of the matchers."""
        series, place = self.series, f"the matchers of {self.series.name}"
        names = frozenset(series.labels.names)
        if series.has_target_labels:
            names |= TARGET_LABELS
        if series.edges is not None:
            names |= {"le"}
        labels = Labels(names, is_open=series.labels.is_open)
        for matcher in self.matchers:
            # An equality with nothing may name a label that is not there.
            if not (matcher.operator == "=" and matcher.value == ""):
                labels.require((matcher.label,), place)
            check_matcher(matcher, series.labels.allowed(matcher.label), place)
        check_together(self.matchers, place)
        edges = None
        if series.edges is not None:
            edges = edges_left(series.edges, self.matchers, f"le of {series.name}")
        for matcher in self.matchers:
            if matcher.pins and labels.has(matcher.label):
                labels = labels.pin(matcher.label, matcher.pinned_value)
            elif matcher.label == "le" and edges is None:
                # The spellings of one edge.
                labels = labels.pin("le", str(matcher.value))
        self._derive(
            Facts(
                ValueType.INSTANT,
                series.name,
                series.unit,
                series.usage,
                labels,
                edges,
                series.keep,
                series.bounds,
            )
        )

    def where(self, *matchers: Matcher, **equal: str | Variable) -> Selector:
        """Return the selector with more matchers; a keyword is an equality.

        A variable is matched by `=~`: Grafana joins several values by `|`, and escapes even a
        single one for a regular expression when the variable could hold several.
        """
        more = [
            Matcher(label, "=" if isinstance(value, str) else "=~", value)
            for label, value in equal.items()
        ]
        # The same condition twice says nothing more.
        new = [matcher for matcher in (*matchers, *more) if matcher not in self.matchers]
        return replace(self, matchers=(*self.matchers, *new))

    def over(self, length: Window | str) -> Range:
        """Return the samples of a window up to now."""
        return Range(self, window(length))

    def offset(self, ago: Duration | str) -> Selector:
        """Return the same series as they were some time ago."""
        if self.ago is not None:
            raise PromqlError("one offset", self.series.name, f"offset {self.ago} and another")
        return replace(self, ago=Duration.parse(ago) if isinstance(ago, str) else ago)


@dataclass(frozen=True)
class Range(Expr):
    """The samples of a selector within a window; made by `.over(window)` only."""

    of: Expr
    length: Window

    def __post_init__(self) -> None:
        """Only a selector has samples to look back on."""
        if not isinstance(self.of, Selector):
            hint = "record the inner expression first"
            raise PromqlError("a selector", "a range", self.of.facts.name, hint)
        self._derive(replace(self.of.facts, type=ValueType.RANGE))

    def children(self) -> tuple[Expr, ...]:
        """Return the selector."""
        return (self.of,)


@dataclass(frozen=True)
class Call(Expr):
    """A function applied to arguments."""

    function: str
    arguments: tuple[Expr, ...]

    def __post_init__(self) -> None:
        """Check the arguments against the table, then ask it for the result."""
        rule = FUNCTIONS.get(self.function)
        if rule is None:
            hint = nearest(self.function, FUNCTIONS)
            raise PromqlError("a known function", "a call", self.function, hint)
        most, given = len(rule.arguments), len(self.arguments)
        if not most - rule.optional <= given <= most:
            raise PromqlError(_count_of(most, "argument"), self.function, str(given))
        for wanted, argument in zip(rule.arguments, self.arguments, strict=False):
            if argument.facts.type is not wanted:
                got = f"{argument.facts.name}, {argument.facts.type.value}"
                raise PromqlError(wanted.value, self.function, got)
        self._check_numbers()
        facts = rule.result(self.function, tuple(argument.facts for argument in self.arguments))
        if self.function == "label_replace":
            facts = relabelled(facts, *(_text(argument) for argument in self.arguments[1:]))
        if self.function in ("absent", "absent_over_time"):
            facts = replace(facts, labels=self._absent_labels())
        self._derive(facts)

    def _check_numbers(self) -> None:
        if self.function in ("histogram_quantile", "quantile_over_time"):
            check_quantile(self.arguments[0], self.function)
        if self.function == "clamp":
            low, high = self.arguments[1:]
            if isinstance(low, Number) and isinstance(high, Number) and low.value > high.value:
                got = f"{low.facts.name} and {high.facts.name}"
                raise PromqlError("limits that ascend", self.function, got)

    def _absent_labels(self) -> Labels:
        """Return the labels of a series that says what is absent: those with an equality."""
        (of,) = self.arguments
        while isinstance(of, Range | Taken):
            of = of.of
        if not isinstance(of, Selector):
            return Labels()
        for matcher in of.matchers:
            value = matcher.value
            if matcher.label == "le" or matcher.operator != "=~" or isinstance(value, Variable):
                continue
            if "|" in value:
                hint = "it is absent only when all are gone; ask for one at a time"
                raise PromqlError(f"one value of {matcher.label}", self.function, value, hint)
        return of.labels.keep(m.label for m in of.matchers if m.operator == "=" and m.value != "")

    def children(self) -> tuple[Expr, ...]:
        """Return the arguments."""
        return self.arguments


def _count_of(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _text(expression: Expr) -> str:
    if not isinstance(expression, Text):
        raise PromqlError("a string", "label_replace", expression.facts.name)
    return expression.value


def check_quantile(share: Expr, place: str) -> None:
    """Raise a PromqlError unless the share is a number from 0 to 1."""
    if not isinstance(share, Number) or not 0 <= share.value <= 1:
        got = share.facts.name
        raise PromqlError("a quantile from 0 to 1", place, got)


@dataclass(frozen=True)
class Aggregate(Expr):
    """Series combined by labels."""

    operator: str
    of: Expr
    by: tuple[str, ...] | None = ()
    without: tuple[str, ...] = ()
    parameter: Expr | None = None

    def __post_init__(self) -> None:
        """Check labels, edges and what may not be added up."""
        rule = AGGREGATIONS.get(self.operator)
        if rule is None:
            hint = nearest(self.operator, AGGREGATIONS)
            raise PromqlError("a known aggregation", "an expression", self.operator, hint)
        of, place = self.of.facts, self.operator
        if of.type is not ValueType.INSTANT:
            raise PromqlError(ValueType.INSTANT.value, place, f"{of.name}, {of.type.value}")
        self._check_parameter(rule.parameter)
        if self.without:
            if self.by:
                raise PromqlError("by or without", place, "both")
            object.__setattr__(self, "by", None)
        of.labels.require(self.by or self.without, place)
        facts = rule.result(self.operator, of)
        if rule.keeps_series:
            self._derive(facts)
            return
        labels = of.labels.drop(self.without) if self.by is None else of.labels.keep(self.by)
        if rule.adds_label and isinstance(self.parameter, Text):
            labels = labels.add((self.parameter.value,))
        self._refuse_double_counting(labels, of)
        self._refuse_unlike_edges(labels, of)
        edges = facts.edges if "le" in labels.names else None
        self._derive(replace(facts, labels=labels, edges=edges, keep=of.keep & labels.names))

    def _check_parameter(self, wanted: ValueType | None) -> None:
        place, given = self.operator, self.parameter
        if given is None and wanted is None:
            return
        if given is None or wanted is None:
            expected = "a parameter" if wanted else "no parameter"
            raise PromqlError(expected, place, "none" if wanted else "one")
        if given.facts.type is not wanted:
            raise PromqlError(wanted.value, place, f"{given.facts.name}, {given.facts.type.value}")
        if place == "quantile":
            check_quantile(given, place)
        elif isinstance(given, Text) and not is_label_name(given.value):
            raise PromqlError("a label name", place, repr(given.value))
        elif isinstance(given, Number) and (given.value < 1 or given.value % 1):
            raise PromqlError("a whole number above zero", place, given.facts.name)

    def _refuse_double_counting(self, labels: Labels, of: Facts) -> None:
        if self.operator not in ("sum", "avg", "count"):
            return
        place = f"{self.operator} of {of.name}"
        lost = sorted(of.keep - labels.names - of.labels.pinned)
        if lost:
            hint = f"keep it in by(), or select one {lost[0]}"
            raise PromqlError(f"the label {lost[0]} kept", place, f"by {labels}", hint)
        if of.edges is not None and "le" not in labels.names:
            # Buckets are cumulative: each observation stands in many of them.
            hint = "keep it in by(), or choose one bucket with at_most"
            raise PromqlError("the label le kept", place, f"by {labels}", hint)

    def _refuse_unlike_edges(self, labels: Labels, of: Facts) -> None:
        if of.edges is None or "le" not in labels.names:
            return
        lost = sorted(of.edges.varies_by - labels.names)
        if lost:
            hint = f"keep {lost[0]}, select one {lost[0]}, or take the edges that all share"
            expected = f"series with equal bucket edges (they differ by {lost[0]})"
            raise PromqlError(expected, f"{self.operator} of {of.name}", f"by {labels}", hint)

    def children(self) -> tuple[Expr, ...]:
        """Return what is aggregated, and the parameter."""
        return (self.of,) if self.parameter is None else (self.parameter, self.of)


@dataclass(frozen=True)
class Binary(Expr):
    """Two expressions joined by an operator."""

    operator: str
    left: Expr
    right: Expr
    matching: Matching | None = None
    #: Give 0 or 1 for each series instead of keeping those that compare.
    as_state: bool = False

    def __post_init__(self) -> None:
        """Check types, units and labels of both sides."""
        left, right = self.left.facts, self.right.facts
        if self.operator not in (*ARITHMETIC, *COMPARISONS, *SETS):
            raise PromqlError("a known operator", "an expression", self.operator)
        if self.as_state and self.operator not in COMPARISONS:
            raise PromqlError("a comparison", "bool", self.operator)
        for side in (left, right):
            if side.type not in (ValueType.INSTANT, ValueType.SCALAR):
                got = f"{side.name}, {side.type.value}"
                raise PromqlError("an instant vector or a scalar", self.operator, got)
        if self.operator in SETS:
            facts = self._set_facts(left, right)
        else:
            facts = self._value_facts(left, right)
        self._derive(facts)

    def _value_facts(self, left: Facts, right: Facts) -> Facts:
        for side in (left, right):
            hint = side.usage.in_the_way
            if hint:
                got = f"{side.name}, {side.usage.value}"
                raise PromqlError("a value", self.operator, got, hint)
        both_scalar = left.type is right.type is ValueType.SCALAR
        if self.operator in COMPARISONS and both_scalar and not self.as_state:
            raise PromqlError("bool", f"{self.operator} of two scalars", "none")
        vector = left if left.type is ValueType.INSTANT else right
        labels = vector.labels
        if left.type is right.type is ValueType.INSTANT:
            alone = (_alone_by(self.left), _alone_by(self.right))
            labels = joined_labels(left, right, self.operator, self.matching or Matching(), alone)
        elif self.matching is not None:
            raise PromqlError("two vectors", f"{self.operator} with on or ignoring", "a scalar")
        if self.operator in COMPARISONS:
            self._check_limits(left, right)
        exponent = self.right.value if isinstance(self.right, Number) else None
        facts = facts_of_values(self.operator, left, right, labels, exponent)
        is_share = self.left != self.right and _is_part_of(self.left, self.right)
        if self.operator == "/" and is_share:
            facts = replace(facts, bounds=(0, 1))
        return state_of(facts) if self.as_state else facts

    def _check_limits(self, left: Facts, right: Facts) -> None:
        if isinstance(self.right, Number):
            check_limit(left, self.operator, self.right.value, as_state=self.as_state)
        if isinstance(self.left, Number):
            operator = MIRRORED[self.operator]
            check_limit(right, operator, self.left.value, as_state=self.as_state)

    def _set_facts(self, left: Facts, right: Facts) -> Facts:
        for side in (left, right):
            if side.type is ValueType.SCALAR:
                raise PromqlError("two vectors", self.operator, f"{side.name}, a scalar")
        matching = self.matching or Matching()
        if matching.many is not None:
            raise PromqlError("no group_left or group_right", self.operator, "one")
        matched = matched_labels(left, right, self.operator, matching)
        if self.operator == "or":
            return facts_of_union(left, right)
        check_can_meet(left, right, self.operator, matched)
        return replace(left, name=f"{left.name} {self.operator} {right.name}")

    def children(self) -> tuple[Expr, ...]:
        """Return both sides."""
        return (self.left, self.right)


def _alone_by(expression: Expr) -> frozenset[str] | None:
    """Return labels by which no two series are alike: `x and on (a) count by (a) (x) == 1`."""
    match expression:
        case Selector(series=series) if series.alone_by:
            return series.alone_by
        case Binary(
            operator="and",
            left=kept,
            right=Binary(
                operator="==", left=Aggregate(operator="count", of=counted, by=by), right=Number(1)
            ),
            matching=Matching(on=on),
        ) if counted == kept and by is not None and on is not None and set(by) == set(on):
            return frozenset(on)
        case Aggregate(operator="topk" | "bottomk", parameter=Number(1), by=by) if by is not None:
            return frozenset(by)
    return None


def _is_part_of(part: Expr, whole: Expr) -> bool:
    """Tell whether one expression is the other over fewer series, so that it is never greater."""
    match part, whole:
        case Selector(), Selector():
            alike = replace(part, matchers=()) == replace(whole, matchers=())
            return alike and set(part.matchers) >= set(whole.matchers)
        case Range(), Range():
            return part.length == whole.length and _is_part_of(part.of, whole.of)
        case Call(function="rate" | "increase"), Call():
            arguments = zip(part.arguments, whole.arguments, strict=False)
            return part.function == whole.function and all(_is_part_of(*pair) for pair in arguments)
        case Aggregate(operator="sum"), Aggregate(operator="sum"):
            grouped_alike = (part.by, part.without) == (whole.by, whole.without)
            low, _ = part.of.facts.bounds
            return grouped_alike and low is not None and low >= 0 and _is_part_of(part.of, whole.of)
    return False


@dataclass(frozen=True)
class Taken(Expr):
    """An expression read in another unit or usage, with the reason; it prints as what it holds."""

    of: Expr
    because: str
    measured_in: Unit | None = None
    usage: Usage | None = None
    edges: Edges | None = None

    def __post_init__(self) -> None:
        """Replace what is said; keep the rest."""
        facts = self.of.facts
        self._derive(
            replace(
                facts,
                unit=self.measured_in or facts.unit,
                usage=self.usage or facts.usage,
                edges=self.edges or facts.edges,
                bounds=facts.bounds if self.measured_in is None else UNBOUNDED,
            )
        )

    def children(self) -> tuple[Expr, ...]:
        """Return what is read."""
        return (self.of,)
