"""Facts propagate through every kind of node: labels, units, forms, edges and bounds."""

from __future__ import annotations

import dataclasses

import pytest

from llmdash.promql.expressions import (
    aggregate,
    as_value,
    at_edges,
    at_most,
    call,
    count,
    count_values,
    first_of,
    greatest,
    increase,
    joined,
    not_equal,
    quantile,
    rate,
    relabel,
    total,
)
from llmdash.promql.facts import UNBOUNDED, Bounds, Usage
from llmdash.promql.labels import TARGET_LABELS
from llmdash.promql.nodes import Aggregate, Binary, Expr, Matcher, Number, Variable
from llmdash.promql.operators import COMPARISONS, never_holds
from llmdash.promql.units import (
    COUNT,
    JOULES,
    OBSERVATIONS,
    RATIO,
    REQUESTS,
    SECONDS,
    STATE,
    TIMESTAMP,
    TOKENS,
    WATTS,
    Unit,
)
from tests.promql import pretend

UP, WAITING, USE, POWER = (
    m.select() for m in (pretend.UP, pretend.WAITING, pretend.CACHE_USE, pretend.POWER)
)
ANSWERS, READ, STARTED = (
    pretend.ANSWERS.select(),
    pretend.TOKENS_READ.select(),
    pretend.STARTED.select(),
)
BUCKETS, LENGTHS = pretend.FIRST_TOKEN.bucket(), pretend.LENGTH.bucket()
RECORDED, RECORDED_BUCKETS = pretend.RECORDED_REQUESTS, pretend.RECORDED_BUCKETS
CONFIGURATION = pretend.CONFIGURATION.select()
NOW = call("time")
REQUEST_RATE = rate(ANSWERS, "5m")

# fmt: off
#: Which labels come out, target labels summed up as `*`.
LABELS: tuple[tuple[Expr, str], ...] = (
    (UP, "*"),
    (WAITING, "model_name *"),
    (BUCKETS, "le model_name *"),
    (RECORDED, "model role source"),
    (REQUEST_RATE, "model_name reason *"),
    (quantile(0.9, rate(BUCKETS, "5m")), "model_name *"),
    (total(WAITING), ""),
    (total(WAITING, ("job", "model_name")), "job model_name"),
    (Aggregate("sum", WAITING, None, ("model_name",)), "*"),
    (Aggregate("sum", WAITING, None), "model_name *"),
    (aggregate("topk", WAITING, ("job",), 3), "model_name *"),
    (count_values(WAITING, "waiting", ("job",)), "job waiting"),
    (relabel(total(WAITING, ("model_name",)), "model", "model_name"), "model model_name"),
    (call("time") - STARTED, "*"),
    (call("vector", 1), ""),
    # absent() has the labels of equalities, and none of an expression
    (call("absent", WAITING.where(model_name="a")), "model_name"),
    (call("absent", WAITING.where(Matcher("model_name", "=~", "a.*"))), ""),
    (call("absent", UP.where(job=Variable("job", single=True))), ""),
    (call("absent", UP.where(Matcher("job", "=~", Variable("job", single=True)))), ""),
    (call("absent", UP.where(Matcher("job", "=", ""))), ""),
    (call("absent", total(UP.where(job="a"), ("job",))), ""),
    (call("absent_over_time", UP.where(job="a").over("5m")), "job"),
    # on() keeps these; group_left keeps the many and adds; a set operation keeps its left side
    (joined(total(WAITING, ("job", "pod")), "/", total(UP, ("job", "pod")), on=("job", "pod")), "job pod"),
    (joined(WAITING, "*", total(UP, ("job",)), on=("job",), group_left=()), "model_name *"),
    (joined(UP, "*", CONFIGURATION, on=("job", "instance"), group_left=("block_size",)), "block_size *"),
    (joined(UP, "*", aggregate("topk", WAITING, ("job", "instance"), 1), on=("job", "instance"), group_left=("model_name",)), "model_name *"),
    (joined(total(WAITING, ("model_name",)), "and", RECORDED, on=()), "model_name"),
    (first_of(WAITING, greatest(REQUEST_RATE * Number(1, SECONDS), ("job",)), ignoring=("model_name", *sorted(TARGET_LABELS - {"job"}))), "model_name *"),
    (WAITING - WAITING, "model_name *"),
    (joined(WAITING.where(model_name="a"), "-", WAITING.where(model_name="b"), ignoring=("model_name",)), "*"),
)
# fmt: on


