"""The driver keeps to the model's time: early never, and late without making what follows late."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any, cast

from llmstack.simulator.driver import Driver
from llmstack.simulator.engine import Engine
from llmstack.simulator.page import Page
from llmstack.simulator.play import play
from llmstack.simulator.request import Request
from llmstack.simulator.step import Step
from tests.stack.simulator.traffic import engine, poisson


class FakeLoop:
    """A clock that goes on when it is told to, and gets to what is due as late as it is told."""

    def __init__(self) -> None:
        self.now, self._due, self._count = 1000.0, list[tuple[float, int, Callable[[], object]]](), 0  # fmt: skip

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> asyncio.TimerHandle:
        self._count += 1
        heapq.heappush(self._due, (when, self._count, callback))
        return cast("asyncio.TimerHandle", self)

    def cancel(self) -> None:
        self._due.clear()

    def run(self, until: float, late: float = 0.0) -> None:
        while self._due and self._due[0][0] <= until:
            when, _, callback = heapq.heappop(self._due)
            self.now = max(self.now, when + late)
            callback()
        self.now = max(self.now, until)


class Steps(Page):
    """Keeps the steps that it is told of."""

    def __init__(self, played: Engine) -> None:
        self.steps: list[Step] = []
        self.gone: list[Request] = []
        self.engine = played

    def stepped(self, step: Step) -> None:
        self.steps.append(step)

    def _look(self) -> None:
        pass

    def aborted(self, request: Request) -> None:
        self.gone.append(request)


class Tokens:
    """An answer that counts."""

    def __init__(self) -> None:
        self.written, self.is_finished = 0, False

    def write(self) -> None:
        assert not self.is_finished
        self.written += 1

    def finish(self) -> None:
        self.is_finished = True


def driven(late: float) -> tuple[list[Step], dict[int, Tokens], list[tuple[float, float]]]:
    """What came of requests that were driven by a clock, and when each token was due and sent."""
    loop, played = FakeLoop(), engine()
    page, sent = Steps(played), list[tuple[float, float]]()
    driver = Driver(played, page, loop, loop.now, lambda _, due, at: sent.append((due, at)))
    answers = {}
    for request in poisson(2, 30, seed=5):
        loop.run(1000 + request.arrived, late)
        answers[request.id] = Tokens()
        # It is seen when the loop gets to it.
        request.arrived = driver.now
        driver.submit(request, answers[request.id])
    loop.run(2000, late)
    return page.steps, answers, sent


def test_a_run_by_the_clock_is_the_run_of_the_model() -> None:
    """The same arrivals in virtual time make the same steps, to the last digit."""
    steps, answers, sent = driven(late=0.0)
    again = list(play(engine(), poisson(2, 30, seed=5)))

    assert len(again) == len(steps)
    assert all(abs(a.ends - b.ends) < 1e-9 for a, b in zip(again, steps, strict=True))
    assert {r.id: r.answer_tokens for r in poisson(2, 30, seed=5)} == {n: a.written for n, a in answers.items()}  # fmt: skip
    assert all(answer.is_finished for answer in answers.values())
    assert all(at >= due - 1e-9 for due, at in sent)


def test_being_late_does_not_add_up() -> None:
    """Each step is a little late, and the last no later than the first."""
    _, _, sent = driven(late=0.002)
    behind = [at - due for due, at in sent]

    assert max(behind) < 0.0065


def test_who_left_gets_nothing_and_is_told_of_once() -> None:
    """A request is forgotten by the engine, and counted as gone."""
    loop, played = FakeLoop(), engine()
    page, answer = Steps(played), Tokens()
    driver = Driver(played, page, loop, loop.now)
    request = Request(1, 10, 100, 0.0)
    driver.submit(request, answer)
    loop.run(1000.1)
    driver.abort(request)
    driver.abort(request)
    loop.run(1010)

    assert 0 < answer.written < 100
    assert [request] == page.gone
    assert played.is_idle


def test_a_closed_driver_does_nothing() -> None:
    """As after a crash."""
    loop, played = FakeLoop(), engine()
    page: Any = Steps(played)
    driver = Driver(played, page, loop, loop.now)
    driver.submit(Request(1, 10, 100, 0.0), Tokens())
    driver.close()
    loop.run(1010)

    assert [] == page.steps
