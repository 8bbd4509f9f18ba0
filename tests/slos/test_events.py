"""What a promise counts on each kind of source, and the reasons of those that cannot tell."""

from __future__ import annotations

from typing import Any

import promql_parser
import pytest

from llmdash.errors import SloError
from llmdash.metrics.metric import Gauge, labels
from llmdash.placement import Placement
from llmdash.promql.nodes import Expr
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.units import REQUESTS
from llmdash.signals import signal
from llmdash.slos.events import Events, events_of
from llmdash.slos.slo import Begun, Indicator, Outcomes, Slo, Up, Within
from llmdash.sources import app, gateway, sglang, triton, vllm
from llmdash.sources.source import Source, counter, gauge
from tests.slos.taverns import BY_FLOOR, requests, slo, tavern
from tests.sources.examples import DIALECT, DINERS, DOORS, GUESTS, WAIT

NOWHERE = Placement()

FED, FAILED = 'inn_guests_total{end="fed", room!=""}', 'inn_guests_total{end="failed", room!=""}'
COUNT = 'inn_wait_ms_count{room!=""}'
SOON = 'inn_wait_ms_bucket{room!="", le=~"110|110\\\\.0"}'
LATER = 'inn_wait_ms_bucket{room!="", le=~"700|700\\\\.0"}'


def text(of: Expr | None) -> str:
    assert of is not None
    return to_text(of, RULES)


def of_rooms(series: str) -> str:
    """Return the events of a series in five minutes, by model, which the inn calls room."""
    born = f"{series} unless {series} offset 5m and on (job, instance) (up offset 5m == 1 and up)"
    rise = f"{born} or increase({series}[5m])"
    return f'sum by (model) (label_replace(sum by (room) ({rise}), "model", "$1", "room", "(.+)"))'


def both(one: str, other: str) -> str:
    """Return the sum of two, of which either may have no series."""
    first, second = (
        f'label_replace({part}, "part", "{place}", "", "")'
        for place, part in enumerate((one, other))
    )
    return f"sum by (model) ({first} or {second})"


def counted(of: Slo, source: Source, placement: Placement = NOWHERE) -> Events:
    return events_of(of, source, placement)


def refusal(of: Slo, source: Source) -> str:
    with pytest.raises(SloError) as caught:
        events_of(of, source, NOWHERE)
    return str(caught.value)


# --- outcomes ------------------------------------------------------------------------------------


def test_outcomes_written_out() -> None:
    """Good events of all good and bad ones; one born with its first event on an old target rose."""
    found = counted(slo(objective=0.99), tavern())

    assert (
        "sum by (model) ("
        'label_replace(sum by (model) (label_replace(sum by (room) (inn_guests_total{end="fed", room!=""} unless inn_guests_total{end="fed", room!=""} offset 5m and on (job, instance) (up offset 5m == 1 and up) or increase(inn_guests_total{end="fed", room!=""}[5m])), "model", "$1", "room", "(.+)")), "part", "0", "", "")'
        " or "
        'label_replace(sum by (model) (label_replace(sum by (room) (inn_guests_total{end="failed", room!=""} unless inn_guests_total{end="failed", room!=""} offset 5m and on (job, instance) (up offset 5m == 1 and up) or increase(inn_guests_total{end="failed", room!=""}[5m])), "model", "$1", "room", "(.+)")), "part", "1", "", ""))'
    ) == text(found.total)
    assert of_rooms(FED) == text(found.good)
    assert (("model",), None, None, None) == (
        found.by,
        found.threshold,
        found.tolerable,
        found.companion,
    )


def test_outcomes_that_are_neither_are_not_counted() -> None:
    """What the client cancelled is no event, unless the promise says that it is bad."""
    cancelled = 'inn_diners_total{room!=""}'

    assert "inn_diners" not in text(counted(slo(), tavern()).total)
    assert both(of_rooms(FED), of_rooms(cancelled)) == text(
        counted(slo(indicator=Outcomes(bad=("cancelled",))), tavern()).total
    )


def test_counters_that_have_the_label_are_narrowed() -> None:
    """One family with the outcome as its own label is asked for each of them."""
    found = text(counted(slo(), gateway()).total)

    assert 'gateway_requests_total{model!="", outcome="ok"}' in found
    assert 'gateway_requests_total{model!="", outcome="error"}' in found


# --- latency -------------------------------------------------------------------------------------


def test_latency_in_the_exporters_own_unit() -> None:
    """0.11 s is asked for as 110 ms, in both spellings of Prometheus."""
    found = counted(slo(indicator=Within("time_to_first_token", 0.11), objective=0.99), tavern())

    assert of_rooms(COUNT) == text(found.total)
    assert of_rooms(SOON) == text(found.good)
    assert (0.11, None, None) == (found.threshold, found.tolerable, found.companion)