@pytest.mark.parametrize(("expression", "labels"), LABELS)
def test_labels_propagate(expression: Expr, labels: str) -> None:
    """An expression knows which labels its series carry."""
    names = set(labels.split())
    expected = names - {"*"} | (TARGET_LABELS if "*" in names else set())

    assert expected == expression.labels.names


WATT_NUMBER = Number(5, WATTS)
UNITS: tuple[tuple[Expr, Unit], ...] = (
    (POWER + POWER, WATTS),
    (POWER + 5, WATTS),
    (5 - POWER, WATTS),
    (POWER + WATT_NUMBER, WATTS),
    (POWER * 2, WATTS),
    (POWER * Number(2, SECONDS), JOULES),
    (POWER / Number(2, SECONDS), WATTS / SECONDS),
    (POWER / POWER, RATIO),
    (Binary("/", Number(1), POWER), RATIO / WATTS),
    (Binary("%", POWER, WATT_NUMBER), WATTS),
    (Binary("^", POWER, Number(2)), WATTS * WATTS),
    (Binary("^", USE, Number(0.5)), RATIO),
    (POWER > 5, WATTS),
    (Binary(">", Number(5), POWER), WATTS),
    (Binary(">", POWER, Number(5), as_state=True), STATE),
    (NOW - STARTED, SECONDS),
    (STARTED + Number(60, SECONDS), TIMESTAMP),
    (STARTED - Number(60, SECONDS), TIMESTAMP),
    (STARTED + 60, TIMESTAMP),
    # A state chooses; it does not measure.
    (joined(POWER, "*", UP, on=("instance",), group_left=()), WATTS),
    (UP * UP, STATE),
    (rate(pretend.FIRST_TOKEN.sum(), "5m") / rate(pretend.FIRST_TOKEN.count(), "5m"), SECONDS),
    (rate(BUCKETS, "5m"), OBSERVATIONS.per_second),
    (first_of(total(increase(READ, "5m")), call("vector", 0)), TOKENS),
    (count(WAITING), COUNT),
    (rate(READ, "5m") * Number(5, SECONDS), TOKENS),
    (REQUEST_RATE, REQUESTS.per_second),
)


@pytest.mark.parametrize(("expression", "unit"), UNITS)
def test_units_propagate(expression: Expr, unit: Unit) -> None:
    """An expression knows what it measures; a bare number takes its neighbour's unit."""

    assert unit == expression.unit


QUOTIENT = total(REQUEST_RATE) / total(REQUEST_RATE)
MEDIAN = quantile(0.5, rate(BUCKETS, "5m"))
USAGES: tuple[tuple[Expr, Usage], ...] = (
    (READ, Usage.COUNTER),
    (rate(READ, "5m"), Usage.VALUE),
    (as_value(READ, "shown beside its rate"), Usage.VALUE),
    (QUOTIENT, Usage.QUOTIENT),
    (1 - QUOTIENT, Usage.QUOTIENT),
    (QUOTIENT > 0.5, Usage.QUOTIENT),
    (total(REQUEST_RATE) * 2, Usage.VALUE),
    (total(REQUEST_RATE) / 2, Usage.VALUE),
    (MEDIAN, Usage.QUANTILE),
    (MEDIAN * 1000, Usage.QUANTILE),
    (greatest(MEDIAN), Usage.QUANTILE),
    # Counting those above a limit is sound.
    (Binary(">", MEDIAN, Number(1), as_state=True), Usage.VALUE),
    # A comparison leaves the values of its left side.
    (joined(greatest(MEDIAN), "<", greatest(MEDIAN), on=()), Usage.QUANTILE),
    (
        joined(total(UP) * Number(1, SECONDS) / Number(1, COUNT), "<", greatest(MEDIAN), on=()),
        Usage.VALUE,
    ),
    (Binary("unless", READ, READ.offset("5m")), Usage.COUNTER),
    (first_of(READ, pretend.TOKENS_WRITTEN.select()), Usage.COUNTER),
)


