"""The two tables: what Prometheus knows of each entry, and what becomes of unit, usage and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import promql_parser as parser
import pytest

from llmdash.promql.edges import Edges
from llmdash.promql.expressions import (
    aggregate,
    call,
    convert,
    count_values,
    increase,
    over_time,
    quantile,
    rate,
)
from llmdash.promql.facts import UNBOUNDED, Bounds, Usage
from llmdash.promql.functions import AGGREGATIONS, FUNCTIONS
from llmdash.promql.nodes import Expr, Number, Selector
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.units import (
    CELSIUS,
    COUNT,
    MILLISECONDS,
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
from tests.promql.rule_files import check_rules
from tests.promql.structure import TYPE_NAMES

READ, WAITING, POWER = (
    pretend.TOKENS_READ.select(),
    pretend.WAITING.select(),
    pretend.POWER.select(),
)
UP, STARTED, USE = pretend.UP.select(), pretend.STARTED.select(), pretend.CACHE_USE.select()
BUCKETS = rate(pretend.FIRST_TOKEN.bucket(), "5m")
HISTOGRAMS = pretend.FIRST_TOKEN.native()
SEEN = increase(HISTOGRAMS, "5m")
NOT_NEGATIVE: Bounds = (0, None)

#: A call of every function: its unit, its usage and its bounds.
CALLS: tuple[tuple[Expr, Unit, Usage, Bounds], ...] = (
    (call("rate", READ.over("5m")), TOKENS.per_second, Usage.VALUE, NOT_NEGATIVE),
    (call("rate", pretend.ENERGY.select().over("5m")), WATTS, Usage.VALUE, NOT_NEGATIVE),
    (call("irate", READ.over("5m")), TOKENS.per_second, Usage.VALUE, NOT_NEGATIVE),
    (call("increase", READ.over("5m")), TOKENS, Usage.VALUE, NOT_NEGATIVE),
    (call("changes", POWER.over("5m")), COUNT, Usage.VALUE, NOT_NEGATIVE),
    (call("resets", READ.over("5m")), COUNT, Usage.VALUE, NOT_NEGATIVE),
    (call("delta", POWER.over("5m")), WATTS, Usage.VALUE, UNBOUNDED),
    (call("delta", STARTED.over("5m")), SECONDS, Usage.VALUE, UNBOUNDED),
    (call("deriv", WAITING.over("5m")), REQUESTS.per_second, Usage.VALUE, UNBOUNDED),
    (call("predict_linear", WAITING.over("5m"), 60), REQUESTS, Usage.VALUE, UNBOUNDED),
    (call("avg_over_time", USE.over("5m")), RATIO, Usage.VALUE, (0, 1)),
    (call("avg_over_time", UP.over("5m")), RATIO, Usage.VALUE, (0, 1)),
    (call("sum_over_time", USE.over("5m")), RATIO, Usage.VALUE, NOT_NEGATIVE),
    (call("sum_over_time", UP.over("5m")), COUNT, Usage.VALUE, NOT_NEGATIVE),
    (call("min_over_time", USE.over("5m")), RATIO, Usage.VALUE, (0, 1)),
    (call("max_over_time", USE.over("5m")), RATIO, Usage.VALUE, (0, 1)),
    (call("stddev_over_time", POWER.over("5m")), WATTS, Usage.VALUE, NOT_NEGATIVE),
    (call("quantile_over_time", 0.5, USE.over("5m")), RATIO, Usage.QUANTILE, (0, 1)),
    (call("last_over_time", READ.over("5m")), TOKENS, Usage.COUNTER, NOT_NEGATIVE),
    (call("count_over_time", USE.over("5m")), COUNT, Usage.VALUE, (1, None)),
    (call("present_over_time", USE.over("5m")), STATE, Usage.VALUE, (1, 1)),
    (call("absent", READ), STATE, Usage.VALUE, (1, 1)),
    (call("absent_over_time", READ.over("5m")), STATE, Usage.VALUE, (1, 1)),
    # Above the greatest finite edge nothing is known.
    (call("histogram_quantile", 0.5, BUCKETS), SECONDS, Usage.QUANTILE, (0, 5)),
    (call("increase", HISTOGRAMS.over("5m")), OBSERVATIONS, Usage.OBSERVED, UNBOUNDED),
    (call("histogram_count", SEEN), OBSERVATIONS, Usage.VALUE, NOT_NEGATIVE),
    (call("histogram_fraction", 0, 2.5, SEEN), RATIO, Usage.QUOTIENT, (0, 1)),
    (call("abs", POWER), WATTS, Usage.VALUE, NOT_NEGATIVE),
    (call("abs", POWER - POWER), WATTS, Usage.VALUE, NOT_NEGATIVE),
    (call("ceil", USE), RATIO, Usage.VALUE, (0, 1)),
    (call("floor", USE), RATIO, Usage.VALUE, (0, 1)),
    (call("round", USE), RATIO, Usage.VALUE, (0, 1)),
    (call("round", USE, 0.6), RATIO, Usage.VALUE, UNBOUNDED),
    (call("sgn", POWER), RATIO, Usage.VALUE, (-1, 1)),
    (call("ln", POWER), RATIO, Usage.VALUE, UNBOUNDED),
    (call("log2", POWER), RATIO, Usage.VALUE, UNBOUNDED),
    (call("log10", POWER), RATIO, Usage.VALUE, UNBOUNDED),
    (call("clamp", POWER, 1, Number(2, WATTS)), WATTS, Usage.VALUE, UNBOUNDED),
    (call("clamp_min", POWER, 1), WATTS, Usage.VALUE, UNBOUNDED),
    (call("clamp_max", POWER, 1), WATTS, Usage.VALUE, UNBOUNDED),
    (call("timestamp", READ), TIMESTAMP, Usage.VALUE, UNBOUNDED),
    (call("time"), TIMESTAMP, Usage.VALUE, UNBOUNDED),
    (call("minute"), COUNT, Usage.VALUE, (0, 59)),
    (call("vector", Number(1, SECONDS)), SECONDS, Usage.VALUE, UNBOUNDED),
    (call("scalar", aggregate("sum", POWER)), WATTS, Usage.VALUE, UNBOUNDED),
    (call("sort", POWER), WATTS, Usage.VALUE, NOT_NEGATIVE),
    (call("sort_desc", POWER), WATTS, Usage.VALUE, NOT_NEGATIVE),
    (call("label_replace", READ, "a", "$1", "job", "(.*)"), TOKENS, Usage.COUNTER, NOT_NEGATIVE),
)

#: Every aggregation, of what, and the same of the result.
AGGREGATES: tuple[tuple[Expr, Unit, Usage, Bounds], ...] = (
    (aggregate("sum", POWER), WATTS, Usage.VALUE, NOT_NEGATIVE),
    (aggregate("sum", UP), COUNT, Usage.VALUE, NOT_NEGATIVE),
    (aggregate("avg", USE), RATIO, Usage.VALUE, (0, 1)),
    (aggregate("avg", UP), RATIO, Usage.VALUE, (0, 1)),
    (aggregate("min", USE), RATIO, Usage.VALUE, (0, 1)),
    (aggregate("max", pretend.TEMPERATURE.select()), CELSIUS, Usage.VALUE, NOT_NEGATIVE),
    (aggregate("stddev", STARTED), SECONDS, Usage.VALUE, NOT_NEGATIVE),
    (aggregate("count", READ), COUNT, Usage.VALUE, (1, None)),
    (count_values(UP, "state"), COUNT, Usage.VALUE, (1, None)),
    (aggregate("group", READ), STATE, Usage.VALUE, (1, 1)),
    (aggregate("quantile", USE, parameter=0.5), RATIO, Usage.QUANTILE, (0, 1)),
    (aggregate("topk", USE, parameter=3), RATIO, Usage.VALUE, (0, 1)),
    (aggregate("bottomk", USE, parameter=3), RATIO, Usage.VALUE, (0, 1)),
)

EVERY = (*CALLS, *AGGREGATES)
TEXTS = [to_text(expression, RULES) for expression, *_ in EVERY]


@pytest.mark.parametrize(("expression", "unit", "usage", "bounds"), EVERY, ids=TEXTS)
def test_results_have_unit_form_and_bounds(
    expression: Expr, unit: Unit, usage: Usage, bounds: Bounds
) -> None:
    """What comes out follows from what goes in."""
    facts = expression.facts

    assert (unit, usage, bounds) == (expression.unit, facts.usage, facts.bounds)


def _names(texts: Sequence[str]) -> set[str]:
    return {text.partition("(")[0].partition(" ")[0] for text in texts}


def test_every_entry_is_tried() -> None:
    """The tables above leave nothing out."""

    assert set(FUNCTIONS) == _names(TEXTS[: len(CALLS)])
    assert set(AGGREGATIONS) == _names(TEXTS[len(CALLS) :])


@pytest.mark.parametrize(
    "expression", [expression for expression, *_ in CALLS], ids=TEXTS[: len(CALLS)]
)
def test_functions_are_those_of_the_parser(expression: Expr) -> None:
    """promql-parser has the same argument types, and nothing that is experimental."""
    call_read = parser.parse(to_text(expression, RULES))
    assert isinstance(call_read, parser.Call)
    read = call_read.func
    ours = FUNCTIONS[read.name]
    wanted = [str(kind).rpartition(".")[2] for kind in read.arg_types]

    assert wanted[: len(ours.arguments)] == [TYPE_NAMES[kind] for kind in ours.arguments]
    assert not read.experimental


def test_nothing_is_experimental() -> None:
    """What Prometheus hides behind a flag, or took away in 3.0, is in neither table."""
    hidden = {
        *("limitk", "limit_ratio", "info", "mad_over_time", "sort_by_label", "sort_by_label_desc"),
        *("double_exponential_smoothing", "holt_winters", "first_over_time", "ts_of_max_over_time"),
    }

    assert set() == hidden & (set(FUNCTIONS) | set(AGGREGATIONS))


def test_promtool_accepts_every_entry(promtool: Path, tmp_path: Path) -> None:
    """Each is there in the oldest Prometheus that we support, without a flag."""
    said = check_rules(promtool, tmp_path, TEXTS)

    assert (0, "") == (said.returncode, said.stderr)


def test_quantiles_are_as_far_as_the_greatest_edge_of_any_source() -> None:
    """Where edges differ by source the highest counts; where they differ by model none is known."""
    of_sources = quantile(0.9, pretend.RECORDED_BUCKETS)
    of_models = quantile(0.9, rate(pretend.LENGTH.bucket(), "5m"))

    assert [(0, 10), (0, None)] == [of_sources.facts.bounds, of_models.facts.bounds]
    assert TOKENS == of_models.unit


def test_quantiles_of_negative_edges_have_no_least_value() -> None:
    """Only buckets that begin above zero are known to hold nothing below it."""
    series = pretend.RECORDED_BUCKETS.series.with_edges(Edges((-1.0, 0.0, 1.0), CELSIUS))
    from_minus_one = quantile(0.9, Selector(series))

    assert (None, 1) == from_minus_one.facts.bounds


def test_observations_per_second_become_the_unit_of_edges() -> None:
    """The rate of buckets counts; the quantile measures."""

    assert OBSERVATIONS.per_second == BUCKETS.unit
    assert SECONDS == quantile(0.9, BUCKETS).unit
    assert MILLISECONDS == convert(quantile(0.9, BUCKETS), MILLISECONDS).unit


def test_quantiles_of_time_say_so() -> None:
    """A median over time cannot be averaged over instances."""

    assert Usage.VALUE is over_time("avg", WAITING, "5m").facts.usage
    assert Usage.QUANTILE is call("quantile_over_time", 0.5, WAITING.over("5m")).facts.usage
