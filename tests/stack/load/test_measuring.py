"""What requests come to together: latencies, objectives, goodput, kinds, and whom one may trust."""

from __future__ import annotations

import pytest

from llmstack.errors import ConfigurationError
from llmstack.load.distribution import Distribution
from llmstack.load.lag import Lag
from llmstack.load.objectives import Objective, is_good, read_objectives
from llmstack.load.outcome import Counted, Failure, Outcome
from llmstack.load.planned import Planned
from llmstack.load.trust import lateness, missing
from tests.stack.load.made import answered, failed, measured, run


def near(seconds: float | None) -> object:
    return pytest.approx(seconds, rel=1e-3, abs=1e-5)


def test_latency_counts_from_the_plan_and_from_sending() -> None:
    """What a request waited before it was sent is in the one and not in the other."""
    latencies = measured(answered(first=0.5, gaps=[0.1, 0.3], wait=0.2)).all.latencies

    assert near(0.5) == latencies["ttft"].percentile(50)
    assert near(0.3) == latencies["ttft_sent"].percentile(50)
    assert near(0.9) == latencies["e2e"].percentile(50)
    assert near(0.7) == latencies["e2e_sent"].percentile(50)
    assert near(0.2) == latencies["wait"].percentile(50)
    assert near(0.2) == latencies["tpot"].percentile(50)
    assert (2, near(0.1), near(0.3)) == (latencies["itl"].count, latencies["itl"].least, latencies["itl"].most)  # fmt: skip


def test_tokens_that_came_together_share_their_gap() -> None:
    """Four in 80 ms are 20 ms each, and one gap of 80 ms between events."""
    outcome = answered(gaps=[])
    outcome.came(4, outcome.last_token + 0.08)
    outcome.told_tokens = outcome.seen_tokens
    latencies = measured(outcome).all.latencies

    assert (4, near(0.02)) == (latencies["itl"].count, latencies["itl"].percentile(99))
    assert (1, near(0.08)) == (latencies["gap"].count, latencies["gap"].percentile(99))


def test_nothing_is_told_between_tokens_that_nobody_counted() -> None:
    """Events with text may bring several: the gaps are between events."""
    outcome = answered(gaps=[0.08])
    outcome.counted, outcome.told_tokens = Counted.TEXT_EVENTS, 8
    latencies = measured(outcome).all.latencies

    assert (0, 1) == (latencies["itl"].count, latencies["gap"].count)


def test_what_is_not_answered_has_no_latency() -> None:
    """Failures are counted by kind with their first example, the unfinished and the warm-up apart."""
    unfinished = Outcome(Planned(0.0, 1, 1), 100.0, is_unfinished=True)
    made = measured(answered(), failed(), failed(detail="503: again"), failed(Failure.TIMEOUT, "late"), unfinished, answered(is_warm_up=True))  # fmt: skip
    part = made.all

    assert (1, 3, 1, 5, 1) == (part.answered, part.failed, part.unfinished, part.measured, made.warm_up)  # fmt: skip
    assert {Failure.STATUS: 2, Failure.TIMEOUT: 1} == part.failures
    assert {Failure.STATUS: "503: full", Failure.TIMEOUT: "late"} == part.examples
    assert 1 == part.latencies["e2e"].count


def test_kinds_are_told_apart() -> None:
    """And all of them together."""
    made = measured(answered(kind="inn"), answered(kind="inn", first=0.7), answered(kind="barn"))

    assert {"inn": 2, "barn": 1} == {kind: part.answered for kind, part in made.kinds.items()}
    assert (3, 9, 21) == (made.all.answered, made.all.answer_tokens, made.all.prompt_tokens)


# --- objectives -----------------------------------------------------------------------------------


def test_objectives_are_read() -> None:
    """In seconds or milliseconds, of any percentile."""
    assert (Objective("ttft", 95, 2.0), Objective("itl", 99.5, 0.15)) == read_objectives("ttft_p95=2s, itl_p99.5=150ms")  # fmt: skip
    assert () == read_objectives("")


@pytest.mark.parametrize("text", ["ttft=2s", "inn_p95=2s", "ttft_p95=2", "ttft_p0=2s", "ttft_p100=2s"])  # fmt: skip
def test_what_is_no_objective_is_told(text: str) -> None:
    """With what could stand there."""
    with pytest.raises(ConfigurationError) as error:
        read_objectives(text)

    assert f"--slo: expected ttft, tpot, itl, e2e as in ttft_p95=2s or itl_p99=150ms, got {text!r}" == str(error.value)  # fmt: skip


@pytest.mark.parametrize(
    ("slo", "good"),
    [
        ("ttft_p95=500ms", True),
        ("ttft_p95=499ms", False),
        ("e2e_p50=900ms", True),
        ("e2e_p50=899ms", False),
        ("tpot_p50=200ms", True),
        ("tpot_p50=199ms", False),
        ("itl_p50=100ms", True),
        ("itl_p51=100ms", False),
        ("ttft_p95=2s,itl_p99=299ms", False),
    ],
)
def test_a_request_is_good_if_it_holds_all(slo: str, good: bool) -> None:
    """Of its gaps, so many as the percentile says; latency counts from the plan."""
    # In binary these times are whole, but for the last; a little is added to what they are held to.
    outcome = answered(scheduled=0.0, first=0.4999, gaps=[0.0999, 0.2999])

    assert good == is_good(outcome, read_objectives(slo))


def test_a_failure_held_nothing() -> None:
    """It counts against an objective of requests as one that took for ever."""
    part = measured(answered(), answered(), answered(), failed(), slo="ttft_p75=1s,ttft_p76=1s").all

    assert [[3, 4], [3, 4]] == part.within
    assert [True, False] == [each.is_held(*seen) for each, seen in zip(part.objectives, part.within, strict=True)]  # fmt: skip
    assert 3 == part.good


# --- trust ----------------------------------------------------------------------------------------


def lag(*seconds: float) -> Lag:
    made = Lag()
    made.seen.extend(seconds)
    return made


def late(*seconds: float) -> Distribution:
    made = Distribution()
    made.extend(seconds)
    return made


def test_a_client_in_time_is_trusted() -> None:
    """Up to 5 % of the median of the first token."""
    assert [] == lateness(
        run(lag=lag(0.0249), late=late(0.0249)), measured(answered(first=0.5)).all
    )


def test_a_late_client_is_not() -> None:
    """Whether it read late or sent late."""
    part = measured(answered(first=0.5)).all

    assert ["the client read late: p99 26.00 ms, more than 5% of TTFT p50 (500.00 ms)"] == lateness(run(lag=lag(0.026)), part)  # fmt: skip
    assert ["the client sent late: p99 26.00 ms, more than 5% of TTFT p50 (500.00 ms)"] == lateness(run(late=late(0.026)), part)  # fmt: skip


def test_a_run_without_its_slowest_is_not() -> None:
    """Unless somebody ended it, which is said elsewhere."""
    unfinished = Outcome(Planned(0.0, 1, 1), 100.0, is_unfinished=True)
    part = measured(answered(), unfinished).all

    assert 1 == len(missing(run(), part))
    assert 1 == len(missing(run(not_sent=3), measured(answered()).all))
    assert [] == missing(run(is_interrupted=True, not_sent=3), part)


def test_a_plan_that_broke_off_is_told() -> None:
    """With its reason."""
    assert ["the plan broke off: row 3"] == missing(run(problem="row 3"), measured(answered()).all)