@pytest.mark.parametrize(("expression", "usage"), USAGES)
def test_forms_propagate(expression: Expr, usage: Usage) -> None:
    """An expression knows whether it may be averaged, or must be rated first."""

    assert usage is expression.facts.usage


BOUNDS: tuple[tuple[Expr, Bounds], ...] = (
    (USE, (0, 1)),
    (USE * 100, UNBOUNDED),
    (USE > 0.5, (0, 1)),
    (Binary("<", Number(0.5), USE), (0, 1)),
    (Binary(">", WAITING, Number(5), as_state=True), (0, 1)),
    (total(USE), (0, None)),
    (first_of(USE, USE.offset("5m")), (0, 1)),
    (first_of(USE, as_value(USE * 2, "doubled")), UNBOUNDED),
    # A part of the same series is never more than all.
    (total(rate(ANSWERS.where(reason="abort"), "5m")) / total(REQUEST_RATE), (0, 1)),
    (total(rate(ANSWERS.where(reason="abort"), "5m")) / total(rate(ANSWERS, "1h")), UNBOUNDED),
    (
        total(rate(ANSWERS.where(reason="abort"), "5m"))
        / total(rate(ANSWERS.where(job="a"), "5m")),
        UNBOUNDED,
    ),
    (greatest(REQUEST_RATE) / total(REQUEST_RATE), UNBOUNDED),
)


@pytest.mark.parametrize(("expression", "bounds"), BOUNDS)
def test_bounds_propagate(expression: Expr, bounds: Bounds) -> None:
    """An expression knows its least and greatest value, where there is one."""

    assert bounds == expression.facts.bounds


def test_bounds_decide_what_can_hold() -> None:
    """Within 0 to 1 only these comparisons can ever hold."""
    held = {
        limit: [name for name in COMPARISONS if not never_holds(name, (0, 1), limit)]
        for limit in (-1, 0, 0.5, 1, 2)
    }

    assert {
        -1: ["!=", ">", ">="],
        0: ["==", "!=", ">", ">=", "<="],
        0.5: ["==", "!=", ">", "<", ">=", "<="],
        1: ["==", "!=", "<", ">=", "<="],
        2: ["!=", "<", "<="],
    } == held


def test_nan_may_be_filtered_out_of_quotients() -> None:
    """`>= 0` always holds for a quantile that is a number: it drops those that are none."""

    assert (0, 5) == (MEDIAN >= 0).facts.bounds


def test_matchers_pin_labels() -> None:
    """A label holds one value after an equality, or a variable of one value."""
    variable, single = Variable("model"), Variable("model", single=True)
    pinned = {
        str(matcher): WAITING.where(matcher).labels.pinned
        for matcher in (
            Matcher("model_name", "=", "a"),
            Matcher("model_name", "=", single),
            Matcher("model_name", "=~", single),
            Matcher("model_name", "!=", single),
            Matcher("model_name", "=~", variable),
            Matcher("model_name", "=~", "a|b"),
            not_equal("model_name", "a"),
            Matcher("unknown", "=", ""),
        )
    }

    assert {
        'model_name="a"': {"model_name"},
        'model_name="$model"': {"model_name"},
        'model_name=~"$model"': set(),
        'model_name!="$model"': set(),
        'model_name=~"a|b"': set(),
        'model_name!="a"': set(),
        'unknown=""': set(),
    } == pinned
    assert {"model_name"} == WAITING.where(Matcher("model_name", "=~", single)).labels.pinned


def test_a_variable_is_matched_as_grafana_joins_it() -> None:
    """Grafana joins several values by `|`, and escapes a single one of them as a pattern too."""
    several = UP.where(job=Variable("job")).matchers
    single = UP.where(job=Variable("job", single=True)).matchers

    assert ("=~", "=~") == (several[0].operator, single[0].operator)


def test_what_both_sides_match_is_pinned_by_either() -> None:
    """A label that one side holds in one value has it in the result."""
    engines = total(RECORDED.where(role="engine"), ("role",))
    result = joined(total(RECORDED, ("role",)), "/", engines, on=("role",))

    assert "engine" == result.labels.value("role")


