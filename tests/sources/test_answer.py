"""Answers become PromQL: labels renamed, units converted, old and new names joined inside."""

from __future__ import annotations

import pytest

from llmdash.errors import SourceError
from llmdash.promql.edges import Edges
from llmdash.promql.expressions import as_value, total
from llmdash.promql.nodes import Expr, Matcher
from llmdash.promql.printer import to_text
from llmdash.promql.units import COUNT, MILLISECONDS, RATIO, REQUESTS, SECONDS, STATE, TOKENS, Unit
from llmdash.sources.answer import (
    CounterAnswer,
    DistributionAnswer,
    GaugeAnswer,
    RatioAnswer,
    Term,
    families_of,
    restricted,
)
from tests.sources.examples import (
    BUSY,
    DINERS,
    DOORS,
    FULL,
    FULL_BEFORE,
    GUESTS,
    MEAL,
    STORY,
    WAIT,
    WINDOW,
    WORDS,
)

MODEL = (("model", "room"),)
ROOM = Matcher("room", "=", "blue")

FED = Term((GUESTS.select(end="fed"),), MODEL, (("outcome", "ok"),))
FAILED = Term((GUESTS.select(end="failed"),), MODEL, (("outcome", "error"),))
GUESTS_ENDED = CounterAnswer((FED, FAILED), REQUESTS)
WORDS_SAID = CounterAnswer((Term((WORDS.select(),), (*MODEL, ("token_source", "source"))),), TOKENS)
TIME_BUSY = CounterAnswer((Term((BUSY.select(),), MODEL),), SECONDS)
USE = GaugeAnswer((Term((FULL.select(), FULL_BEFORE.select()), MODEL, ignoring=("wing",)),), RATIO)
OPEN = GaugeAnswer((Term((DOORS.select(),)),), REQUESTS)
WAITED = DistributionAnswer(
    sum=Term((WAIT.sum(),), MODEL),
    count=Term((WAIT.count(),), MODEL),
    unit=SECONDS,
    buckets=Term((WAIT.bucket(),), MODEL),
    edges=Edges(WAIT.edges, MILLISECONDS),
)
MEAN_ONLY = DistributionAnswer(
    Term((BUSY.select(),), MODEL), Term((GUESTS.select(),), MODEL), SECONDS
)
SHARE = RatioAnswer(Term((WORDS.select(source="book"),), MODEL), Term((WORDS.select(),), MODEL), TOKENS)  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "unit", "text"),
    [
        (
            GUESTS_ENDED.per_second(WINDOW),
            REQUESTS.per_second,
            'sum(rate(inn_guests_total{end="fed"}[11m]))',
        ),
        (
            GUESTS_ENDED.per_second(WINDOW, ["model"], term=1),
            REQUESTS.per_second,
            'sum by (model) (label_replace(sum by (room) (rate(inn_guests_total{end="failed"}[11m])), "model", "$1", "room", "(.+)"))',
        ),
        (
            GUESTS_ENDED.per_second(WINDOW, ["floor"], [ROOM]),
            REQUESTS.per_second,
            'sum by (floor) (rate(inn_guests_total{end="fed", room="blue"}[11m]))',
        ),
        (
            WORDS_SAID.per_second(WINDOW, ["model", "floor", "token_source"]),
            TOKENS.per_second,
            'sum by (model, floor, token_source) (label_replace(label_replace(sum by (room, floor, source) (rate(inn_words_total[11m])), "model", "$1", "room", "(.+)"), "token_source", "$1", "source", "(.+)"))',
        ),
        (
            TIME_BUSY.per_second(WINDOW),
            SECONDS.per_second,
            "sum(rate(inn_busy_us[11m])) / 1000000",
        ),
        (
            USE.combined("avg"),
            RATIO,
            "avg(inn_full or ignoring (wing) inn_occupied)",
        ),
        (
            USE.combined("max", ["model", "floor"]),
            RATIO,
            'max by (model, floor) (label_replace(max by (room, floor) (inn_full or ignoring (wing) inn_occupied), "model", "$1", "room", "(.+)"))',
        ),
        (
            USE.combined("max", [], [ROOM]),
            RATIO,
            'max(inn_full{room="blue"} or ignoring (wing) inn_occupied{room="blue"})',
        ),
        (
            USE.combined("count", ["model"]),
            COUNT,
            'sum by (model) (label_replace(count by (room) (inn_full or ignoring (wing) inn_occupied), "model", "$1", "room", "(.+)"))',
        ),
        (OPEN.combined("sum", ["instance"], [ROOM]), REQUESTS, "sum by (instance) (inn_doors)"),
        (
            WAITED.bucket_rates(WINDOW, ["model"]),
            REQUESTS.per_second,
            'sum by (model, le) (label_replace(sum by (room, le) (rate(inn_wait_ms_bucket[11m])), "model", "$1", "room", "(.+)"))',
        ),
        (
            WAITED.quantile(0.73, WINDOW, [], [ROOM]),
            SECONDS,
            'histogram_quantile(0.73, sum by (le) (rate(inn_wait_ms_bucket{room="blue"}[11m]))) / 1000',
        ),
        (
            WAITED.mean(WINDOW),
            SECONDS,
            "sum(rate(inn_wait_ms_sum[11m])) / 1000 / sum(rate(inn_wait_ms_count[11m]))",
        ),
        (WAITED.sum_rate(WINDOW), SECONDS.per_second, "sum(rate(inn_wait_ms_sum[11m])) / 1000"),
        (WAITED.count_rate(WINDOW), REQUESTS.per_second, "sum(rate(inn_wait_ms_count[11m]))"),
        (
            MEAN_ONLY.mean(WINDOW, [], [ROOM]),
            SECONDS,
            'sum(rate(inn_busy_us{room="blue"}[11m])) / 1000000 / sum(rate(inn_guests_total{room="blue"}[11m]))',
        ),
        (
            SHARE.quotient(WINDOW, ["floor"]),
            RATIO,
            'sum by (floor) (rate(inn_words_total{source="book"}[11m])) / sum by (floor) (rate(inn_words_total[11m]))',
        ),
    ],
)  # fmt: skip
def test_an_answer_is_written_out(expression: Expr, unit: Unit, text: str) -> None:
    """An answer is in the signal's unit, by canonical labels, over the names of its exporter."""
    assert (text, unit) == (to_text(expression), expression.unit)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (
            Term((WORDS.select(source="book"), WORDS.select())),
            'rate(inn_words_total{source="book"}[11m]) or rate(inn_words_total[11m])',
        ),
        (
            Term((GUESTS.select(end="fed"), DINERS.select()), ignoring=("end",)),
            'rate(inn_guests_total{end="fed"}[11m]) or ignoring (end) rate(inn_diners_total[11m])',
        ),
    ],
)
def test_an_alternative_hides_nobody(term: Term, text: str) -> None:
    """Rates of old and new names are joined before anything is added up, series by series."""
    assert text == to_text(term.per_second(WINDOW))


