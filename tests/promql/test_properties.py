"""Properties of all expressions that can be built: they print, parse, and mean what was built."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import promql_parser as parser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmdash.errors import PromqlError
from llmdash.promql.expressions import (
    aggregate,
    at_edges,
    at_most,
    convert,
    joined,
    one_of,
    over_time,
    quantile,
    rate,
    relabel,
)
from llmdash.promql.functions import AGGREGATIONS
from llmdash.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Expr,
    Matcher,
    Matching,
    Number,
    Selector,
    Text,
    Variable,
)
from llmdash.promql.operators import ARITHMETIC, COMPARISONS, SETS
from llmdash.promql.printer import GRAFANA, PARSER, RULES, to_text
from llmdash.promql.rewrite import map_selectors
from llmdash.promql.windows import RANGE, RATE_INTERVAL, Duration, Window
from tests.promql import pretend, structure
from tests.promql.rule_files import check_rules

# Runs are equal everywhere: a failure here is a failure for everybody.
SETTLED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=300,
    suppress_health_check=list(HealthCheck),
)
#: promql-parser overflows its stack on deep nesting, so trees stay small.
STEPS = 4

COUNTERS = (
    pretend.TOKENS_READ,
    pretend.TOKENS_WRITTEN,
    pretend.ANSWERS,
    pretend.ENERGY,
    pretend.PASSED,
)
GAUGES = (
    pretend.WAITING,
    pretend.CACHE_USE,
    pretend.TEMPERATURE,
    pretend.POWER,
    pretend.MEMORY,
    pretend.STARTED,
    pretend.UP,
    pretend.CONFIGURATION,
)
HISTOGRAMS = (pretend.FIRST_TOKEN, pretend.LENGTH)

numbers = st.builds(
    Number,
    st.one_of(
        st.integers(-10, 10),
        st.floats(allow_nan=False),
        st.sampled_from((0.1 + 0.2, 1e21, 1e-7, float("inf"), float("-inf"), 100, 0.95)),
    ),
)
durations = st.one_of(
    st.sampled_from(("5m", "1h30m", "30d", "2w", "250ms", "1d", "25h")).map(Duration.parse),
    st.integers(1, 2**63 // 1_000_000).map(Duration),
)
windows: st.SearchStrategy[Window] = durations | st.sampled_from((RATE_INTERVAL, RANGE))
label_values = st.text(max_size=6).filter(lambda value: not value.startswith("$"))


def built_or(otherwise: Expr, build: Callable[[], Expr]) -> Expr:
    """Return what can be built; where the types refuse it, what was there."""
    try:
        return build()
    except PromqlError:
        return otherwise


def _narrowed(of: Selector, matcher: Matcher) -> Selector:
    try:
        return of.where(matcher)
    except PromqlError:
        return of


@st.composite
def selectors(draw: st.DrawFn, of: Selector, for_rules: bool) -> Selector:
    """Narrow a selector, and perhaps look at it some time ago."""
    names = sorted(of.labels.names - {"le", "source", "role"})
    for _ in range(draw(st.integers(0, 2))):
        if not names:
            break
        label = draw(st.sampled_from(names))
        allowed = of.series.labels.allowed(label)
        value = draw(st.sampled_from(allowed) if allowed else label_values)
        matcher = draw(
            st.sampled_from(
                (
                    Matcher(label, "=", value),
                    Matcher(label, "!=", value),
                    one_of(label, (value, "stop", "a.b|c")),
                    Matcher(label, "!~", "sto.*|(?i:wri)te"),
                    Matcher(label, "=", Variable("chosen", single=True)),
                    Matcher(label, "=~", Variable("some")),
                )
            )
        )
        if not (for_rules and isinstance(matcher.value, Variable)):
            of = _narrowed(of, matcher)
    if of.ago is None and draw(st.booleans()):
        of = of.offset(draw(durations))
    return of


@st.composite
def leaves(draw: st.DrawFn, for_rules: bool) -> Expr:
    """Draw an expression straight from the catalogue."""
    window = draw(durations if for_rules else windows)
    kind = draw(st.sampled_from(("counter", "gauge", "window", "buckets", "bucket", "recording")))
    match kind:
        case "counter":
            counter = draw(st.sampled_from(COUNTERS)).select()
            name = draw(st.sampled_from(("rate", "irate", "increase", "resets", "changes")))
            return Call(name, (draw(selectors(counter, for_rules)).over(window),))
        case "gauge":
            gauge = draw(st.sampled_from(GAUGES)).select()
            return draw(selectors(gauge, for_rules))
        case "window":
            gauge = draw(selectors(draw(st.sampled_from(GAUGES)).select(), for_rules))
            name = draw(st.sampled_from(("avg", "min", "max", "sum", "last", "count", "present")))
            return built_or(gauge, lambda: over_time(name, gauge, window))
        case "buckets":
            histogram = draw(st.sampled_from(HISTOGRAMS))
            buckets = draw(selectors(histogram.bucket(), for_rules))
            edges = draw(st.sets(st.sampled_from(histogram.edges), min_size=1))
            chosen = draw(st.sampled_from((buckets, at_edges(buckets, sorted(edges)))))
            by = ("le", *draw(st.sets(st.sampled_from(("model_name", "job", "instance")))))
            share = draw(st.floats(0, 1))
            rates = rate(chosen, window)
            return built_or(rates, lambda: quantile(share, aggregate("sum", rates, by)))
        case "bucket":
            edge = draw(st.sampled_from(pretend.FIRST_TOKEN.edges))
            return rate(at_most(pretend.FIRST_TOKEN.bucket(), edge), window)
        case _:
            recording = draw(st.sampled_from((pretend.RECORDED_REQUESTS, pretend.RECORDED_BUCKETS)))
            return draw(selectors(recording, for_rules))


def subsets(names: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Draw some of the names, in any order."""
    if not names:
        return st.just(())
    return st.lists(st.sampled_from(names), unique=True, max_size=3).map(tuple)


