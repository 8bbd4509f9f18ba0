"""What is printed, in and out, for rule files, Grafana, a parser and a Prometheus that is asked."""

from __future__ import annotations

import promql_parser as parser
import pytest

from llmdash.promql.expressions import (
    aggregate,
    as_value,
    at_edges,
    at_most,
    call,
    convert,
    first_of,
    increase,
    joined,
    not_equal,
    one_of,
    quantile,
    rate,
    relabel,
    total,
)
from llmdash.promql.nodes import Aggregate, Binary, Expr, Matcher, Number, Variable
from llmdash.promql.printer import GRAFANA, PARSER, RULES, Target, concrete, to_text
from llmdash.promql.units import MILLISECONDS, SECONDS
from llmdash.promql.windows import RANGE, RATE_INTERVAL
from tests.promql import pretend, structure

UP, WAITING, USE = pretend.UP.select(), pretend.WAITING.select(), pretend.CACHE_USE.select()
READ, POWER = pretend.TOKENS_READ.select(), pretend.POWER.select()
BUCKETS = pretend.FIRST_TOKEN.bucket()
PINNED = WAITING.where(model_name="a", job="b", instance="c")
ONE, TWO, THREE = (call("vector", number) for number in (1, 2, 3))


def _numbers(*values: float) -> list[Number]:
    return [Number(value) for value in values]


N2, N3, N4, MINUS = _numbers(2, 3, 4, -1)

