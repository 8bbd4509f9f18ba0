"""Open and closed loops, what ends them, and whose time counts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Iterator
from itertools import count, pairwise

import pytest

from llmstack.errors import ConfigurationError
from llmstack.load.client import Client, Limits, Prepared
from llmstack.load.closed_loop import ClosedLoop
from llmstack.load.distribution import Distribution
from llmstack.load.lag import EVERY, sampled
from llmstack.load.open_loop import OpenLoop, Schedule
from llmstack.load.outcome import Failure, Outcome
from llmstack.load.planned import Planned
from llmstack.load.runner import Bounds, Loop, Run, Runner
from tests.stack.load.asking import CHAT
from tests.stack.load.held_server import HeldServer, held_server


def planned(at: float) -> Planned:
    return Planned(at, prompt_tokens=3, answer_tokens=2)


def every(seconds: float, times: int | None = None) -> Iterator[Planned]:
    numbers = count() if times is None else range(times)
    return (planned(number * seconds) for number in numbers)


def run(
    plan: Iterable[Planned],
    loop: Loop,
    bounds: Bounds | None = None,
    *,
    held: int = 0,
    limits: Limits | None = None,
    url: str = "",
    watch: Callable[[Runner, HeldServer], None] | None = None,
) -> tuple[list[Outcome], Run]:
    """What came of a run against a server that holds its first requests."""

    async def running() -> tuple[list[Outcome], Run]:
        outcomes: list[Outcome] = []

        def ended(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if watch is not None:
                watch(runner, server)

        async with held_server(held) as server:
            client = Client([url or server.url], CHAT, limits)
            runner = Runner(client, plan, lambda _: "inn", loop, bounds or Bounds(), ended)
            facts = await runner.run()
        assert 0 == runner.under_way
        return outcomes, facts

    return asyncio.run(running())


# --- the open loop --------------------------------------------------------------------------------


def test_a_server_that_stalls_is_asked_as_planned() -> None:
    """It answers nobody until twenty have asked, and twenty do; each wait counts from its plan."""
    outcomes, facts = run(every(0.001, 25), OpenLoop(), held=20)
    by_plan = sorted(outcomes, key=lambda each: each.planned.at)
    last_sent = by_plan[19].sent

    assert [None] * 25 == [each.failure for each in outcomes]
    assert [facts.began + each.planned.at for each in by_plan] == [each.scheduled for each in by_plan]  # fmt: skip
    assert all(each.ended - each.scheduled >= last_sent - each.scheduled for each in by_plan[:20])
    assert (25, 0, 0) == (facts.sent, facts.held_back, facts.not_sent)


def test_a_bound_of_requests_under_way_holds_the_others_back() -> None:
    """What waits is sent in its order, its waiting counts, and it is said how many waited."""
    outcomes, facts = run((planned(0.0) for _ in range(5)), OpenLoop(concurrency=1))

    assert [facts.began] * 5 == [each.scheduled for each in outcomes]
    assert all(late.sent >= early.ended for early, late in pairwise(outcomes))  # fmt: skip
    assert (5, 4, 1) == (facts.sent, facts.held_back, facts.late.count)


class Clock:
    """A clock that is set, a plan, and what was begun."""

    def __init__(self, *ats: float, most: int | None = None) -> None:
        self.now = 100.0
        self.begun: list[tuple[float, float, bool]] = []
        left = iter(ats)
        self.schedule = Schedule(
            lambda: next((planned(at) for at in left), None),
            lambda each: each,  # type: ignore[arg-type, return-value]  # it is only handed on
            self._begin,
            self.now,
            most,
            lambda: self.now,
        )

    def _begin(self, _: Prepared, at: float, is_late: bool) -> None:
        self.begun.append((self.now, at, is_late))

    def ring(self, now: float) -> float | None:
        """Come again until it is told to come later."""
        self.now = now
        while (at := self.schedule.ring()) is not None and at <= now:
            pass
        return at


def test_requests_are_begun_at_their_times() -> None:
    """None before, all that are due after; the next time is told."""
    clock = Clock(0.0, 0.5, 0.5, 2.0)

    assert 100.5 == clock.ring(100.0)
    assert 100.5 == clock.ring(100.4)
    assert 102.0 == clock.ring(101.0)
    assert None is clock.ring(102.0)
    assert [(100.0, 100.0), (101.0, 100.5), (101.0, 100.5), (102.0, 102.0)] == [each[:2] for each in clock.begun]  # fmt: skip


def test_a_crowd_does_not_keep_answers_waiting() -> None:
    """After each the loop has a turn; the others come at once after it."""
    clock = Clock(0.0, 0.0, 0.0)

    assert [(100.0, 1), (100.0, 2), (100.0, 3), (None, 3)] == [(clock.schedule.ring(), len(clock.begun)) for _ in range(4)]  # fmt: skip


def test_a_request_does_not_wait_for_the_next_to_be_made_ready() -> None:
    """It is begun first, and goes when the loop has its turn."""
    told = []
    ats = iter((0.0, 0.0))

    def upcoming() -> Planned | None:
        return next((planned(at) for at in ats), None)

    def prepare(each: Planned) -> Prepared:
        told.append("made ready")
        return each  # type: ignore[return-value]  # it is only handed on

    schedule = Schedule(upcoming, prepare, lambda *_: told.append("begun"), 100.0)
    schedule.ring()

    assert ["made ready", "begun"] == told
    schedule.ring()
    assert ["made ready", "begun"] * 2 == told


def test_what_waits_is_begun_when_one_has_ended() -> None:
    """With the time it was due, and said to be late."""
    clock = Clock(0.0, 0.0, 1.0, most=1)
    clock.ring(101.0)
    clock.now = 105.0
    clock.schedule.one_has_ended()
    clock.schedule.one_has_ended()
    clock.schedule.one_has_ended()

    assert [(101.0, 100.0, False), (105.0, 100.0, True), (105.0, 101.0, True)] == clock.begun
    assert 2 == clock.schedule.held_back


# --- the closed loop ------------------------------------------------------------------------------


def test_so_many_clients_wait_for_their_answers() -> None:
    """Four at a time, no more; a plan's times are not kept to."""
    most = 0

    def watch(runner: Runner, _: HeldServer) -> None:
        nonlocal most
        most = max(most, runner.under_way)

    outcomes, facts = run(every(9999.0, 12), ClosedLoop(4), held=4, watch=watch)

    assert (12, 12, 4) == (len(outcomes), facts.sent, most)