@st.composite
def applied(draw: st.DrawFn, of: Expr) -> Expr:
    """Apply a function of one vector."""
    name = draw(
        st.sampled_from(
            (
                *("abs", "ceil", "floor", "round", "sgn", "ln", "log2", "log10", "timestamp"),
                *("scalar", "sort", "sort_desc", "absent", "vector"),
                *("clamp", "clamp_min", "clamp_max", "round to", "label_replace", "relabel"),
            )
        )
    )
    low, high = draw(numbers), draw(numbers)
    texts = [Text("copy"), Text(draw(st.text(max_size=5))), Text("job"), Text("(.*)-(a|b)")]
    builds: dict[str, Callable[[], Expr]] = {
        "clamp": lambda: Call("clamp", (of, low, high)),
        "clamp_min": lambda: Call("clamp_min", (of, low)),
        "clamp_max": lambda: Call("clamp_max", (of, high)),
        "round to": lambda: Call("round", (of, low)),
        "label_replace": lambda: Call("label_replace", (of, *texts)),
        "relabel": lambda: relabel(of, "copy", "instance"),
    }
    return built_or(of, builds.get(name, lambda: Call(name, (of,))))


@st.composite
def combined(draw: st.DrawFn, of: Expr) -> Expr:
    """Aggregate by some labels, or without some."""
    name = draw(st.sampled_from(sorted(AGGREGATIONS)))
    labels = draw(subsets(sorted(of.labels.names)))
    parameter = None
    if name == "quantile":
        parameter = Number(draw(st.floats(0, 1)))
    elif AGGREGATIONS[name].parameter is not None:
        parameter = Number(draw(st.integers(1, 5)))
    by = draw(st.booleans())
    return built_or(
        of,
        lambda: (
            Aggregate(name, of, labels, parameter=parameter)
            if by
            else Aggregate(name, of, None, labels, parameter=parameter)
        ),
    )


