"""The operators: which there are, what comes out of them, and which limits mean something."""

from __future__ import annotations

from dataclasses import replace

from llmdash.errors import PromqlError
from llmdash.promql.edges import Edges
from llmdash.promql.facts import UNBOUNDED, Bounds, Facts, Usage, ValueType
from llmdash.promql.labels import Labels
from llmdash.promql.units import RATIO, SECONDS, STATE, TIMESTAMP, Unit

ARITHMETIC = ("+", "-", "*", "/", "%", "^")
COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
SETS = ("and", "or", "unless")

#: The same comparison with its sides exchanged.
MIRRORED = {"==": "==", "!=": "!=", ">": "<", "<": ">", ">=": "<=", "<=": ">="}


def facts_of_values(
    operator: str, left: Facts, right: Facts, labels: Labels, exponent: float | None
) -> Facts:
    """Return the facts of arithmetic or of a comparison, which leaves values of its left side.

    `exponent` is the number on the right, where a number stands there.
    """
    vectors = [side for side in (left, right) if side.type is ValueType.INSTANT]
    values = vectors[0] if vectors else left
    compares = operator in COMPARISONS
    usage = values.usage if compares else _usage_of_result(operator, vectors)
    return Facts(
        ValueType.INSTANT if vectors else ValueType.SCALAR,
        f"{left.name} {operator} {right.name}",
        unit_of_result(operator, left, right, exponent),
        usage,
        labels,
        _edges_of_result(operator, left, right) if "le" in labels.names else None,
        (left.keep | right.keep) & labels.names,
        values.bounds if compares else UNBOUNDED,
    )


def _usage_of_result(operator: str, vectors: list[Facts]) -> Usage:
    if operator == "/" and len(vectors) == 2:
        return Usage.QUOTIENT
    forms = [side.usage for side in vectors if side.usage in (Usage.QUANTILE, Usage.QUOTIENT)]
    return forms[0] if forms else Usage.VALUE


def _edges_of_result(operator: str, left: Facts, right: Facts) -> Edges | None:
    """Return the edges of what are still buckets: scaled, added up, or filtered."""
    if operator in ("+", "-"):
        return left.edges if left.edges == right.edges else None
    if operator in ("*", *COMPARISONS):
        return left.edges or right.edges
    return left.edges if operator == "/" else None


def state_of(comparison: Facts) -> Facts:
    """Return the facts of a comparison that gives 0 or 1 for each series."""
    return replace(comparison, unit=STATE, usage=Usage.VALUE, edges=None, bounds=(0, 1))


def facts_of_union(left: Facts, right: Facts) -> Facts:
    """Return the facts of `or`, whose sides must be alike in unit, usage and edges."""
    unit = unit_of_sum(left.unit, right.unit, "or")
    if left.usage is not right.usage:
        got = f"{left.usage.value} and {right.usage.value}"
        raise PromqlError("values of one form on both sides", "or", got)
    if left.edges != right.edges:
        got = f"{left.name} and {right.name}"
        raise PromqlError("equal bucket edges on both sides", "or", got)
    return Facts(
        ValueType.INSTANT,
        f"{left.name} or {right.name}",
        unit,
        left.usage,
        left.labels.union(right.labels),
        left.edges,
        (left.keep - _chosen_alone(left, right)) | (right.keep - _chosen_alone(right, left)),
        left.bounds if left.bounds == right.bounds else UNBOUNDED,
    )


def _chosen_alone(side: Facts, other: Facts) -> frozenset[str]:
    """Return the labels of which one side has chosen one value, and that the other has not."""
    return side.labels.pinned - other.labels.names


