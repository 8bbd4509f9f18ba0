"""Every function and aggregation that may be built: argument types, result type, unit rule.

One table, after the one in Prometheus's own parser. A function that is not here cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from llmdash.errors import PromqlError
from llmdash.promql.facts import UNBOUNDED, Bounds, Facts, Usage, ValueType
from llmdash.promql.labels import TARGET_LABELS
from llmdash.promql.units import CELSIUS, COUNT, RATIO, SECONDS, STATE, TIMESTAMP, Unit

SCALAR, STRING, INSTANT, RANGE = (
    ValueType.SCALAR,
    ValueType.STRING,
    ValueType.INSTANT,
    ValueType.RANGE,
)

NOT_NEGATIVE: Bounds = (0, None)

FactsRule = Callable[[str, tuple[Facts, ...]], Facts]


@dataclass(frozen=True)
class Function:
    """One function: what goes in, what comes out, and what becomes of unit and labels."""

    name: str
    arguments: tuple[ValueType, ...]
    result: FactsRule
    #: How many of the last arguments may be left out.
    optional: int = 0


def _needs_counter(place: str, facts: Facts) -> None:
    if facts.usage is not Usage.COUNTER:
        raise PromqlError("a counter", place, f"{facts.name}, {_called(facts)}")


def _needs_value(place: str, facts: Facts) -> None:
    hint = facts.usage.in_the_way
    if hint:
        raise PromqlError("a value", place, f"{facts.name}, {facts.usage.value}", hint)


def _called(facts: Facts) -> str:
    return "a gauge" if facts.usage is Usage.VALUE else facts.usage.value


def _instant(facts: Facts, name: str, **changes: object) -> Facts:
    base = replace(facts, type=INSTANT, name=f"{name}({facts.name})")
    return replace(base, **changes)  # type: ignore[arg-type]  # keyword names are Facts' own


def _per_second(name: str, arguments: tuple[Facts, ...]) -> Facts:
    (of,) = arguments
    _needs_counter(name, of)
    unit = of.unit.per_second if of.unit else None
    return _instant(of, name, usage=Usage.VALUE, unit=unit, bounds=NOT_NEGATIVE)


def _increase(name: str, arguments: tuple[Facts, ...]) -> Facts:
    (of,) = arguments
    if of.usage is Usage.NATIVE:
        return _instant(of, name, usage=Usage.OBSERVED)
    _needs_counter(name, of)
    return _instant(of, name, usage=Usage.VALUE, bounds=NOT_NEGATIVE)


def _events(name: str, arguments: tuple[Facts, ...]) -> Facts:
    # changes() and resets() count events, whatever the values mean; only counters are reset.
    if name == "resets":
        _needs_counter(name, arguments[0])
    return _instant(
        arguments[0], name, usage=Usage.VALUE, unit=COUNT, edges=None, bounds=NOT_NEGATIVE
    )


def _over_time(name: str, arguments: tuple[Facts, ...]) -> Facts:
    of = arguments[-1]
    _needs_value(name, of)
    match name:
        case "avg_over_time":
            _refuse_combined(name, of)
            return _instant(of, name, unit=RATIO if of.unit == STATE else of.unit)
        case "sum_over_time":
            _refuse_sum(name, of)
            return _instant(of, name, unit=_unit_of_total(of), bounds=_bounds_of_total(of))
        case "stddev_over_time":
            return _instant(of, name, edges=None, bounds=NOT_NEGATIVE)
        case "delta":
            unit = SECONDS if of.unit == TIMESTAMP else of.unit
            return _instant(of, name, unit=unit, edges=None, bounds=UNBOUNDED)
        case "quantile_over_time":
            return _instant(of, name, usage=Usage.QUANTILE, edges=None)
        case _:
            return _instant(of, name)


def _last(name: str, arguments: tuple[Facts, ...]) -> Facts:
    # The newest sample as it is: a counter stays one.
    return _instant(arguments[0], name)


def _slope(name: str, arguments: tuple[Facts, ...]) -> Facts:
    of = arguments[0]
    _needs_value(name, of)
    unit = of.unit.per_second if of.unit else None
    return _instant(of, name, unit=unit, edges=None, bounds=UNBOUNDED)


def _predict(name: str, arguments: tuple[Facts, ...]) -> Facts:
    of, ahead = arguments
    _needs_value(name, of)
    if ahead.unit not in (None, SECONDS):
        raise PromqlError("a length of time in seconds", name, str(ahead.unit))
    return _instant(of, name, edges=None, bounds=UNBOUNDED)


def _present(name: str, arguments: tuple[Facts, ...]) -> Facts:
    unit = COUNT if name == "count_over_time" else STATE
    bounds = (1, None if unit == COUNT else 1)
    return _instant(arguments[0], name, usage=Usage.VALUE, unit=unit, edges=None, bounds=bounds)


def _absent(name: str, arguments: tuple[Facts, ...]) -> Facts:
    # Which labels it has is known from the matchers: nodes.Call.
    return Facts(INSTANT, f"{name}({arguments[0].name})", STATE, bounds=(1, 1))


def _histogram_quantile(name: str, arguments: tuple[Facts, ...]) -> Facts:
    of = arguments[1]
    if "le" not in of.labels.names:
        hint = "keep le in the aggregation below it"
        raise PromqlError("buckets with the label le", name, f"{of.name} by {of.labels}", hint)
    if of.edges is None:
        raise PromqlError("buckets of a histogram", name, of.name)
    if of.usage is Usage.COUNTER:
        hint = "take the rate of the buckets first"
        raise PromqlError("rates of buckets", name, f"{of.name}, a counter", hint)
    # A rate of buckets counts events per second; the value read off it is in the unit of the edges.
    labels = of.labels.drop(("le",))
    # Above the greatest finite edge nothing is known: that edge is what comes out at most.
    starts_at_zero = min(of.edges.values, default=-1) > 0
    bounds = (0 if starts_at_zero else None, of.edges.top)
    changes = {"usage": Usage.QUANTILE, "unit": of.edges.unit, "edges": None, "bounds": bounds}
    return _instant(of, name, labels=labels, **changes)


def _needs_observed(name: str, of: Facts) -> None:
    if of.usage is not Usage.OBSERVED:
        hint = "take the increase of native histograms"
        raise PromqlError("observations", name, f"{of.name}, {_called(of)}", hint)


def _histogram_count(name: str, arguments: tuple[Facts, ...]) -> Facts:
    (of,) = arguments
    _needs_observed(name, of)
    return _instant(of, name, usage=Usage.VALUE, bounds=NOT_NEGATIVE)


def _histogram_fraction(name: str, arguments: tuple[Facts, ...]) -> Facts:
    of = arguments[2]
    _needs_observed(name, of)
    return _instant(of, name, usage=Usage.QUOTIENT, unit=RATIO, bounds=(0, 1))


def _sorted(name: str, arguments: tuple[Facts, ...]) -> Facts:
    _needs_value(name, arguments[0])
    return _instant(arguments[0], name)


def _rounded(name: str, arguments: tuple[Facts, ...]) -> Facts:
    of = arguments[0]
    _needs_value(name, of)
    for step in arguments[1:]:
        if step.unit not in (None, of.unit):
            raise PromqlError(f"a step in {of.unit}", name, str(step.unit))
    bounds = UNBOUNDED if len(arguments) > 1 else of.bounds
    return _instant(of, name, edges=None, bounds=bounds)


def _magnitude(name: str, arguments: tuple[Facts, ...]) -> Facts:
    of = arguments[0]
    _needs_value(name, of)
    low = of.bounds[0]
    bounds = of.bounds if low is not None and low >= 0 else NOT_NEGATIVE
    return _instant(of, name, edges=None, bounds=bounds)


def _clamp(name: str, arguments: tuple[Facts, ...]) -> Facts:
    of = arguments[0]
    _needs_value(name, of)
    for limit in arguments[1:]:
        if limit.unit is not None and limit.unit != of.unit:
            raise PromqlError(f"a limit in {of.unit}", name, str(limit.unit))
    return _instant(of, name, edges=None, bounds=UNBOUNDED)


def _logarithm(name: str, arguments: tuple[Facts, ...]) -> Facts:
    _needs_value(name, arguments[0])
    return _instant(arguments[0], name, unit=RATIO, edges=None, bounds=UNBOUNDED)


def _sign(name: str, arguments: tuple[Facts, ...]) -> Facts:
    _needs_value(name, arguments[0])
    changes = {"unit": RATIO, "usage": Usage.VALUE, "edges": None, "bounds": (-1, 1)}
    return _instant(arguments[0], name, **changes)


def _moment(name: str, arguments: tuple[Facts, ...]) -> Facts:
    of = arguments[0]
    return _instant(of, name, usage=Usage.VALUE, unit=TIMESTAMP, edges=None, bounds=UNBOUNDED)


def _now(name: str, arguments: tuple[Facts, ...]) -> Facts:
    del arguments
    return Facts(SCALAR, name, TIMESTAMP)


def _minute(name: str, arguments: tuple[Facts, ...]) -> Facts:
    del arguments
    return Facts(INSTANT, f"{name}()", COUNT, bounds=(0, 59))


def _vector(name: str, arguments: tuple[Facts, ...]) -> Facts:
    return Facts(INSTANT, f"{name}({arguments[0].name})", arguments[0].unit)


def _scalar(name: str, arguments: tuple[Facts, ...]) -> Facts:
    of = arguments[0]
    _needs_value(name, of)
    several = of.labels.names - of.labels.pinned
    if "instance" in of.labels.pinned:
        several -= TARGET_LABELS
    if several:
        # Of several series, scalar() makes NaN.
        differ = ", ".join(sorted(several))
        hint = "aggregate it to one series first"
        raise PromqlError("one series", name, f"{of.name} (several by {differ})", hint)
    return Facts(SCALAR, name, arguments[0].unit)


def _relabel(name: str, arguments: tuple[Facts, ...]) -> Facts:
    # Which labels are read and written is checked where the strings are known: nodes.Call.
    return _instant(arguments[0], name)


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        Function("rate", (RANGE,), _per_second),
        Function("irate", (RANGE,), _per_second),
        Function("increase", (RANGE,), _increase),
        Function("changes", (RANGE,), _events),
        Function("resets", (RANGE,), _events),
        Function("delta", (RANGE,), _over_time),
        Function("deriv", (RANGE,), _slope),
        Function("predict_linear", (RANGE, SCALAR), _predict),
        Function("avg_over_time", (RANGE,), _over_time),
        Function("sum_over_time", (RANGE,), _over_time),
        Function("min_over_time", (RANGE,), _over_time),
        Function("max_over_time", (RANGE,), _over_time),
        Function("stddev_over_time", (RANGE,), _over_time),
        Function("quantile_over_time", (SCALAR, RANGE), _over_time),
        Function("last_over_time", (RANGE,), _last),
        Function("count_over_time", (RANGE,), _present),
        Function("present_over_time", (RANGE,), _present),
        Function("absent", (INSTANT,), _absent),
        Function("absent_over_time", (RANGE,), _absent),
        Function("histogram_quantile", (SCALAR, INSTANT), _histogram_quantile),
        Function("histogram_count", (INSTANT,), _histogram_count),
        Function("histogram_fraction", (SCALAR, SCALAR, INSTANT), _histogram_fraction),
        Function("abs", (INSTANT,), _magnitude),
        Function("ceil", (INSTANT,), _rounded),
        Function("floor", (INSTANT,), _rounded),
        Function("round", (INSTANT, SCALAR), _rounded, optional=1),
        Function("sgn", (INSTANT,), _sign),
        Function("ln", (INSTANT,), _logarithm),
        Function("log2", (INSTANT,), _logarithm),
        Function("log10", (INSTANT,), _logarithm),
        Function("clamp", (INSTANT, SCALAR, SCALAR), _clamp),
        Function("clamp_min", (INSTANT, SCALAR), _clamp),
        Function("clamp_max", (INSTANT, SCALAR), _clamp),
        Function("timestamp", (INSTANT,), _moment),
        Function("time", (), _now),
        Function("minute", (), _minute),
        Function("vector", (SCALAR,), _vector),
        Function("scalar", (INSTANT,), _scalar),
        Function("sort", (INSTANT,), _sorted),
        Function("sort_desc", (INSTANT,), _sorted),
        Function("label_replace", (INSTANT, STRING, STRING, STRING, STRING), _relabel),
    )
}


@dataclass(frozen=True)
class Aggregation:
    """One aggregation operator: whether it takes a parameter, and what it does to the unit."""

    name: str
    result: Callable[[str, Facts], Facts]
    parameter: ValueType | None = None
    #: topk and bottomk return series as they were, labels and all.
    keeps_series: bool = False
    #: count_values makes the value a label, under the name that is its parameter.
    adds_label: bool = False


def _refuse_combined(name: str, of: Facts) -> None:
    if of.usage in (Usage.QUANTILE, Usage.QUOTIENT):
        hint = "aggregate its parts (buckets, or numerator and denominator) instead"
        raise PromqlError("values that add up", name, f"{of.name}, {of.usage.value}", hint)


def _refuse_sum(name: str, of: Facts) -> None:
    _refuse_combined(name, of)
    if of.unit in (CELSIUS, TIMESTAMP):
        raise PromqlError("values that add up", name, f"{of.name} in {of.unit}", "take max or avg")


def _unit_of_total(of: Facts) -> Unit | None:
    return COUNT if of.unit == STATE else of.unit


def _bounds_of_total(of: Facts) -> Bounds:
    low, _ = of.bounds
    return NOT_NEGATIVE if low is not None and low >= 0 else UNBOUNDED


def _sum(name: str, of: Facts) -> Facts:
    _needs_value(name, of)
    _refuse_sum(name, of)
    return _instant(of, name, unit=_unit_of_total(of), bounds=_bounds_of_total(of))


def _average(name: str, of: Facts) -> Facts:
    _needs_value(name, of)
    _refuse_combined(name, of)
    return _instant(of, name, unit=RATIO if of.unit == STATE else of.unit)


def _extreme(name: str, of: Facts) -> Facts:
    _needs_value(name, of)
    return _instant(of, name)


def _spread(name: str, of: Facts) -> Facts:
    _needs_value(name, of)
    unit = SECONDS if of.unit == TIMESTAMP else of.unit
    return _instant(of, name, unit=unit, edges=None, bounds=NOT_NEGATIVE)


def _quantile(name: str, of: Facts) -> Facts:
    _needs_value(name, of)
    return _instant(of, name, usage=Usage.QUANTILE, edges=None)


def _count(name: str, of: Facts) -> Facts:
    return _instant(of, name, usage=Usage.VALUE, unit=COUNT, edges=None, bounds=(1, None))


def _group(name: str, of: Facts) -> Facts:
    return _instant(of, name, usage=Usage.VALUE, unit=STATE, edges=None, bounds=(1, 1))


AGGREGATIONS: dict[str, Aggregation] = {
    aggregation.name: aggregation
    for aggregation in (
        Aggregation("sum", _sum),
        Aggregation("avg", _average),
        Aggregation("min", _extreme),
        Aggregation("max", _extreme),
        Aggregation("stddev", _spread),
        Aggregation("count", _count),
        Aggregation("group", _group),
        Aggregation("count_values", _count, parameter=STRING, adds_label=True),
        Aggregation("quantile", _quantile, parameter=SCALAR),
        Aggregation("topk", _extreme, parameter=SCALAR, keeps_series=True),
        Aggregation("bottomk", _extreme, parameter=SCALAR, keeps_series=True),
    )
}
