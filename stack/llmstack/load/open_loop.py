"""The open loop: requests are sent at their times however slow the server is.

So users come, and so a server that stalls shows: requests that were to be sent meanwhile wait, and
their waiting is a part of their latency, which counts from the time they were planned for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from llmstack.load.alarm import Alarm
from llmstack.load.client import Prepared
from llmstack.load.planned import Planned
from llmstack.load.runner import Runner


@dataclass(frozen=True)
class OpenLoop:
    """Sends by the clock."""

    #: Most of them under way; the others wait, and their waiting counts. None for no bound.
    concurrency: int | None = None

    async def send(self, runner: Runner) -> None:
        """Send all that is planned at its time."""
        facts = runner.facts
        ended, running = asyncio.Event(), asyncio.get_running_loop()

        def ask(prepared: Prepared, scheduled: float, is_late: bool) -> None:
            runner.begin(asyncio.create_task(one(prepared, scheduled, is_late)))

        async def one(prepared: Prepared, scheduled: float, is_late: bool) -> None:
            try:
                await runner.ask(prepared, scheduled, is_late=is_late)
            finally:
                if not runner.stopped.is_set():
                    schedule.one_has_ended()

        sending, began = runner.bounds.sending, facts.began

        def upcoming() -> Planned | None:
            planned = runner.next()
            is_within = planned is not None and (sending is None or planned.at < sending)
            return planned if is_within else None

        schedule = Schedule(
            upcoming,
            lambda planned: runner.prepare(planned, planned.at),
            ask,
            began,
            self.concurrency,
        )
        alarm = Alarm(lambda: ring())

        def ring() -> None:
            if ended.is_set():
                return
            at = schedule.ring()
            if at is None or runner.stopped.is_set():
                ended.set()
            elif at <= monotonic():
                # What has begun is sent first, and answers are read.
                running.call_soon(ring)
            else:
                alarm.set(at)

        stopped = asyncio.create_task(runner.stopped.wait())
        stopped.add_done_callback(lambda _: ended.set())
        try:
            ring()
            await ended.wait()
            if sending is not None:
                # It lasts as long as was asked for, also when the last request was sent before.
                await runner.wait_until(began + sending)
            await self._send_what_waits(runner, schedule)
        finally:
            alarm.close()
            stopped.cancel()
            facts.held_back, facts.not_sent = schedule.held_back, len(schedule.waiting)
            schedule.waiting.clear()

    @staticmethod
    async def _send_what_waits(runner: Runner, schedule: Schedule) -> None:
        end = monotonic() + runner.bounds.drain
        while schedule.waiting and not runner.stopped.is_set() and monotonic() < end:
            await runner.wait_for_all(min(end, monotonic() + 1.0))


class Schedule:
    """What is due is begun, and the next request is made ready before its time."""

    def __init__(
        self,
        upcoming: Callable[[], Planned | None],
        prepare: Callable[[Planned], Prepared],
        begin: Callable[[Prepared, float, bool], None],
        began: float,
        most: int | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Make the first request ready.

        Args:
            upcoming: returns the next request, or None where there is none.
            prepare: makes one ready.
            begin: begins one: with when it was due, and whether it was held back.
            began: when the run began.
            most: most requests that are under way.
            clock: says what time it is.
        """
        # The first is made ready now, and each other when the one before it has begun: a request
        # whose time has come does not wait for the words of the next.
        self._upcoming, self._prepare, self._begin = upcoming, prepare, begin
        self._began, self._most, self._clock = began, most, clock
        self._under_way = 0
        self.held_back = 0
        #: Those whose time has come, with when that was.
        self.waiting: deque[tuple[Prepared, float]] = deque()
        self._next = self._load()
        self._has_begun = False

    def ring(self) -> float | None:
        """Begin the next request, if it is due; return when to come again.

        That is now where one has begun, and None where nothing is left.
        """
        if self._has_begun:
            self._next, self._has_begun = self._load(), False
        if self._next is None:
            return None
        prepared, at = self._next
        if at <= self._clock():
            self._take(prepared, at)
            self._has_begun = True
        return at

    def one_has_ended(self) -> None:
        """Begin the request that has waited longest."""
        self._under_way -= 1
        if self.waiting:
            prepared, at = self.waiting.popleft()
            self._under_way += 1
            self._begin(prepared, at, True)

    def _load(self) -> tuple[Prepared, float] | None:
        planned = self._upcoming()
        return None if planned is None else (self._prepare(planned), self._began + planned.at)

    def _take(self, prepared: Prepared, at: float) -> None:
        if self._most is not None and self._under_way >= self._most:
            self.held_back += 1
            self.waiting.append((prepared, at))
            return
        self._under_way += 1
        self._begin(prepared, at, False)
