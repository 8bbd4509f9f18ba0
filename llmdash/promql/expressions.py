"""The words in which content is written: small functions that make nodes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from llmdash.errors import PromqlError
from llmdash.promql.edges import le_pattern, spellings
from llmdash.promql.facts import Usage
from llmdash.promql.matchers import Matcher
from llmdash.promql.matching import Matching
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
from llmdash.promql.units import EVENTS, Unit
from llmdash.promql.windows import Duration, Window


def _range_of(of: Selector | Range, length: Window | str | None, place: str) -> Range:
    """Take a selector with a window, or a range; refuse a range of a range."""
    if isinstance(of, Range):
        if length is not None:
            raise PromqlError("a selector", place, f"a range of {of.of.facts.name} and a window")
        return of
    if length is None:
        raise PromqlError("a window", place, "none", "say .over(window)")
    return of.over(length)


def rate(of: Selector | Range, length: Window | str | None = None) -> Call:
    """Return the increase per second of a counter over a window."""
    return Call("rate", (_range_of(of, length, "rate"),))


def increase(of: Selector | Range, length: Window | str | None = None) -> Call:
    """Return the increase of a counter over a window."""
    return Call("increase", (_range_of(of, length, "increase"),))


def over_time(operation: str, of: Selector | Range, length: Window | str | None = None) -> Call:
    """Return `<operation>_over_time` (avg, min, max, sum, last, present, count, stddev)."""
    name = f"{operation}_over_time"
    return Call(name, (_range_of(of, length, name),))


def call(function: str, *arguments: Expr | float | str) -> Call:
    """Return a function of the table applied to expressions, numbers and strings."""
    return Call(function, tuple(_argument(argument) for argument in arguments))


def _argument(value: Expr | float | str) -> Expr:
    if isinstance(value, Expr):
        return value
    return Text(value) if isinstance(value, str) else Number(value)


def aggregate(
    operator: str, of: Expr, by: Sequence[str] = (), parameter: float | None = None
) -> Aggregate:
    """Return series combined `by` labels."""
    number = None if parameter is None else Number(parameter)
    return Aggregate(operator, of, tuple(dict.fromkeys(by)), parameter=number)


def total(of: Expr, by: Sequence[str] = ()) -> Aggregate:
    """Return the sum by labels."""
    return aggregate("sum", of, by)


def greatest(of: Expr, by: Sequence[str] = ()) -> Aggregate:
    """Return the maximum by labels."""
    return aggregate("max", of, by)


def least(of: Expr, by: Sequence[str] = ()) -> Aggregate:
    """Return the minimum by labels."""
    return aggregate("min", of, by)


def average(of: Expr, by: Sequence[str] = ()) -> Aggregate:
    """Return the mean by labels; refused for ratios and quantiles, which do not average."""
    return aggregate("avg", of, by)


def median(of: Expr, by: Sequence[str] = ()) -> Aggregate:
    """Return the median by labels; it stays as long as fewer than half of the series change."""
    return aggregate("quantile", of, by, 0.5)


def count(of: Expr, by: Sequence[str] = ()) -> Aggregate:
    """Return the number of series by labels."""
    return aggregate("count", of, by)


def count_values(of: Expr, label: str, by: Sequence[str] = ()) -> Aggregate:
    """Return the number of series for each value, which becomes a label."""
    return Aggregate("count_values", of, tuple(dict.fromkeys(by)), parameter=Text(label))


def quantile(share: float, buckets: Expr) -> Call:
    """Return a quantile read off rates of buckets, in the unit of the edges."""
    return Call("histogram_quantile", (Number(share), buckets))


def mean_of(total_of: Expr, events: Expr) -> Expr:
    """Return a sum per event (seconds per request), which is in the unit of the sum.

    Raises:
        PromqlError: the denominator does not count events (requests, observations).
    """
    counted = {name for name, power in events.unit.factors if power > 0}
    if not counted <= EVENTS or not counted:
        expected = f"a count of {' or '.join(sorted(EVENTS))}"
        raise PromqlError(expected, "the denominator of a mean", str(events.unit))
    return total_of / events


def joined(
    left: Expr,
    operator: str,
    right: Expr,
    *,
    on: Sequence[str] | None = None,
    ignoring: Sequence[str] = (),
    group_left: Sequence[str] | None = None,
) -> Binary:
    """Return two vectors joined `on` labels, or on all but some."""
    matching = Matching(
        on=None if on is None else tuple(on),
        ignoring=tuple(ignoring),
        many=None if group_left is None else "left",
        include=tuple(group_left or ()),
    )
    return Binary(operator, left, right, matching)


def first_of(*alternatives: Expr, ignoring: Sequence[str] = ()) -> Expr:
    """Return `new or old`: for each series the first alternative that has it."""
    if not alternatives:
        raise PromqlError("an alternative", "first_of", "none")
    result = alternatives[0]
    for alternative in alternatives[1:]:
        names = result.labels.union(alternative.labels)
        odd = tuple(name for name in ignoring if names.has(name))
        matching = Matching(ignoring=odd) if odd else None
        result = Binary("or", result, alternative, matching)
    return result


def or_zero(of: Expr, proof: Expr) -> Expr:
    """Return an expression; zero where it has no series, as long as the proof has one.

    A counter is born with its first event: none counted is zero where others are counted.
    """
    return first_of(of, proof * 0)


def added(parts: Sequence[Expr], by: Sequence[str]) -> Expr:
    """Return the sum by labels of several vectors, where one without a series adds nothing.

    `+` would have no result at all there. A label tells the vectors apart while they are gathered.
    """
    if len(parts) == 1:
        return total(parts[0], by)
    told_apart = [labelled(part, "part", str(place)) for place, part in enumerate(parts)]
    return total(first_of(*told_apart), by)


def share_of(part: Expr, whole: Expr) -> Expr:
    """Return a part of a whole; one that is not counted yet is zero, as long as the whole is."""
    return or_zero(part, whole) / whole


def relabel(of: Expr, target: str, source: str, pattern: str = "(.+)") -> Call:
    """Return the series with a label copied under another name (as `label_replace` does)."""
    arguments = (of, Text(target), Text("$1"), Text(source), Text(pattern))
    return Call("label_replace", arguments)


def labelled(of: Expr, label: str, value: str) -> Call:
    """Return the series with a label of one value."""
    arguments = (of, Text(label), Text(value), Text(""), Text(""))
    return Call("label_replace", arguments)


def convert(of: Expr, unit: Unit) -> Expr:
    """Return the expression in another unit of the same quantity (microseconds in seconds)."""
    factor = of.unit.factor_to(unit)
    if factor == 1:
        return of
    # Dividing by a whole number keeps more digits than multiplying by a small fraction.
    inverse = round(1 / factor)
    if factor < 1 and math.isclose(factor * inverse, 1, rel_tol=1e-12):
        scaled = Binary("/", of, Number(inverse))
    else:
        scaled = Binary("*", of, Number(factor))
    return Taken(scaled, f"converted from {of.unit} to {unit}", unit, of.facts.usage)


def counted_as(of: Expr, unit: Unit) -> Taken:
    """Return the expression counting something named: each observation of TTFT is a request.

    Raises:
        PromqlError: one is a total and the other a rate, or they are no counts.
    """
    if _time_part(of.unit) != _time_part(unit):
        raise PromqlError(f"a unit that {of.unit} can count", "counted_as", str(unit))
    return Taken(of, f"counts {unit}", unit)


def _time_part(unit: Unit) -> tuple[int, float]:
    return dict(unit.factors).get("seconds", 0), unit.scale


def at_most(buckets: Selector, threshold: float) -> Selector:
    """Return the bucket of all observations up to a threshold, in either spelling of its edge.

    Raises:
        PromqlError: the threshold is no edge; the nearest ones are named.
    """
    edges = buckets.facts.edges
    if edges is None:
        raise PromqlError("buckets of a histogram", "at_most", buckets.facts.name)
    edges.require(threshold, f"at_most of {buckets.facts.name}")
    return buckets.where(_le((threshold,)))


def at_edges(buckets: Selector, edges: Sequence[float]) -> Selector:
    """Return only the buckets at these edges, and `+Inf`."""
    return buckets.where(_le((*edges, float("inf"))))


def _le(edges: tuple[float, ...]) -> Matcher:
    names = [spelling for edge in edges for spelling in spellings(edge)]
    if len(names) == 1:
        return Matcher("le", "=", names[0])
    return Matcher("le", "=~", le_pattern(edges))


def not_equal(label: str, value: str) -> Matcher:
    """Return a matcher that excludes one value."""
    return Matcher(label, "!=", value)


def one_of(label: str, values: Sequence[str]) -> Matcher:
    """Return a matcher for any of these values."""
    if not values:
        raise PromqlError("a value", f"one_of {label}", "none")
    if len(values) == 1:
        return Matcher(label, "=", values[0])
    return Matcher(label, "=~", "|".join(re.escape(value) for value in values))


def as_value(of: Expr, because: str) -> Taken:
    """Read a counter as a plain value, native histograms as observations; it needs a reason."""
    is_native = of.facts.usage is Usage.NATIVE
    return Taken(of, because, usage=Usage.OBSERVED if is_native else Usage.VALUE)


def observed(histograms: Expr) -> Call:
    """Return how many observations native histograms hold."""
    return Call("histogram_count", (histograms,))


def observed_up_to(threshold: float, histograms: Expr) -> Expr:
    """Return how many of these observations are at most a threshold, in the histograms' unit.

    Exact where the threshold is a bucket edge. Histograms that observed nothing have no result.
    """
    share = Call("histogram_fraction", (Number(-math.inf), Number(threshold), histograms))
    # The share of nothing is NaN, which a comparison leaves out and a sum would not.
    some = Binary(">=", observed(histograms) * share, Number(0))
    return Taken(some, "a share of a count is a count", histograms.unit, Usage.VALUE)


def ago(of: Selector, length: Duration | str) -> Selector:
    """Return the selector as it was some time ago."""
    return of.offset(length)


def label_from_map(of: Expr, target: str, source: str, values: Mapping[str, str]) -> Expr:
    """Return the series with a label mapped from another label's values, one step a value."""
    result = of
    for value in sorted(set(values.values())):
        keys = sorted(key for key, mapped in values.items() if mapped == value)
        pattern = "|".join(re.escape(key).replace("\\-", "-") for key in keys)
        # A $ in a replacement begins a group's name.
        literal = value.replace("$", "$$")
        result = Call(
            "label_replace", (result, Text(target), Text(literal), Text(source), Text(pattern))
        )
    return result