DINERS_IN = Gauge(name="inn_diners_in", unit=REQUESTS, labels=labels("room"))
LOST = 'inn_diners_total{room!=""}'
#: Diners who left before they were served.
LOSING = tavern(
    time_to_first_token=DIALECT.distribution(
        signal("time_to_first_token"), WAIT, unobserved=DIALECT.term(DINERS)
    )
)


def test_failures_that_were_never_observed_are_bad() -> None:
    """Requests without a first token join all events and no good ones, in the fast tier too."""
    indicator = Within("time_to_first_token", 0.11)
    found = counted(slo(indicator=indicator, objective=0.9), LOSING)

    assert found.counts_failures
    assert both(of_rooms(COUNT), of_rooms(LOST)) == text(found.total)
    assert of_rooms(SOON) == text(found.good)
    assert of_rooms(LATER) == text(found.tolerable)


def test_failures_that_nobody_counts_are_left_out() -> None:
    """A source that counts none of them still tells of what it observed."""
    found = counted(slo(indicator=Within("time_to_first_token", 0.11)), tavern())

    assert not found.counts_failures
    assert of_rooms(COUNT) == text(found.total)


def test_a_promise_of_what_was_observed_alone() -> None:
    """Whoever promises nothing of failures does not count them, also where they are known."""
    indicator = Within("time_to_first_token", 0.11, failures=False)
    found = counted(slo(indicator=indicator), LOSING)

    assert not found.counts_failures
    assert of_rooms(COUNT) == text(found.total)


@pytest.mark.parametrize(
    ("indicator", "source", "lost"),
    [
        (
            Within("time_to_first_token", 2.0),
            gateway(),
            'gateway_requests_total{outcome="error", stream="true", status_code!~"2..", model!=""}',
        ),
        (
            Within("end_to_end_latency", 30.0),
            gateway(),
            'gateway_requests_total{outcome="error", model!=""}',
        ),
        (
            Within("end_to_end_latency", 30.0),
            app(),
            'llm_requests_total{status="error", endpoint!=""}',
        ),
    ],
)
def test_an_event_is_bad_that_fails_or_is_late(
    indicator: Within, source: Source, lost: str
) -> None:
    """Failures that a latency leaves out are events of its promise, and never good ones."""
    found = counted(slo(indicator=indicator), source)

    assert found.counts_failures
    assert lost in text(found.total)
    assert lost not in text(found.good)


@pytest.mark.parametrize(
    ("threshold", "factor", "companion"),
    [(0.11, 4, 0.7), (0.11, 6.5, 1.3), (0.11, 12, None), (0.7, 1.5, 1.3), (1.3, 1.1, None)],
)
def test_the_stricter_measure_is_an_edge(
    threshold: float, factor: float, companion: float | None
) -> None:
    """The fast tier takes the first edge that is as many times the threshold, if there is one."""
    indicator = Within("time_to_first_token", threshold, companion=factor)
    found = counted(slo(indicator=indicator, objective=0.9), tavern())

    assert companion == found.companion
    assert (companion is None) == (found.tolerable is None)


def test_the_stricter_measure_written_out() -> None:
    """Events up to the stricter edge are tolerable."""
    indicator = Within("time_to_first_token", 0.11)
    found = counted(slo(indicator=indicator, objective=0.9), tavern())

    assert of_rooms(LATER) == text(found.tolerable)


def test_the_first_threshold_that_is_an_edge_is_taken() -> None:
    """Other thresholds stand in, in their order, where the wanted one is no edge."""
    others = Within("end_to_end_latency", 1.1, otherwise=(0.9, 0.7, 1.3))

    assert 0.7 == counted(slo(indicator=others), tavern()).threshold
    assert 2.5 == counted(slo(indicator=Within("time_to_first_token", 2, (2.5,))), vllm()).threshold
    assert 2 == counted(slo(indicator=Within("time_to_first_token", 2, (2.5,))), sglang()).threshold


