"""The words in which content is written make the nodes that they say."""

from __future__ import annotations

import pytest

from llmdash.promql.expressions import (
    aggregate,
    ago,
    as_value,
    at_edges,
    at_most,
    average,
    call,
    convert,
    count,
    counted_as,
    first_of,
    greatest,
    increase,
    joined,
    label_from_map,
    least,
    mean_of,
    not_equal,
    one_of,
    or_zero,
    over_time,
    quantile,
    rate,
    relabel,
    share_of,
    total,
)
from llmdash.promql.nodes import Aggregate, Binary, Call, Expr, Matcher, Matching, Number, Text
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.units import (
    BYTES,
    MICROSECONDS,
    MILLISECONDS,
    REQUESTS,
    SECONDS,
    TOKENS,
    Unit,
)
from llmdash.promql.windows import Duration
from tests.promql import pretend

UP, WAITING, READ = pretend.UP.select(), pretend.WAITING.select(), pretend.TOKENS_READ.select()
BUCKETS = pretend.FIRST_TOKEN.bucket()
FIVE_MINUTES = Duration.parse("5m")
COUNTED = pretend.FIRST_TOKEN.count()

WORDS: tuple[tuple[Expr, Expr], ...] = (
    (rate(READ, "5m"), Call("rate", (READ.over(FIVE_MINUTES),))),
    (rate(READ.over("5m")), Call("rate", (READ.over(FIVE_MINUTES),))),
    (increase(READ, FIVE_MINUTES), Call("increase", (READ.over("5m"),))),
    (over_time("max", WAITING, "5m"), Call("max_over_time", (WAITING.over("5m"),))),
    (call("round", UP, 5), Call("round", (UP, Number(5)))),
    (total(UP, ("job",)), Aggregate("sum", UP, ("job",))),
    (greatest(UP), Aggregate("max", UP)),
    (least(UP), Aggregate("min", UP)),
    (average(UP), Aggregate("avg", UP)),
    (count(UP), Aggregate("count", UP)),
    (
        aggregate("topk", UP, ("job", "job"), 3),
        Aggregate("topk", UP, ("job",), parameter=Number(3)),
    ),
    (
        quantile(0.9, rate(BUCKETS, "5m")),
        Call("histogram_quantile", (Number(0.9), rate(BUCKETS, "5m"))),
    ),
    (joined(UP, "/", UP, on=("instance",)), Binary("/", UP, UP, Matching(on=("instance",)))),
    (
        joined(UP, "*", total(UP), on=(), group_left=()),
        Binary("*", UP, total(UP), Matching(on=(), many="left")),
    ),
    (first_of(UP), UP),
    (first_of(UP, UP), Binary("or", UP, UP)),
    (
        first_of(UP, greatest(UP), ignoring=("job", "instance", "cluster", "namespace", "pod")),
        Binary(
            "or",
            UP,
            greatest(UP),
            Matching(ignoring=("job", "instance", "cluster", "namespace", "pod")),
        ),
    ),
    (
        relabel(UP, "a", "job"),
        Call("label_replace", (UP, Text("a"), Text("$1"), Text("job"), Text("(.+)"))),
    ),
    (ago(UP, "5m"), UP.offset(FIVE_MINUTES)),
    (UP.where(one_of("job", ("a", "b"))), UP.where(Matcher("job", "=~", "a|b"))),
    (UP.where(not_equal("job", "a")), UP.where(Matcher("job", "!=", "a"))),
    (1 - UP, Binary("-", Number(1), UP)),
    (UP >= 1, Binary(">=", UP, Number(1))),
)


@pytest.mark.parametrize(("word", "node"), WORDS, ids=[to_text(node, RULES) for _, node in WORDS])
def test_words_make_nodes(word: Expr, node: Expr) -> None:
    """A word is short for a node and adds nothing."""

    assert node == word


SUMS = total(rate(pretend.FIRST_TOKEN.sum(), "5m"))
MICRO = Number(1, MICROSECONDS)
CONVERTED: tuple[tuple[Expr, Unit, str], ...] = (
    (call("vector", MICRO), SECONDS, "vector(1) / 1000000"),
    (call("vector", Number(1, SECONDS)), MILLISECONDS, "vector(1) * 1000"),
    (call("vector", MICRO), MILLISECONDS, "vector(1) / 1000"),
    (call("vector", MICRO), MICROSECONDS, "vector(1)"),
    (call("vector", Number(1, BYTES)), Unit(BYTES.factors, 1024.0), "vector(1) / 1024"),
    # A factor that is no whole number either way stays as it is.
    (call("vector", Number(1, BYTES)), Unit(BYTES.factors, 1.5), "vector(1) * 0.666666666667"),
)


@pytest.mark.parametrize(("of", "unit", "text"), CONVERTED, ids=[text for *_, text in CONVERTED])
def test_conversions_divide_by_whole_numbers(of: Expr, unit: Unit, text: str) -> None:
    """Dividing by a thousand keeps digits that multiplying by 0.001 loses."""
    converted = convert(of, unit)

    assert (text, unit) == (to_text(converted, RULES), converted.unit)


def test_a_mean_is_a_sum_per_event() -> None:
    """Seconds per observation are seconds."""
    mean = mean_of(SUMS, total(rate(COUNTED, "5m")))

    assert SECONDS == mean.unit
    assert (
        "sum(rate(pretend:first_token_seconds_sum[5m])) / "
        "sum(rate(pretend:first_token_seconds_count[5m]))"
    ) == to_text(mean, RULES)


def test_observations_are_counted_as_what_they_are() -> None:
    """Each first token is a request."""

    assert REQUESTS.per_second == counted_as(rate(COUNTED, "5m"), REQUESTS.per_second).unit


def test_a_counter_is_read_as_a_value_with_a_reason() -> None:
    """What is not rated says why."""
    taken = as_value(READ, "shown once, beside its rate")

    assert ("shown once, beside its rate", TOKENS) == (taken.because, taken.unit)


def test_buckets_are_chosen_by_their_edges() -> None:
    """One edge, or some and infinity."""

    assert BUCKETS.where(Matcher("le", "=", "2.5")) == at_most(BUCKETS, 2.5)
    assert BUCKETS.where(Matcher("le", "=~", r"2\.5|\+Inf")) == at_edges(BUCKETS, (2.5,))


def test_labels_are_mapped_one_value_at_a_time() -> None:
    """Targets become models; a dollar is a dollar."""
    mapped = label_from_map(UP, "model", "instance", {"a:1": "x", "b-2": "x", "c": "$y"})

    assert (
        'label_replace(label_replace(up, "model", "$$y", "instance", "c"), '
        '"model", "x", "instance", "a:1|b-2")'
    ) == to_text(mapped, RULES)
    assert mapped.labels.has("model")


def test_a_part_that_is_not_counted_yet_is_zero() -> None:
    """None counted is zero as long as the whole is there, and only then: no traffic stays no number."""
    whole = total(rate(READ, "7m"), ["model_name"])
    part = total(rate(READ.where(cluster="south"), "7m"), ["model_name"])
    counted = to_text(whole)

    assert f"{to_text(part)} or {counted} * 0" == to_text(or_zero(part, whole))
    assert f"({to_text(part)} or {counted} * 0) / {counted}" == to_text(share_of(part, whole))