# fmt: off
PRINTED: tuple[tuple[Expr, str], ...] = (
    # selectors, matchers, quoting
    (UP, 'up'),
    (UP.where(job="a"), 'up{job="a"}'),
    (UP.where(job="a").where(job="a"), 'up{job="a"}'),
    (UP.where(not_equal("job", "a"), Matcher("pod", "!~", "b.*")), 'up{job!="a", pod!~"b.*"}'),
    (UP.where(job='say "hi"\\\n'), 'up{job="say \\"hi\\"\\\\\\n"}'),
    (UP.where(one_of("job", ("a.b", "c-d e"))), 'up{job=~"a\\\\.b|c\\\\-d\\\\ e"}'),
    (UP.where(one_of("job", ("a.b",))), 'up{job="a.b"}'),
    (UP.where(Matcher("model", "=", "")), 'up{model=""}'),
    # offsets and windows
    (UP.offset("5m"), 'up offset 5m'),
    (rate(READ, "11m"), 'rate(pretend:tokens_read_total[11m])'),
    (rate(READ.offset("1h"), "11m"), 'rate(pretend:tokens_read_total[11m] offset 1h)'),
    (rate(READ.over("11m")), 'rate(pretend:tokens_read_total[11m])'),
    (UP - UP.offset("1d"), 'up - up offset 1d'),
    # edges in all spellings
    (at_most(BUCKETS, 2.5), 'pretend:first_token_seconds_bucket{le="2.5"}'),
    (at_most(BUCKETS, 5), 'pretend:first_token_seconds_bucket{le=~"5|5\\\\.0"}'),
    (at_most(pretend.LENGTH.bucket(), 1_000_000), 'pretend:length_tokens_bucket{le=~"1000000|1000000\\\\.0|1e\\\\+06"}'),
    (at_edges(BUCKETS, (0.1, 5)), 'pretend:first_token_seconds_bucket{le=~"0\\\\.1|5|5\\\\.0|\\\\+Inf"}'),
    # calls and aggregations
    (call("time"), 'time()'),
    (call("round", UP, 5), 'round(up, 5)'),
    (call("clamp", UP, -1, 1), 'clamp(up, -1, 1)'),
    (relabel(UP, "node", "instance", "(.+):.*"), 'label_replace(up, "node", "$1", "instance", "(.+):.*")'),
    (total(WAITING), 'sum(pretend:waiting)'),
    (total(WAITING, ("job", "job")), 'sum by (job) (pretend:waiting)'),
    (total(WAITING, ("model_name", "job")), 'sum by (model_name, job) (pretend:waiting)'),
    (Aggregate("sum", WAITING, None, ("pod",)), 'sum without (pod) (pretend:waiting)'),
    (Aggregate("sum", WAITING, without=("pod",)), 'sum without (pod) (pretend:waiting)'),
    # Without nothing is by everything; by nothing is one series.
    (Aggregate("sum", WAITING, None), 'sum without () (pretend:waiting)'),
    (aggregate("topk", WAITING, ("job",), 3), 'topk by (job) (3, pretend:waiting)'),
    (aggregate("quantile", WAITING, parameter=0.9), 'quantile(0.9, pretend:waiting)'),
    (quantile(0.95, total(rate(BUCKETS, "5m"), ("le",))), 'histogram_quantile(0.95, sum by (le) (rate(pretend:first_token_seconds_bucket[5m])))'),
    # numbers
    (UP * 0.1, 'up * 0.1'),
    (UP * (0.1 + 0.2), 'up * 0.30000000000000004'),
    (UP * 1e21, 'up * 1e+21'),
    (UP * 1e-7, 'up * 1e-07'),
    (UP * 100.0, 'up * 100'),
    (UP * 123456789012, 'up * 123456789012'),
    (UP * float("inf"), 'up * (+Inf)'),
    (UP * -1, 'up * (-1)'),
    # precedence
    ((ONE + TWO) * N3, '(vector(1) + vector(2)) * 3'),
    (ONE + TWO * N3, 'vector(1) + vector(2) * 3'),
    (ONE - (TWO - THREE), 'vector(1) - (vector(2) - vector(3))'),
    (ONE - TWO - THREE, 'vector(1) - vector(2) - vector(3)'),
    (ONE / (TWO * N3), 'vector(1) / (vector(2) * 3)'),
    (1 - ONE / TWO / (Number(1) - 0.999), '1 - vector(1) / vector(2) / (1 - 0.999)'),
    (Binary("^", Binary("^", N2, N3), N4), '(2 ^ 3) ^ 4'),
    (Binary("^", N2, Binary("^", N3, N4)), '2 ^ 3 ^ 4'),
    (Binary("^", MINUS, N2), '(-1) ^ 2'),
    (Binary("^", N2, MINUS), '2 ^ (-1)'),
    (Binary("*", Binary("^", N2, N3), N4), '2 ^ 3 * 4'),
    (Binary("^", Binary("*", N2, N3), N4), '(2 * 3) ^ 4'),
    (Binary("%", ONE, Binary("%", TWO, THREE)), 'vector(1) % (vector(2) % vector(3))'),
    ((ONE > 2) > 3, 'vector(1) > 2 > 3'),
    (ONE > (TWO > 3), 'vector(1) > (vector(2) > 3)'),
    ((ONE + 1) > 2, 'vector(1) + 1 > 2'),
    (ONE + (TWO > 2), 'vector(1) + (vector(2) > 2)'),
    (first_of(ONE, TWO, THREE), 'vector(1) or vector(2) or vector(3)'),
    (first_of(ONE, first_of(TWO, THREE)), 'vector(1) or (vector(2) or vector(3))'),
    (Binary("and", first_of(ONE, TWO), THREE), '(vector(1) or vector(2)) and vector(3)'),
    (first_of(ONE, Binary("and", TWO, THREE)), 'vector(1) or vector(2) and vector(3)'),
    (Binary("unless", ONE, Binary("and", TWO, THREE)), 'vector(1) unless (vector(2) and vector(3))'),
    (Binary("and", Binary("unless", ONE, TWO), THREE), 'vector(1) unless vector(2) and vector(3)'),
    (Binary("and", ONE > 2, TWO), 'vector(1) > 2 and vector(2)'),
    # bool and matching
    (Binary("==", UP, Number(1), as_state=True), 'up == bool 1'),
    (Binary(">", Number(2), Number(1), as_state=True), '2 > bool 1'),
    (joined(total(UP), "/", total(WAITING), on=()), 'sum(up) / on () sum(pretend:waiting)'),
    (joined(WAITING, "and", Binary("==", UP, Number(1)), on=("job", "instance")), 'pretend:waiting and on (job, instance) up == 1'),
    (joined(UP, "*", aggregate("max", WAITING, ("job",)), on=("job",), group_left=()), 'up * on (job) group_left () max by (job) (pretend:waiting)'),
    (joined(UP, "*", pretend.CONFIGURATION.select(), on=("job", "instance"), group_left=("block_size",)), 'up * on (job, instance) group_left (block_size) pretend:configuration_info'),
    (joined(POWER, "/", total(POWER, ("instance",)), ignoring=("gpu", "job", "pod", "namespace", "cluster"), group_left=()), 'pretend_power_watts / ignoring (gpu, job, pod, namespace, cluster) group_left () sum by (instance) (pretend_power_watts)'),
    (joined(PINNED, "-", PINNED, ignoring=("model_name",)), 'pretend:waiting{model_name="a", job="b", instance="c"} - ignoring (model_name) pretend:waiting{model_name="a", job="b", instance="c"}'),
    # readings print as what they read; conversions divide by whole numbers
    (as_value(READ, "shown once, beside its rate"), 'pretend:tokens_read_total'),
    (convert(pretend.STARTED.select() - pretend.STARTED.select(), MILLISECONDS), '(pretend_start_time_seconds - pretend_start_time_seconds) * 1000'),
    (convert(convert(rate(pretend.FIRST_TOKEN.sum(), "5m"), SECONDS.per_second), MILLISECONDS.per_second), 'rate(pretend:first_token_seconds_sum[5m]) * 1000'),
    # a series born at its first error counts that first value
    (first_of(joined(as_value(Binary("unless", READ, READ.offset("5m")), "its first value"), "and", Binary("==", UP.offset("5m"), Number(1)), on=("job", "instance")), increase(READ, "5m")), 'pretend:tokens_read_total unless pretend:tokens_read_total offset 5m and on (job, instance) up offset 5m == 1 or increase(pretend:tokens_read_total[5m])'),
)
# fmt: on