def test_a_dead_server_is_not_asked_without_end() -> None:
    """Each client waits a moment after it could not connect; the run ends by its time."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        outcomes, _ = run(every(0.0), ClosedLoop(2), Bounds(duration=0.01), url=url)

    assert [Failure.REFUSED] * 2 == [each.failure for each in outcomes]


# --- bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", [OpenLoop(), ClosedLoop(3)])
def test_a_total_ends_a_run(loop: Loop) -> None:
    """Also of a plan without an end."""
    outcomes, facts = run(every(0.0), loop, Bounds(total=7))

    assert (7, 7) == (len(outcomes), facts.sent)


def test_a_duration_ends_a_run() -> None:
    """What is planned from then on is not sent."""
    outcomes, facts = run(every(0.01), OpenLoop(), Bounds(duration=0.035))

    assert [0.0, 0.01, 0.02, 0.03] == [each.planned.at for each in outcomes]
    assert facts.sending_ended >= facts.began + 0.035


def test_a_warm_up_is_not_measured() -> None:
    """Its requests are marked, and not counted as of the total."""
    outcomes, facts = run(every(0.01), OpenLoop(), Bounds(warm_up=0.025, total=2))

    assert [True, True, True, False, False] == [each.is_warm_up for each in outcomes]
    assert facts.began + 0.025 == facts.measured_from


def test_what_takes_too_long_after_the_end_is_left() -> None:
    """It is unfinished, neither an answer nor a failure."""
    outcomes, facts = run(every(0.0, 3), OpenLoop(), Bounds(drain=0.01), held=9)

    assert [True] * 3 == [each.is_unfinished for each in outcomes]
    assert not facts.is_interrupted


@pytest.mark.parametrize("loop", [OpenLoop(), OpenLoop(2), ClosedLoop(3)])
def test_a_run_can_be_stopped(loop: Loop) -> None:
    """It ends at once, with all that had ended, and says that it was stopped."""

    def watch(runner: Runner, server: HeldServer) -> None:
        if server.received >= 9:
            runner.stop()

    outcomes, facts = run(every(0.0005), loop, Bounds(duration=9999.0), watch=watch)

    assert facts.is_interrupted
    assert 0 < sum(each.is_answered for each in outcomes) <= len(outcomes) == facts.sent


def test_a_stopped_run_leaves_a_server_that_hangs() -> None:
    """No answer is waited for."""

    async def running() -> Run:
        async with held_server(99) as server:
            client = Client([server.url], CHAT)
            runner = Runner(client, every(0.0, 5), lambda _: "inn", OpenLoop(), Bounds(), lambda _: None)  # fmt: skip
            task = asyncio.create_task(runner.run())
            while server.received < 5:
                await asyncio.sleep(0)
            runner.stop()
            return await task

    assert 5 == asyncio.run(running()).sent


def test_a_plan_that_breaks_off_keeps_what_was_measured() -> None:
    """It is told why; before the first request it is an error."""

    def broken(good: int) -> Iterator[Planned]:
        yield from every(0.0, good)
        raise ConfigurationError("trace.csv: row 3: no number")

    outcomes, facts = run(broken(2), OpenLoop())

    assert (2, "trace.csv: row 3: no number") == (len(outcomes), facts.problem)
    with pytest.raises(ConfigurationError, match="row 3"):
        run(broken(0), OpenLoop())


# --- lag ------------------------------------------------------------------------------------------


def test_lag_that_hid_samples_counts_as_often_as_it_hid_them() -> None:
    """A loop that was held up for three samples and a half was late three and a half times, and less."""
    seen = Distribution()
    late, due = sampled(10.0, 10.0 + 3.5 * EVERY)
    seen.extend(late)

    assert 10.0 + 4 * EVERY == pytest.approx(due)
    assert 4 == seen.count
    assert 0.5 * EVERY == pytest.approx(seen.least)
    assert 3.5 * EVERY == pytest.approx(seen.most)


def test_a_loop_in_time_has_no_lag() -> None:
    """One sample, and the next is due at its time."""
    assert ((0.0,), 10.0 + EVERY) == sampled(10.0, 10.0)