@pytest.mark.parametrize(
    ("indicator", "source", "reason"),
    [
        (
            Within("end_to_end_latency", 1.1),
            tavern(),
            "SLO supper on tavern: expected a bucket edge, got 1.1; the nearest edges are 0.7 and 1.3",
        ),
        (
            Within("time_to_first_token", 2.0),
            tavern(),
            "SLO supper on tavern: expected a bucket edge, got 2; the nearest edge is 1.3",
        ),
        (
            Within("time_to_first_token", 0.05, otherwise=(0.06,)),
            tavern(),
            "SLO supper on tavern: expected a bucket edge, got 0.05; the nearest edge is 0.11",
        ),
        (
            Within("time_to_first_token", 2.0),
            vllm(),
            "SLO supper on vllm: expected a bucket edge, got 2; the nearest edges are 1 and 2.5",
        ),
        (
            Within("queue_time", 0.7),
            tavern(),
            "SLO supper on tavern: expected buckets of queue_time, got a mean",
        ),
        (
            Within("decode_time", 0.7),
            tavern(),
            "SLO supper on tavern: expected an answer for decode_time, got none",
        ),
        (
            Within("end_to_end_latency", 1.0),
            triton(),
            "SLO supper on triton: expected buckets of end_to_end_latency, got a mean",
        ),
        (
            Outcomes(),
            vllm(),
            "SLO supper on vllm: expected every failure counted, got dropped streams and refused "
            "requests are counted nowhere",
        ),
        (
            Outcomes(),
            tavern(requests=requests(misses="who was turned away is counted nowhere")),
            "SLO supper on tavern: expected every failure counted, got who was turned away is "
            "counted nowhere",
        ),
        (
            Outcomes(),
            tavern(requests=counter("requests", DIALECT.term(GUESTS, outcome="ok"))),
            "SLO supper on tavern: expected a count of outcome error, got none",
        ),
        (
            Begun(),
            tavern(requests_running=gauge("requests_running", DIALECT.term(DOORS))),
            "SLO supper on tavern: expected an answer for time_to_first_token, got none",
        ),
        (
            Begun(),
            sglang(),
            "SLO supper on sglang: expected each answer that was begun to end once in its counts, "
            "got others, or none for sure",
        ),
        (
            Begun(),
            gateway(),
            "SLO supper on gateway: expected failures that nobody counts, got a count of all; "
            "promise Outcomes() of it, which is no estimate",
        ),
        (
            Up(),
            tavern(requests=requests()),
            "SLO supper on tavern: expected an answer for up, got none",
        ),
    ],
)
def test_a_source_that_cannot_tell(indicator: Indicator, source: Source, reason: str) -> None:
    """A gap says the promise, the source, what was needed and the nearest thing that there is."""
    assert reason == refusal(slo(indicator=indicator), source)


# --- native histograms ---------------------------------------------------------------------------


def test_observations_of_native_histograms() -> None:
    """The same promise, of histograms that hold all their buckets in one series."""
    found = native(slo(indicator=Within("time_to_first_token", 0.11), objective=0.9))
    series = 'inn_wait_ms{room!=""}'
    rise = (
        f"{series} unless {series} offset 5m and on (job, instance) (up offset 5m == 1 and up) "
        f"or increase({series}[5m])"
    )

    assert placed(f"histogram_count({rise})") == text(found.total)
    assert (
        up_to(110, rise),
        up_to(700, rise),
    ) == (text(found.good), text(found.tolerable))


def placed(of: str) -> str:
    """Return the sum by room, which is the model."""
    inner = f'label_replace(sum by (room) ({of}), "model", "$1", "room", "(.+)")'
    return f"sum by (model) ({inner})"


def up_to(edge: int, rise: str) -> str:
    """Return what was at most an edge; of no observations there is no share."""
    return placed(f"histogram_count({rise}) * histogram_fraction(-Inf, {edge}, {rise}) >= 0")


def native(of: Slo) -> Events:
    return events_of(of, tavern(), NOWHERE, native=True)


def test_counters_stay_what_they_are() -> None:
    """Outcomes and failures are counters, wherever latencies are read from."""
    source = LOSING
    of = slo(indicator=Within("time_to_first_token", 0.11))

    assert of_rooms(LOST) in text(events_of(of, source, NOWHERE, native=True).total)
    assert counted(slo(), tavern()) == native(slo())


# --- answers that were begun ----------------------------------------------------------------------


def test_answers_that_were_begun() -> None:
    """Good are those that ended well, more those that run now, less those that ran before."""
    running = gauge("requests_running", BY_FLOOR.term(DINERS_IN))
    source = tavern(
        time_to_first_token=DIALECT.distribution(signal("time_to_first_token"), WAIT),
        requests=requests(misses="mice are counted nowhere", ends_each_answer=True),
        requests_running=running,
    )
    found = text(counted(slo(indicator=Begun()), source).good)
    inn = 'inn_diners_in{room!=""}'

    assert of_rooms(COUNT) == text(counted(slo(indicator=Begun()), source).total)
    for place, part in enumerate(
        (of_rooms(FED), of_rooms(LOST), one(inn), one(f"{inn} offset 5m * (-1)"))
    ):
        assert f'label_replace({part}, "part", "{place}", "", "")' in found
    assert '"part", "4"' not in found