EXPRESSIONS = [expression for expression, _ in PRINTED]
TEXTS = [text for _, text in PRINTED]


@pytest.mark.parametrize(("expression", "text"), PRINTED, ids=TEXTS)
def test_prints(expression: Expr, text: str) -> None:
    """Parentheses stand where they are needed and nowhere else."""

    assert text == to_text(expression, RULES)


@pytest.mark.parametrize(("expression", "text"), PRINTED, ids=TEXTS)
def test_reads_back(expression: Expr, text: str) -> None:
    """promql-parser reads what was built, and its own pretty text says the same."""
    read = parser.parse(text)

    assert structure.built(expression) == structure.read(read)
    assert structure.built(expression) == structure.read(parser.parse(read.prettify()))


ON_A_PAGE = rate(
    READ.where(model_name=Variable("model"), job=Variable("job", single=True)), RATE_INTERVAL
)
#: The same expression for each target.
TARGETS = (
    (
        GRAFANA,
        'rate(pretend:tokens_read_total{model_name=~"$model", job=~"$job"}[$__rate_interval])',
    ),
    (PARSER, 'rate(pretend:tokens_read_total{model_name=~"$model", job=~"$job"}[3h42m51s337ms])'),
    (
        concrete({"__rate_interval": "1m"}, {"model": "a|b", "job": "c"}),
        'rate(pretend:tokens_read_total{model_name=~"a|b", job=~"c"}[1m])',
    ),
)


@pytest.mark.parametrize(("target", "text"), TARGETS, ids=[target.name for target, _ in TARGETS])
def test_targets_fill_in_what_grafana_would(target: Target, text: str) -> None:
    """Grafana gets its own words, a parser real durations, a Prometheus what it is asked with."""

    assert text == to_text(ON_A_PAGE, target)


def test_a_parser_reads_what_grafana_is_sent() -> None:
    """Intervals are distinct real durations to a parser; variables stand inside quotes."""
    both = rate(READ, RATE_INTERVAL) / rate(READ, RANGE)
    text = to_text(both, PARSER)

    assert structure.built(both) == structure.read(parser.parse(text))
    assert (
        "rate(pretend:tokens_read_total[3h42m51s337ms]) / "
        "rate(pretend:tokens_read_total[3h42m51s339ms])"
    ) == text
    assert structure.built(ON_A_PAGE) == structure.read(parser.parse(to_text(ON_A_PAGE, PARSER)))
