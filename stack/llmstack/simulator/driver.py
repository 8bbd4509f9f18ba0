"""Runs an engine by the clock of the event loop.

What is due is done when its time has come, or as soon after as the loop gets to it; the engine's
clock goes on from when it was due and not from when it was done, so being late once does not make
all that follows late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Protocol

from llmstack.simulator.engine import Engine
from llmstack.simulator.page import Page
from llmstack.simulator.request import Request
from llmstack.simulator.step import Step


class Clock(Protocol):
    """The part of an event loop that is needed."""

    def time(self) -> float:
        """Return the seconds of a clock that never goes back."""

    def call_at(self, when: float, callback: Callable[[], object], /) -> asyncio.TimerHandle:
        """Call something at a time."""


class Answer(Protocol):
    """Where the tokens of a request go."""

    def write(self) -> None:
        """Take the next token."""

    def finish(self) -> None:
        """Take notice that the one before was the last."""


#: Seconds that a timer may be early: the sum of two times is rounded, and so is a loop's clock.
ROUNDING = 1e-6

#: Is told of each token that was sent: whose it is, and when it was due and sent.
Watcher = Callable[[Request, float, float], None]


class Driver:
    """Drives one engine, and hands its tokens out."""

    def __init__(
        self, engine: Engine, page: Page, loop: Clock, origin: float, watcher: Watcher | None = None
    ) -> None:
        """Begin.

        Args:
            engine: what is driven.
            page: it is told of every step.
            loop: whose clock is kept to.
            origin: what that clock says at 0 seconds of the engine's.
            watcher: is told of each token.
        """
        self._engine, self._page, self._loop, self._origin = engine, page, loop, origin
        self._watcher = watcher
        self._answers: dict[int, Answer] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def now(self) -> float:
        """Seconds of the engine's clock."""
        return self._loop.time() - self._origin

    @property
    def behind(self) -> float:
        """Seconds since when something is due that is not done yet."""
        due = self._engine.due()
        return max(0.0, self.now - due) if due < inf else 0.0

    def submit(self, request: Request, answer: Answer) -> None:
        """Take a request on.

        Raises:
            RequestError: the engine can never hold it.
        """
        self._engine.submit(request)
        self._answers[request.id] = answer
        self._wait()

    def abort(self, request: Request) -> None:
        """Forget a request whose client went away."""
        if self._answers.pop(request.id, None) is not None:
            self._engine.abort(request)
            self._page.aborted(request)

    def close(self) -> None:
        """Do nothing any more."""
        self._is_closed = True
        self._answers.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        due = self._engine.due()
        if self._timer is None and due < inf and not self._is_closed:
            self._timer = self._loop.call_at(self._origin + due, self._go_on)

    def _go_on(self) -> None:
        """Do what is due, but no more than one step: the loop has others to look after."""
        self._timer = None
        while self._engine.due() <= self.now + ROUNDING:
            step = self._engine.advance()
            if step is not None:
                self._hand_out(step)
                break
        self._wait()

    def _hand_out(self, step: Step) -> None:
        self._page.stepped(step)
        answers, watcher = self._answers, self._watcher
        for request in step.written:
            answer = answers.get(request.id)
            if answer is None:
                continue
            answer.write()
            if watcher is not None:
                watcher(request, step.ends, self.now)
        for request in step.finished:
            done = answers.pop(request.id, None)
            if done is not None:
                done.finish()