def test_a_label_to_keep_may_be_pinned_instead() -> None:
    """One role is added up without its label; two are not, even by `or`."""
    engines = RECORDED.where(role="engine")

    assert frozenset() == total(engines).facts.keep
    assert frozenset({"role"}) == total(RECORDED, ("role",)).facts.keep
    assert frozenset() == total(first_of(engines, engines.offset("5m"))).facts.keep


def test_a_copied_label_tells_apart_as_well() -> None:
    """After a label is renamed, the new name is the one to keep."""
    renamed = relabel(total(rate(pretend.PASSED.select(), "5m"), ("stage",)), "step", "stage")
    lengths = relabel(total(rate(LENGTHS, "5m"), ("le", "model_name")), "model", "model_name")

    assert frozenset({"step"}) == total(renamed, ("step",)).facts.keep
    assert {"le", "model"} == total(lengths, ("le", "model")).labels.names


EDGES: tuple[tuple[Expr, tuple[float, ...] | None], ...] = (
    (BUCKETS, (0.001, 0.1, 1, 2.5, 5)),
    (rate(BUCKETS, "5m"), (0.001, 0.1, 1, 2.5, 5)),
    (at_edges(BUCKETS, (0.1, 5)), (0.1, 5)),
    (at_most(BUCKETS, 5), None),
    (at_most(at_edges(BUCKETS, (0.1, 5)), 5), None),
    (RECORDED_BUCKETS, (1, 5)),
    (RECORDED_BUCKETS.where(source="two"), (1, 2, 5, 10)),
    (RECORDED_BUCKETS.where(source=Variable("source", single=True)), (1, 5)),
    (RECORDED_BUCKETS.where(source=Variable("source")), (1, 5)),
    (at_edges(RECORDED_BUCKETS, (1, 5)), (1, 5)),
    (total(rate(BUCKETS, "5m"), ("le",)), (0.001, 0.1, 1, 2.5, 5)),
    (rate(BUCKETS, "5m") * 2, (0.001, 0.1, 1, 2.5, 5)),
    (rate(BUCKETS, "5m") + rate(BUCKETS, "5m"), (0.001, 0.1, 1, 2.5, 5)),
    (rate(BUCKETS, "5m") + rate(LENGTHS, "5m"), None),
    (call("ln", rate(BUCKETS, "5m")), None),
    (relabel(rate(BUCKETS, "5m"), "le", "job"), None),
)


@pytest.mark.parametrize(("expression", "edges"), EDGES)
def test_edges_propagate(expression: Expr, edges: tuple[float, ...] | None) -> None:
    """Buckets stay buckets while they are rated, scaled and added up."""
    found = expression.facts.edges

    assert edges == (None if found is None else found.values)


def test_shared_edges_do_not_vary() -> None:
    """Sources with unlike edges are added up at the edges that all have, or one at a time."""
    shared = at_edges(RECORDED_BUCKETS, (1, 5)).where(role="engine")
    one = RECORDED_BUCKETS.where(source="one", role="engine")

    assert (0, 5) == quantile(0.9, total(shared, ("le",))).facts.bounds
    assert (0, 5) == quantile(0.9, total(one, ("le",))).facts.bounds


def test_one_bucket_is_added_up_without_le() -> None:
    """Requests below a threshold are a count like any other."""
    good = total(rate(at_most(BUCKETS, 2.5), "5m"), ("model_name",))

    assert {"model_name"} == good.labels.names
    assert "2.5" == at_most(BUCKETS, 2.5).labels.value("le")


def test_without_and_by_nothing_are_one_node() -> None:
    """`without` needs no word about `by`."""

    assert Aggregate("sum", WAITING, None, ("job",)) == Aggregate("sum", WAITING, without=("job",))


def test_nodes_are_frozen_and_compare() -> None:
    """Nodes are values: equal when built alike, and never changed."""

    assert rate(READ, "5m") == rate(READ.over("5m"))
    assert len({rate(READ, "5m"), rate(READ, "5m")}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        READ.ago = None  # type: ignore[misc]  # that is the point


def test_walk_yields_everything() -> None:
    """The tree is walked from the top, parameters before what they are for."""
    top = aggregate("topk", rate(READ, "5m"), parameter=3)

    assert ["Aggregate", "Number", "Call", "Range", "Selector"] == [
        type(node).__name__ for node in top.walk()
    ]
