"""The metrics of a run: the catalogue's, counted from outcomes as the results are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmdash.dashboards.policy import CLIENT_LAG
from llmdash.metrics import load as catalogue
from llmstack.load.orders import Servers, Synthetic
from llmstack.load.outcome import Counted, Failure, Outcome
from llmstack.load.planned import Planned
from llmstack.load.program import Job
from llmstack.load.seconds import Second
from llmstack.load.telling.figures import Figures
from llmstack.load.telling.offered import Offered
from llmstack.load.trust import MOST_LAG
from tests.stack.load.made import answered, failed, results

LABELS = {"model": "m"}


def job(**load: object) -> Job:
    made = Synthetic(**{"rate": 3.0, "total": 4, **load})  # type: ignore[arg-type]  # as a test says
    return made.job(Servers(urls=("http://127.0.0.1:9",), model="m", name="inn"))


def figures(*outcomes: Outcome, offered: Offered | None = None) -> Figures:
    made = Figures("m")
    made.begin(job(), "r7", offered or Offered(()))
    for outcome in outcomes:
        made.outcome(outcome)
    return made


def value(of: Figures, name: str, **labels: str) -> float | None:
    found: float | None = of.registry.get_sample_value(name, {**LABELS, **labels})
    return found


def second(**passed: float) -> Second:
    none = dict.fromkeys(("e2e_p50", "e2e_p95", "e2e_p99", "ttft_p50", "ttft_p95", "tpot_p95"))
    whole = {"at": 1.0, "length": 1.0, "sent": 0, "answered": 0, "failed": 0, "under_way": 0, "prompt_tokens": 0, "answer_tokens": 0, "bytes_sent": 0, "bytes_received": 0}  # fmt: skip
    return Second(**{**whole, **none, **passed})  # type: ignore[arg-type]  # as a test says


def test_failures_are_those_of_the_catalogue() -> None:
    """The catalogue cannot import them, and must name each."""
    assert catalogue.FAILURES == tuple(Failure)


def test_the_page_warns_where_a_run_does() -> None:
    """Both judge by one limit."""
    assert MOST_LAG == CLIENT_LAG[0].value


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [
        (answered(), {"ok": 1, "error": 0, "cancelled": 0}),
        (failed(Failure.TIMEOUT), {"ok": 0, "error": 1, "cancelled": 0}),
        (replace(answered(), is_unfinished=True), {"ok": 0, "error": 0, "cancelled": 1}),
        (replace(answered(), is_warm_up=True), {"ok": 1, "error": 0, "cancelled": 0}),
    ],
)
def test_a_request_ends_once(outcome: Outcome, counted: dict[str, float]) -> None:
    """With one outcome, also in the warm-up; one that was left is no failure."""
    made = figures(outcome)

    assert counted == {
        each: value(made, "load_requests_total", outcome=each) for each in catalogue.OUTCOMES
    }


def test_failures_are_told_apart() -> None:
    """All kinds are there from the start, so that the first of one is a rise."""
    made = figures(failed(Failure.TIMEOUT), failed(Failure.TIMEOUT), failed(Failure.STATUS))
    counts = {kind: value(made, "load_failures_total", kind=kind) for kind in catalogue.FAILURES}

    assert {"timeout": 2, "status": 1} == {kind: found for kind, found in counts.items() if found}
    assert None not in counts.values()


def test_a_failure_is_counted_and_not_timed() -> None:
    """Fast ones would flatter every quantile; how late it was sent is the client's own."""
    made = figures(failed())

    assert (0, 0) == tuple(
        value(made, f"load_{name}_seconds_count")
        for name in ("request_duration", "time_to_first_token")
    )
    assert 1 == value(made, "load_send_delay_seconds_count")
    assert 0 == value(made, "load_tokens_generated_total")


def test_latencies_count_from_when_a_request_was_to_be_sent() -> None:
    """As in the results: waiting half a second until it is sent is in its first token."""
    made = figures(answered(first=0.7, gaps=(0.1, 0.3), wait=0.5))

    sums = {
        name: value(made, f"load_{name}_seconds_sum")
        for name in (
            "time_to_first_token",
            "request_duration",
            "send_delay",
            "inter_token_latency",
            "time_per_output_token",
        )
    }

    assert pytest.approx(dict(zip(sums, (0.7, 1.1, 0.5, 0.4, 0.2), strict=True))) == sums