def one(of: str) -> str:
    return f'sum by (model) (label_replace(sum by (room) ({of}), "model", "$1", "room", "(.+)"))'


# --- up ------------------------------------------------------------------------------------------


ANSWERED = " and on (job, instance) llm_instance:target_answered:state"
UP_GOOD = 'sum_over_time(up{job="inn"}[5m])'
#: Scrapes count from the first that a target answered.
UP_ALL = f'count_over_time(up{{job="inn"}}[5m]){ANSWERED} offset 5m or {UP_GOOD}'


def test_scrapes_are_events() -> None:
    """Uptime counts scrapes, answered and all; without a map of models they have none."""
    found = counted(slo(indicator=Up()), tavern())

    assert f"sum({UP_GOOD})" == text(found.good)
    assert f"sum({UP_ALL})" == text(found.total)
    assert () == found.by


def test_targets_that_have_answered() -> None:
    """Each evaluation adds those that answer to those of the one before that are still there."""
    assert (
        'group by (job, instance) (max_over_time(up{job="inn"}[5m]) == 1)'
        " or "
        "group by (job, instance) (last_over_time(llm_instance:target_answered:state[10m]))"
        ' and on (job, instance) up{job="inn"}'
    ) == text(counted(slo(indicator=Up()), tavern()).answering)
    assert counted(slo(), tavern()).answering is None


def test_scrapes_of_a_model() -> None:
    """A pack that maps its targets to models promises uptime of each."""
    placement = Placement({"tavern": {"a:11": "blue"}})
    found = counted(slo(indicator=Up()), tavern(), placement)

    assert (
        f'sum by (model) (label_replace({UP_GOOD}, "model", "blue", "instance", "a:11"))'
    ) == text(found.good)
    assert ("model",) == found.by


# --- grouping ------------------------------------------------------------------------------------


def test_a_promise_for_each_value_of_a_label() -> None:
    """Events are told apart by the labels of the promise, under the names that we give them."""
    found = counted(slo(by=("storey",)), tavern(dialect=BY_FLOOR))

    assert ("storey",) == found.by
    assert 'sum by (floor) (inn_guests_total{end="fed", room!=""} unless' in text(found.good)
    assert '"storey", "$1", "floor", "(.+)"' in text(found.good)


def test_only_events_of_a_label() -> None:
    """`where` narrows each family that is counted, and the total with it."""
    found = counted(slo(where={"storey": "7"}), tavern(dialect=BY_FLOOR))

    for each in (found.good, found.total):
        assert text(each).count('end="fed", room!="", floor="7"}') == text(each).count('end="fed"')
        assert text(each).count('floor="7"') == text(each).count("inn_guests_total")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"by": ("storey",)}, "expected the label storey, got none"),
        (
            {"where": {"storey": "7"}},
            "expected the label storey, got inn_guests_total without it",
        ),
    ],
)
def test_a_label_that_is_not_there(changed: dict[str, Any], reason: str) -> None:
    """A source that cannot tell events apart as the promise does is left out, with the label."""
    assert f"SLO supper on tavern: {reason}" == refusal(slo(**changed), tavern())


def test_scrapes_of_a_label_that_they_have_not() -> None:
    """A narrowed uptime is no uptime of all: `up` has the labels of its target alone."""
    narrowed = slo(indicator=Up(), where={"storey": "7"})

    assert "SLO supper on tavern: expected the label storey, got up without it" == refusal(
        narrowed, tavern(dialect=BY_FLOOR)
    )


@pytest.mark.parametrize(
    "indicator",
    [Outcomes(), Within("time_to_first_token", 0.11), Within("end_to_end_latency", 0.7), Up()],
    ids=["outcomes", "milliseconds", "seconds", "up"],
)
@pytest.mark.parametrize("objective", [0.9, 0.99])
def test_what_is_counted_parses(indicator: Outcomes | Within | Up, objective: float) -> None:
    """All that is counted is PromQL to a parser that is not ours."""
    found = counted(slo(indicator=indicator, objective=objective), tavern())
    parts = [part for part in (found.good, found.total, found.tolerable) if part is not None]
    # Of first tokens an edge is known that is far beyond the threshold.
    is_stricter = objective == 0.9 and indicator == Within("time_to_first_token", 0.11)

    assert (3 if is_stricter else 2) == len(parts)
    for part in parts:
        promql_parser.parse(to_text(part, RULES))
