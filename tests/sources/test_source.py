"""A source speaks its exporter's dialect, and refuses answers that do not fit their signals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmdash.errors import SourceError
from llmdash.metrics.metric import Counter, Gauge, Histogram, Metric, Needs, Versions
from llmdash.promql.expressions import not_equal
from llmdash.promql.nodes import Expr, Matcher
from llmdash.promql.printer import to_text
from llmdash.promql.units import REQUESTS, SECONDS
from llmdash.signals import signal
from llmdash.sources.answer import Answer, CounterAnswer, DistributionAnswer, GaugeAnswer, Term
from llmdash.sources.source import Dialect, answered, counter, gauge, mean, ratio
from tests.sources.examples import (
    BUSY,
    DIALECT,
    DOORS,
    FULL,
    FULL_BEFORE,
    GUESTS,
    MEAL,
    MEAL_BEFORE,
    STORY,
    WAIT,
    WINDOW,
    WORDS,
    inn,
)

ORDERS = Counter(name="inn_orders_total", unit=REQUESTS, labels=GUESTS.labels)
BY_JOB = replace(DIALECT, match_job=True)
NAMESAKE = replace(DIALECT, identity=(not_equal("room", ""), Matcher("hotel", "=", "")))


@pytest.mark.parametrize(
    ("dialect", "metric", "text"),
    [
        (DIALECT, FULL, 'inn_full{room!=""}'),
        (DIALECT, DOORS, 'inn_doors{job="inn"}'),
        (BY_JOB, FULL, 'inn_full{job="inn", room!=""}'),
        (BY_JOB, DOORS, 'inn_doors{job="inn"}'),
        (NAMESAKE, FULL, 'inn_full{room!="", hotel=""}'),
        (NAMESAKE, DOORS, 'inn_doors{job="inn"}'),
        (replace(DIALECT, owns=("inn_",)), DOORS, "inn_doors"),
        (replace(DIALECT, owns=("hotel_",)), DOORS, 'inn_doors{job="inn"}'),
        (replace(BY_JOB, owns=("inn_",)), DOORS, 'inn_doors{job="inn"}'),
        (replace(DIALECT, prefix=("inn_", "ray_inn:")), FULL, 'ray_inn:full{room!=""}'),
        (replace(DIALECT, prefix=("hotel_", "ray_")), FULL, 'inn_full{room!=""}'),
    ],
)  # fmt: skip
def test_series_are_identified(dialect: Dialect, metric: Counter | Gauge, text: str) -> None:
    """Series are identified by their labels or name, else by the job; by both if the pack says so."""
    assert text == to_text(dialect.select(metric))


@pytest.mark.parametrize(
    ("dialect", "metric", "expected"),
    [
        (DIALECT, FULL, True),
        (replace(DIALECT, versions=Versions("1.0", "1.9")), FULL, False),
        (replace(DIALECT, versions=Versions("2.1")), FULL_BEFORE, True),
        (replace(DIALECT, versions=Versions("2.4")), FULL_BEFORE, False),
        (replace(DIALECT, without=frozenset({Needs.LORA})), WORDS, False),
        (replace(DIALECT, without=frozenset({Needs.GPU})), WORDS, True),
    ],
)
def test_families_come_and_go(dialect: Dialect, metric: Metric, expected: bool) -> None:
    """A family is spoken where a release of the range has it and nothing that it needs is ruled out."""
    assert expected == dialect.speaks(metric)


@pytest.mark.parametrize(
    ("versions", "text"),
    [
        (Versions("2.0", "2.3"), 'max(inn_full{room!=""} or ignoring (wing) inn_occupied{room!=""})'),
        (Versions("2.4"), 'max(inn_full{room!=""})'),
        (Versions("1.0", "1.9"), 'max(inn_occupied{room!=""})'),
    ],
)  # fmt: skip
def test_new_or_old_is_joined_inside(versions: Versions, text: str) -> None:
    """Only names that the range has are joined, without the labels that only one of them has."""
    term = replace(DIALECT, versions=versions).term(FULL, FULL_BEFORE)
    assert term is not None

    assert text == to_text(GaugeAnswer((term,), signal("kv_cache_use").unit).combined("max"))


def test_no_family_is_no_term() -> None:
    """A dialect without any of the families has no term, so the signal has no answer."""
    ancient = replace(DIALECT, versions=Versions("0.1", "0.2"))

    assert ancient.term(FULL) is None
    assert ancient.joined([]) is None
    assert ancient.distribution(signal("queue_time"), MEAL) is None


def test_labels_are_those_that_a_term_has() -> None:
    """A term renames labels that all its alternatives have; a fixed one is said by the rule."""
    both = DIALECT.term(WORDS, GUESTS)
    fixed = DIALECT.term(WORDS, token_source="book", outcome="ok")
    assert both is not None
    assert fixed is not None

    assert ((("model", "room"),), ("end", "source")) == (both.labels, both.ignoring)
    assert (("model", "room"),) == fixed.labels
    assert (("outcome", "ok"), ("token_source", "book")) == fixed.fixed


@pytest.mark.parametrize(
    ("versions", "edges", "quantile"),
    [
        (
            Versions("2.1", "2.3"),
            (0.7,),
            'histogram_quantile(0.73, sum by (le) (rate(inn_meal_seconds_bucket{room!="", le=~"0\\\\.7|\\\\+Inf"}[11m]) or rate(inn_dinner_seconds_bucket{room!="", le=~"0\\\\.7|\\\\+Inf"}[11m])))',
        ),
        (
            Versions("2.0", "2.0"),
            (0.7,),
            'histogram_quantile(0.73, sum by (le) (rate(inn_meal_seconds_bucket{room!="", le=~"0\\\\.7|\\\\+Inf"}[11m]) or rate(inn_dinner_seconds_bucket{room!="", le=~"0\\\\.7|\\\\+Inf"}[11m])))',
        ),
        (
            Versions("2.4"),
            (0.7, 1.1, 1.3),
            'histogram_quantile(0.73, sum by (le) (rate(inn_meal_seconds_bucket{room!=""}[11m])))',
        ),
    ],
)  # fmt: skip
def test_histograms_share_edges(
    versions: Versions, edges: tuple[float, ...], quantile: str
) -> None:
    """Buckets of all names and releases are read at the edges that all of them have."""
    dialect = replace(DIALECT, versions=versions)
    answer = dialect.distribution(signal("queue_time"), MEAL, MEAL_BEFORE, note="Slow food.")
    assert isinstance(answer, DistributionAnswer)
    assert answer.edges is not None

    assert (edges, "Slow food.") == (answer.edges.values, answer.note)
    assert quantile == to_text(answer.quantile(0.73, WINDOW))


def test_no_shared_edge_is_a_mean() -> None:
    """Histograms without an edge in common answer with a mean, and the note says why."""
    dialect = replace(DIALECT, edges={"inn_dinner_seconds": (0.2, 0.3)})
    answer = dialect.distribution(signal("queue_time"), MEAL, MEAL_BEFORE, note="Slow food.")
    assert isinstance(answer, DistributionAnswer)

    assert (None, None) == (answer.buckets, answer.edges)
    assert answer.note.startswith("Slow food. ")
    assert "every release" in answer.note
    assert "mean only" in answer.note


@pytest.mark.parametrize(
    ("dialect", "edges", "varies_by"),
    [
        (DIALECT, (1.0, 2.0, 5.0, 10.0), {"room"}),
        (replace(DIALECT, max_model_len=137), (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0), set()),
        (replace(DIALECT, edges={"inn_story_words": (3.0, 7.0)}), (3.0, 7.0), set()),
        (
            replace(DIALECT, edges={"inn_story_words": (3.0, 7.0)}, max_model_len=137),
            (3.0, 7.0),
            set(),
        ),
    ],
)
def test_the_operator_sets_edges(
    dialect: Dialect, edges: tuple[float, ...], varies_by: set[str]
) -> None:
    """Edges set by the operator win over the model's length, and that over the catalogue."""
    spoken = dialect.spoken(STORY)

    assert (edges, varies_by) == (spoken.edges, set(spoken.edges_vary_by))