@st.composite
def matchings(draw: st.DrawFn, left: Expr, right: Expr) -> Matching | None:
    """Draw a way in which two vectors find each other."""
    shared = sorted(left.labels.names & right.labels.names)
    either = sorted(left.labels.names | right.labels.names)
    sides: tuple[Literal["left", "right"] | None, ...] = (None, "left", "right")
    many = draw(st.sampled_from(sides))
    include = draw(subsets(either)) if many else ()
    on: tuple[str, ...] | None = None
    ignoring: tuple[str, ...] = ()
    match draw(st.sampled_from(("none", "on", "on all", "ignoring", "ignoring odd"))):
        case "none":
            return None
        case "on":
            on = draw(subsets(shared))
        case "on all":
            on = tuple(shared)
        case "ignoring":
            ignoring = draw(subsets(either))
        case _:
            ignoring = tuple(sorted(left.labels.names ^ right.labels.names))
    if ignoring:
        return Matching(ignoring=ignoring, many=many, include=include)
    return (
        None
        if on is None
        else Matching(on, many=many, include=tuple(sorted(set(include) - set(on))))
    )


@st.composite
def paired(draw: st.DrawFn, of: Expr, for_rules: bool) -> Expr:
    """Join with a number, with itself, or with another expression."""
    operator = draw(st.sampled_from((*ARITHMETIC, *COMPARISONS, *SETS)))
    as_state = operator in COMPARISONS and draw(st.booleans())
    kind = draw(st.sampled_from(("number", "itself", "its past", "its total", "another")))
    match kind:
        case "number":
            other: Expr = draw(numbers)
        case "itself":
            other = of
        case "its past":
            ago = draw(durations)
            other = map_selectors(of, lambda s: s if s.ago else s.offset(ago))
        case "its total":
            other = built_or(
                of, lambda: aggregate("max", of, draw(subsets(sorted(of.labels.names))))
            )
        case _:
            other = draw(expressions(for_rules, most=1))
    sides = (of, other) if draw(st.booleans()) else (other, of)
    matching = None if kind == "number" else draw(matchings(*sides))
    return built_or(of, lambda: Binary(operator, *sides, matching, as_state))


@st.composite
def expressions(draw: st.DrawFn, for_rules: bool = False, most: int = STEPS) -> Expr:
    """Draw an expression that the types accept."""
    of = draw(leaves(for_rules))
    for _ in range(draw(st.integers(0, most))):
        match draw(st.sampled_from(("applied", "combined", "paired", "paired", "converted"))):
            case "applied":
                of = draw(applied(of))
            case "combined":
                of = draw(combined(of))
            case "paired":
                of = draw(paired(of, for_rules))
            case _:
                unit = draw(st.sampled_from(pretend.UNITS))
                of = built_or(of, partial(convert, of, unit))
    return of


def _joined(operator: str, left: Expr, right: Expr) -> Expr:
    compares = operator in COMPARISONS
    return built_or(left, lambda: Binary(operator, left, right, as_state=compares))


#: Trees of operators alone, over numbers without units and labels, so that nothing is refused.
operations = st.recursive(
    numbers.map(lambda number: Call("vector", (number,))) | numbers,
    lambda inner: st.builds(
        _joined, st.sampled_from((*ARITHMETIC, *COMPARISONS, *SETS)), inner, inner
    ),
    max_leaves=12,
)


@SETTLED
@given(operations)
def test_precedence_survives(expression: Expr) -> None:
    """Parentheses stand where they are needed: any nesting of operators reads back as built."""
    found = parser.parse(to_text(expression, RULES))

    assert structure.built(expression) == structure.read(found)


@SETTLED
@given(expressions())
def test_what_is_built_parses_as_built(expression: Expr) -> None:
    """promql-parser reads back the tree that was built: precedence, matching, windows and all."""
    found = parser.parse(to_text(expression, PARSER))

    assert structure.built(expression) == structure.read(found)


