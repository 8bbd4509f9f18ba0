"""Runs a plan: sends it in a loop, waits for the last answer, and notes how late it was itself.

Nothing that a server does comes out of it as an exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain, islice
from time import monotonic
from typing import Protocol

from llmstack.errors import LlmstackError
from llmstack.load.apis import Prompt
from llmstack.load.client import Client, Prepared
from llmstack.load.distribution import Distribution
from llmstack.load.lag import Lag
from llmstack.load.outcome import Outcome
from llmstack.load.planned import Planned
from llmstack.load.waiting import wait_for_one

#: Seconds in which a request that is left has ended.
_LEAVING = 0.05


@dataclass(frozen=True)
class Bounds:
    """How much is sent and measured."""

    #: Seconds at the start that are not measured.
    warm_up: float = 0.0
    #: Seconds after that in which requests are sent; None for as long as there are any.
    duration: float | None = None
    #: Requests that are measured; None for all there are.
    total: int | None = None
    #: Seconds after the last request was sent until those still under way are left.
    drain: float = 600.0

    @property
    def sending(self) -> float | None:
        """Seconds from the start in which requests are sent."""
        return None if self.duration is None else self.warm_up + self.duration


@dataclass
class Run:
    """What is known of a run beside its outcomes."""

    #: When it began, when measuring did, when sending ended, and when the last request did.
    began: float = 0.0
    measured_from: float = 0.0
    sending_ended: float = 0.0
    ended: float = 0.0
    #: Requests that were sent, also those of the warm-up.
    sent: int = 0
    #: Requests whose time had come, and that were not sent when the run ended.
    not_sent: int = 0
    #: Requests that waited for others to end, as no more were to be under way.
    held_back: int = 0
    #: Seconds from when requests were to be begun until they were; not of those held back.
    late: Distribution = field(default_factory=Distribution)
    lag: Lag = field(default_factory=Lag)
    #: Whether somebody ended it before its end.
    is_interrupted: bool = False
    #: Why the plan could not be read on.
    problem: str = ""


class Loop(Protocol):
    """What decides when requests are sent."""

    async def send(self, runner: Runner) -> None:
        """Send until nothing more is to be sent, or the runner is stopped."""


class Runner:
    """Runs one plan once."""

    def __init__(
        self,
        client: Client,
        plan: Iterable[Planned],
        prompt_of: Callable[[Planned], Prompt],
        loop: Loop,
        bounds: Bounds,
        ended: Callable[[Outcome], None],
    ) -> None:
        """Know what is sent; nothing is until `run`.

        Args:
            client: who sends it.
            plan: what is sent.
            prompt_of: makes the prompt of a request.
            loop: when it is sent.
            bounds: how much is sent.
            ended: is called with each request that has ended.
        """
        self._client, self._plan, self._prompt_of = client, iter(plan), prompt_of
        self._loop, self._tell = loop, ended
        self._tasks: set[asyncio.Task[None]] = set()
        #: Set while nothing is under way.
        self._idle = asyncio.Event()
        self._idle.set()
        self._measured = 0
        self._fault: BaseException | None = None
        self.bounds, self.facts = bounds, Run()
        #: Set when nothing more is to be sent, and all that is under way is to be left.
        self.stopped = asyncio.Event()

    @property
    def under_way(self) -> int:
        """Requests that are under way."""
        return len(self._tasks)

    def stop(self) -> None:
        """End the run now; what is under way is left as unfinished."""
        self.facts.is_interrupted = True
        self._leave()

    async def run(self) -> Run:
        """Send the plan, and wait for the last answer.

        Raises:
            LlmstackError: the plan cannot be read at all.
        """
        facts = self.facts
        # Opening a trace takes longer than its first request may wait.
        self._plan = chain(list(islice(self._plan, 1)), self._plan)
        facts.began = monotonic()
        facts.measured_from = facts.began + self.bounds.warm_up
        facts.lag.begin()
        try:
            await self._loop.send(self)
            facts.sending_ended = monotonic()
            await self._drain()
        finally:
            facts.lag.end()
            facts.ended = monotonic()
            self._client.close()
        if self._fault is not None:
            raise self._fault
        return facts

    # --- what a loop calls ------------------------------------------------------------------------

    def next(self) -> Planned | None:
        """Return the next request of the plan; None where there is none within the bounds."""
        total = self.bounds.total
        if self.stopped.is_set() or (total is not None and self._measured >= total):
            return None
        try:
            return next(self._plan, None)
        except LlmstackError as error:
            self.facts.problem = str(error)
            return None

    def prepare(self, planned: Planned, after: float) -> Prepared:
        """Make a request ready.

        Args:
            planned: the request.
            after: seconds from the start of the run at which it is to be sent.
        """
        self._measured += after >= self.bounds.warm_up
        return self._client.prepare(planned, self._prompt_of(planned))

    async def ask(self, prepared: Prepared, scheduled: float, *, is_late: bool = False) -> Outcome:
        """Send a request and return what came of it.

        Args:
            prepared: the request.
            scheduled: when it was to be sent.
            is_late: whether it was held back, so that it is no fault of this program.
        """
        self.facts.sent += 1
        if not is_late:
            self.facts.late.add(max(0.0, monotonic() - scheduled))
        outcome = await self._client.ask(prepared, scheduled)
        outcome.is_warm_up = scheduled < self.facts.measured_from
        self._tell(outcome)
        return outcome

    def begin(self, task: asyncio.Task[None]) -> None:
        """Keep something that runs until it has ended."""
        self._tasks.add(task)
        self._idle.clear()
        task.add_done_callback(self._ended)

    async def wait_until(self, end: float) -> None:
        """Wait for a time, or for the run to be stopped."""
        try:
            async with asyncio.timeout(max(0.0, end - monotonic())):
                await self.stopped.wait()
        except TimeoutError:
            pass

    async def wait_for_all(self, end: float = float("inf")) -> None:
        """Wait for what is under way to end, for a time, or for the run to be stopped."""
        left = None if end == float("inf") else max(0.0, end - monotonic())
        await wait_for_one(self._idle, self.stopped, within=left)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self._idle.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Servers raise nothing: it is our own fault, and no run goes on with it.
            self._fault = self._fault or error
            self._leave()

    # --- ending -----------------------------------------------------------------------------------

    def _leave(self) -> None:
        self.stopped.set()
        self._client.leave()

    async def _drain(self) -> None:
        await self.wait_for_all(monotonic() + self.bounds.drain)
        self._leave()
        while self._tasks:
            # Those that had not begun when the others were left.
            self._client.leave()
            await asyncio.wait(self._tasks, timeout=_LEAVING)