@pytest.mark.parametrize(
    ("metric", "kept"), [(MEAL, (0.7, 1.1, 1.3)), (WAIT, (110.0, 700.0, 1300.0))]
)
def test_a_models_length_is_no_latency(metric: Histogram, kept: tuple[float, ...]) -> None:
    """The model's length replaces only edges that end at it."""
    assert kept == replace(DIALECT, max_model_len=137).spoken(metric).edges


def term(expression: Expr, **fixed: str) -> Term:
    return Term((expression,), fixed=tuple(fixed.items()))


@pytest.mark.parametrize(
    ("name", "answer", "message"),
    [
        (
            "requets",
            CounterAnswer((term(GUESTS.select()),), REQUESTS),
            "inn: no signal is called requets; did you mean requests?",
        ),
        (
            "beds",
            CounterAnswer((term(GUESTS.select()),), REQUESTS),
            "inn: no signal is called beds",
        ),
        (
            "requests",
            GaugeAnswer((term(DOORS.select()),), REQUESTS),
            "inn: requests is a counter, got GaugeAnswer",
        ),
        (
            "queue_time",
            CounterAnswer((term(BUSY.select()),), SECONDS),
            "inn: queue_time is a distribution, got CounterAnswer",
        ),
        (
            "requests",
            CounterAnswer((term(GUESTS.select(), outcome="fed"),), REQUESTS),
            "inn: requests has outcome ok, error, cancelled; got fed",
        ),
        (
            "requests",
            CounterAnswer((term(WORDS.select(), outcome="ok"),), REQUESTS),
            "inn: requests is asked in requests, inn_words_total is in tokens",
        ),
        (
            "queue_time",
            DistributionAnswer(term(WORDS.select()), term(GUESTS.select()), SECONDS),
            "inn: queue_time is asked in seconds, inn_words_total is in tokens",
        ),
        (
            "kv_cache_use",
            GaugeAnswer((term(FULL.select()), term(DOORS.select())), REQUESTS),
            "inn: kv_cache_use is asked in ratio, inn_doors is in requests",
        ),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(name: str, answer: Answer, message: str) -> None:
    """An answer to no signal, of another form, another unit or an unknown outcome is an error."""
    with pytest.raises(SourceError) as caught:
        inn(answers={name: answer})

    assert message == str(caught.value)


def test_answers_that_do_not_exist_are_left_out() -> None:
    """A missing term leaves out the answer, a missing one of several only itself."""
    some = DIALECT.term(GUESTS)
    made = answered(
        requests=counter("requests", None, some),
        preemptions=counter("preemptions", None),
        requests_running=gauge("requests_running", None, None),
        queue_time=mean("queue_time", some, None),
        decode_time=mean("decode_time", None, some),
        prefix_cache_hit_ratio=ratio("prefix_cache_hit_ratio", some, None),
    )

    assert ["requests"] == list(made)
    assert (some,) == made["requests"].terms


@pytest.mark.parametrize(
    ("families", "needs"),
    [
        (["inn_words_total"], (Needs.LORA,)),
        (["inn_wait_ms"], (Needs.GPU, Needs.LORA)),
        (["inn_wait_ms", "inn_words_total"], (Needs.LORA,)),
        (["inn_wait_ms", "inn_guests_total"], ()),
        (["up", "inn_wait_ms"], (Needs.GPU, Needs.LORA)),
        (["up"], ()),
    ],
)
def test_needs_are_what_all_families_need(families: list[str], needs: tuple[Needs, ...]) -> None:
    """One family that is always there gives an answer data without anything else."""
    assert needs == inn().needs(families)


def test_a_source_knows_what_it_reads() -> None:
    """A source lists the names behind its answers, what they need, and its gaps."""
    source = inn(
        answers=answered(
            requests=counter("requests", DIALECT.term(ORDERS, outcome="ok")),
            queue_time=DIALECT.distribution(signal("queue_time"), WAIT),
        )
    )

    assert {
        "inn_orders_total",
        "inn_wait_ms_bucket",
        "inn_wait_ms_sum",
        "inn_wait_ms_count",
    } == source.series_names()
    assert (Needs.GPU, Needs.LORA) == source.answer_needs("queue_time")
    assert (None, "inn") == (source.answer("up"), source.job)