def test_a_promised_time_is_an_edge() -> None:
    """2 s to the first token, and 150 ms between two, can be counted exactly."""
    made = figures(answered(0.0, 2.0, (0.15, 0.151)), answered(0.0, 2.001, ()))

    assert 1 == value(made, "load_time_to_first_token_seconds_bucket", le="2.0")
    assert 1 == value(made, "load_inter_token_latency_seconds_bucket", le="0.15")


def test_tokens_that_came_together_were_made_one_by_one() -> None:
    """Four in 80 ms are four of 20 ms, where the server says how many it sent."""
    packed = answered(gaps=())
    packed.came(4, packed.last_token + 0.08)
    packed.told_tokens = packed.seen_tokens
    unsaid = replace(packed, counted=Counted.TEXT_EVENTS)

    said = figures(packed)
    assert 4 == value(said, "load_inter_token_latency_seconds_count")
    assert pytest.approx(0.08) == value(said, "load_inter_token_latency_seconds_sum")
    assert 0 == value(figures(unsaid), "load_inter_token_latency_seconds_count")


def test_what_passes_adds_up() -> None:
    """Requests, bytes, and what is under way now."""
    made = figures()
    for each in (second(sent=3, bytes_sent=100, bytes_received=1000, under_way=3), second(sent=2, under_way=5)):  # fmt: skip
        made.second(each)

    assert (5, 100, 1000, 5) == tuple(
        value(made, f"load_{name}")
        for name in (
            "requests_sent_total",
            "bytes_sent_total",
            "bytes_received_total",
            "active_requests",
        )
    )


def test_the_end_has_the_figures_of_the_results() -> None:
    """What passed after the last interval is not lost, and nothing is under way any more."""
    offered = Offered([Planned(0.0, 7, 3), Planned(1.0, 7, 3)])
    taken = iter(offered)
    next(taken)
    next(taken)
    made = figures(answered(), answered(), offered=offered)
    made.second(second(sent=1, bytes_sent=50, under_way=1))
    found = results(answered(), answered(), sent=2)
    found["series"] = [{"bytes_sent": 50, "bytes_received": 10}, {"bytes_sent": 30, "bytes_received": 5}]  # fmt: skip
    made.end(found)

    assert (2, 2, 80, 15, 0) == tuple(
        value(made, f"load_{name}")
        for name in (
            "requests_offered_total",
            "requests_sent_total",
            "bytes_sent_total",
            "bytes_received_total",
            "active_requests",
        )
    )
    assert (14, 6) == tuple(
        value(made, "load_tokens_offered_total", part=part) for part in catalogue.PARTS
    )


def test_only_the_info_names_the_run() -> None:
    """Its id is a label of one series, so runs do not pile up series of all families."""
    made = figures(answered())
    of_run = [line for line in made.text().decode().splitlines() if "r7" in line]

    assert [
        'load_run_info{api="openai-chat",loop="open",model="m",name="inn",'
        "plan=\"poisson arrivals at 3/s, prompts as in Azure's conversations, answers as in "
        'Azure\'s conversations",run="r7"} 1.0'
    ] == of_run


def test_it_has_begun_and_not_ended() -> None:
    """Moments since 1970; there is no end before the end."""
    made = figures()
    running = (
        value(made, "load_run_start_time_seconds"),
        value(made, "load_run_end_time_seconds"),
    )
    is_shown = b"load_run_end" in made.text()
    found = results(answered())
    made.end({**found, "series": []})

    assert running[0] is not None
    assert running[1] is None
    assert not is_shown
    assert running[0] <= (value(made, "load_run_end_time_seconds") or 0)


def test_a_closed_loop_says_so() -> None:
    """Its latencies are those of patient clients."""
    made = Figures("m")
    made.begin(job(rate=None, concurrency=2), "r7", Offered(()))

    assert b'loop="closed"' in made.text()