def unit_of_result(operator: str, left: Facts, right: Facts, exponent: float | None) -> Unit | None:
    """Return the unit of arithmetic or of a comparison's values; None is a bare number's.

    `exponent` is the number on the right, where a number stands there.

    Raises:
        PromqlError: the units are unlike, or the result has none.
    """
    if operator == "*":
        return _unit_of_product(left.unit, right.unit)
    if operator == "/":
        if left.unit is None and right.unit is None:
            return None
        return (left.unit or RATIO) / (right.unit or RATIO)
    if operator == "^":
        return _unit_of_power(left.unit, right.unit, exponent)
    return unit_of_sum(left.unit, right.unit, operator)


def unit_of_sum(left: Unit | None, right: Unit | None, place: str) -> Unit | None:
    """Return the unit of a sum or difference; a bare number takes its neighbour's.

    Raises:
        PromqlError: the units are unlike.
    """
    if left is None or right is None:
        return left if right is None else right
    if left == right and (left, place) == (TIMESTAMP, "-"):
        return SECONDS
    if (left, right, place) in _MOMENTS_MOVED:
        return TIMESTAMP
    if left != right or (left, place) == (TIMESTAMP, "+"):
        raise PromqlError(f"{left} on both sides", place, f"{left} and {right}")
    return left


#: A moment and a length of time make another moment.
_MOMENTS_MOVED = (
    (TIMESTAMP, SECONDS, "+"),
    (SECONDS, TIMESTAMP, "+"),
    (TIMESTAMP, SECONDS, "-"),
)


def _unit_of_product(left: Unit | None, right: Unit | None) -> Unit | None:
    if left is None and right is None:
        return None
    # A state (0 or 1) chooses; it does not measure.
    measured = [unit for unit in (left or RATIO, right or RATIO) if unit != STATE]
    if not measured:
        return STATE
    return measured[0] * (measured[1] if len(measured) > 1 else RATIO)


def _unit_of_power(left: Unit | None, right: Unit | None, exponent: float | None) -> Unit | None:
    if right not in (None, RATIO):
        raise PromqlError("an exponent without a unit", "^", str(right))
    if left is None or left == RATIO:
        return left
    if exponent not in (1, 2, 3):
        got = "no number" if exponent is None else f"{exponent:g}"
        raise PromqlError("the exponent 1, 2 or 3", f"a power of {left}", got)
    power = left
    for _ in range(int(exponent) - 1):
        power *= left
    return power


#: The comparison that holds where this one does not.
_OPPOSITE = {"==": "!=", "!=": "==", ">": "<=", "<": ">=", ">=": "<", "<=": ">"}


def check_limit(values: Facts, operator: str, limit: float, *, as_state: bool) -> None:
    """Raise a PromqlError for a comparison that can never hold, or that always does.

    A ratio is compared with 0.95, not with 95.
    """
    place, got = f"{values.name} {operator}", f"{limit:g}"
    if never_holds(operator, values.bounds, limit):
        raise PromqlError("a limit that can be met", place, got, _said(values.bounds))
    # A quantile or a quotient may be NaN, which a comparison leaves out; as a state it is one.
    is_idiom = as_state or values.usage in (Usage.QUANTILE, Usage.QUOTIENT)
    if not is_idiom and never_holds(_OPPOSITE[operator], values.bounds, limit):
        raise PromqlError("a limit that can be missed", place, got, _said(values.bounds))


def never_holds(operator: str, bounds: Bounds, limit: float) -> bool:
    """Tell whether no value within the bounds satisfies a comparison with the limit."""
    low, high = bounds
    match operator:
        case ">":
            return high is not None and high <= limit
        case ">=":
            return high is not None and high < limit
        case "<":
            return low is not None and low >= limit
        case "<=":
            return low is not None and low > limit
        case "==":
            return (high is not None and high < limit) or (low is not None and low > limit)
        case _:
            return low == high == limit


def _said(bounds: Bounds) -> str:
    low, high = bounds
    if low is not None and high is not None:
        return f"it is always {low:g}" if low == high else f"it is from {low:g} to {high:g}"
    return f"it is {low:g} or more" if low is not None else f"it is {high:g} or less"