def test_states_added_up_are_counted() -> None:
    """A sum of zeros and ones is a number, whatever the unit of the signal."""
    up = GaugeAnswer((Term((as_value(DOORS.select(), "one a door"),)),), STATE)

    assert up.combined("count").unit == COUNT


@pytest.mark.parametrize(
    ("labels", "fixed", "message"),
    [
        (
            (("source", "source"),),
            (),
            "label source of inn_words_total would collide with the recorded label source: "
            "give it another canonical name, such as token_source",
        ),
        (
            (("role", "floor"),),
            (),
            "label floor of inn_words_total would collide with the recorded label role: "
            "give it another canonical name, such as token_role",
        ),
        (
            (),
            (("source", "book"),),
            "label source of inn_words_total would collide with the recorded label source: "
            "give it another canonical name, such as token_source",
        ),
    ],
)
def test_a_label_of_the_recordings_is_refused(
    labels: tuple[tuple[str, str], ...], fixed: tuple[tuple[str, str], ...], message: str
) -> None:
    """A recording carries source and role as static labels; no term may bring them."""
    with pytest.raises(SourceError) as caught:
        Term((WORDS.select(),), labels, fixed)

    assert message == str(caught.value)


def test_a_rate_needs_selectors() -> None:
    """What has been added up already has no rate."""
    with pytest.raises(SourceError) as caught:
        Term((total(DOORS.select()), DOORS.select())).per_second(WINDOW)

    assert "inn_doors: a counter's alternatives must be selectors" == str(caught.value)


def test_a_mean_has_no_buckets() -> None:
    """A weaker answer refuses quantiles, and says which families it is made of."""
    with pytest.raises(SourceError) as caught:
        MEAN_ONLY.quantile(0.73, WINDOW)

    assert "inn_busy_us: only a mean is known, no buckets" == str(caught.value)


def test_edges_are_said_in_the_unit_of_the_signal() -> None:
    """Milliseconds become seconds without the dust of floating point."""
    edges = WAITED.canonical_edges

    assert edges is not None
    assert ((0.11, 0.7, 1.3), SECONDS, 0.001) == (edges.values, edges.unit, WAITED.scale)
    assert MEAN_ONLY.canonical_edges is None


def test_parts_are_listed_buckets_first() -> None:
    """An answer lists its terms, and each family behind them once."""
    assert [("inn_wait_ms",)] * 3 == [term.families() for term in WAITED.terms]
    assert ["inn_wait_ms"] == list(families_of(WAITED))
    assert ["inn_busy_us", "inn_guests_total"] == list(families_of(MEAN_ONLY))
    assert ["inn_full", "inn_occupied"] == list(families_of(USE))


@pytest.mark.parametrize(
    ("shared", "text"),
    [
        ((0.7, 1.1, 1.3), "inn_meal_seconds_bucket"),
        ((0.7, 1.3), 'inn_meal_seconds_bucket{le=~"0\\\\.7|1\\\\.3|\\\\+Inf"}'),
    ],
)
def test_buckets_are_restricted_to_shared_edges(shared: tuple[float, ...], text: str) -> None:
    """Only where a family has more edges than all share, its buckets are chosen."""
    assert text == to_text(restricted(MEAL.bucket(), Edges(shared, SECONDS)))


def test_edges_of_a_room_vary() -> None:
    """Histograms whose edges differ by a label are refused when they are added up across it."""
    answer = DistributionAnswer(
        sum=Term((STORY.sum(),), MODEL),
        count=Term((STORY.count(),), MODEL),
        unit=TOKENS,
        buckets=Term((STORY.bucket(),), MODEL),
        edges=Edges(STORY.edges, TOKENS, STORY.edges_vary_by),
    )

    with pytest.raises(Exception, match="they differ by room"):
        answer.bucket_rates(WINDOW)
    assert 'sum by (le) (rate(inn_story_words_bucket{room="blue"}[11m]))' == to_text(
        answer.bucket_rates(WINDOW, [], [ROOM])
    )