@SETTLED
@given(expressions())
def test_what_is_built_prints_for_grafana(expression: Expr) -> None:
    """The text for Grafana is that for a parser, but for the intervals."""
    text = to_text(expression, GRAFANA)
    for interval in (RATE_INTERVAL, RANGE):
        text = text.replace(f"[{interval}]", f"[{interval.placeholder}]")

    assert to_text(expression, PARSER) == text


@SETTLED
@given(expressions(for_rules=True))
def test_what_is_built_without_grafana_prints_for_rules(expression: Expr) -> None:
    """Without intervals and variables the three targets print one text."""
    texts = {to_text(expression, target) for target in (RULES, GRAFANA, PARSER)}

    assert 1 == len(texts)


@SETTLED
@given(expressions())
def test_prettify_keeps_the_structure(expression: Expr) -> None:
    """What promql-parser makes pretty is still what was built."""
    pretty = parser.parse(to_text(expression, PARSER)).prettify()

    assert structure.built(expression) == structure.read(parser.parse(pretty))


@SETTLED
@given(expressions())
def test_arguments_have_the_types_that_the_parser_wants(expression: Expr) -> None:
    """Our facts agree with promql-parser wherever it knows a type."""
    functions: list[Any] = []
    parser.walk(
        parser.parse(to_text(expression, PARSER)),
        lambda node: functions.append(node.func) if isinstance(node, parser.Call) else None,
    )
    ours = [node for node in expression.walk() if isinstance(node, Call)]

    assert [node.function for node in ours] == [function.name for function in functions]
    for node, function in zip(ours, functions, strict=True):
        given_types = [structure.TYPE_NAMES[a.facts.type] for a in node.arguments]
        wanted = [str(kind).rpartition(".")[2] for kind in function.arg_types]

        assert wanted[: len(given_types)] == given_types
        assert str(function.return_type) == f"ValueType.{structure.TYPE_NAMES[node.facts.type]}"


@SETTLED
@given(expressions())
def test_facts_do_not_contradict_each_other(expression: Expr) -> None:
    """Pinned labels are labels; edges need le; bounds ascend; a scalar has no labels."""
    for node in expression.walk():
        facts, labels = node.facts, node.facts.labels
        low, high = facts.bounds

        assert labels.pinned <= labels.names
        assert {name for name, _ in labels.values} == labels.pinned
        assert facts.edges is None or labels.has("le")
        assert low is None or high is None or low <= high
        assert facts.type.name not in ("SCALAR", "STRING") or not labels.names


@SETTLED
@given(expressions())
def test_rebuilding_changes_nothing(expression: Expr) -> None:
    """A tree rebuilt from its parts is equal, and so are its facts."""
    again = map_selectors(expression, lambda selector: selector)

    assert expression == again
    assert expression.facts == again.facts


@pytest.fixture(scope="module")
def drawn() -> list[str]:
    """Hundreds of drawn expressions as rule files spell them, the same ones in every run."""
    found: list[str] = []

    @settings(SETTLED, max_examples=400)
    @given(expressions(for_rules=True))
    def collect(expression: Expr) -> None:
        found.append(to_text(expression, RULES))

    @settings(SETTLED, max_examples=200)
    @given(operations)
    def collect_operations(expression: Expr) -> None:
        found.append(to_text(expression, RULES))

    collect()
    collect_operations()
    return list(dict.fromkeys(found))


def test_promtool_accepts_what_is_built(drawn: list[str], promtool: Path, tmp_path: Path) -> None:
    """Prometheus's own parser takes every expression into a rule file."""
    said = check_rules(promtool, tmp_path, drawn)

    assert len(drawn) > 200
    assert (0, "") == (said.returncode, said.stderr)
    assert f"SUCCESS: {len(drawn)} rules found" in said.stdout


def test_joined_is_the_same_as_its_node() -> None:
    """The word makes the node that the drawn expressions are made of."""
    left, right = pretend.POWER.select(), aggregate("max", pretend.POWER.select(), ("gpu",))

    assert Binary("/", left, right, Matching(("gpu",), many="left")) == joined(
        left, "/", right, on=("gpu",), group_left=()
    )
