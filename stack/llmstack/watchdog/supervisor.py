"""Supervises all programs of a configuration until it is asked to end, or has given up on all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time

from llmstack.watchdog.configuration import Configuration, Program
from llmstack.watchdog.events import EventLog
from llmstack.watchdog.figures import Figures
from llmstack.watchdog.health import check
from llmstack.watchdog.keeper import adopt_orphans, children
from llmstack.watchdog.kept import Kept
from llmstack.watchdog.lifecycle import (
    Action,
    Answer,
    Checked,
    End,
    Event,
    Gone,
    Phase,
    State,
    Tick,
    counts,
    next_moment,
    step,
)

#: How long to wait before looking again for what was killed but has not ended, in seconds.
_AGAIN_SECONDS = 0.05


def supervise(configuration: Configuration, figures: Figures, log: EventLog) -> bool:
    """Supervise until SIGTERM, SIGINT or SIGHUP; tell whether it ended because it was asked to.

    It takes the whole process: every child that is none of its own keepers is killed.
    """
    adopt_orphans()
    return asyncio.run(_all(configuration, figures, log))


async def _all(configuration: Configuration, figures: Figures, log: EventLog) -> bool:
    keepers: set[int] = set()
    supervised = [_Supervised(each, figures, log, keepers) for each in configuration.programs]
    asked: list[str] = []

    def end(number: signal.Signals) -> None:
        log.write("ending", reason=number.name)
        for each in supervised:
            # Who asks twice is in a hurry.
            each.hurry() if asked else each.end()
        asked.append(number.name)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, end, number)
    async with asyncio.TaskGroup() as group:
        for each in supervised:
            group.create_task(each.run())
    log.write("ended", reason=asked[0] if asked else "gave up on every program")
    return bool(asked)


class _Supervised:
    """One program: carries out what its lifecycle decides, and tells it what happens.

    All of it runs in one loop, so nothing happens between two waits.
    """

    def __init__(
        self, program: Program, figures: Figures, log: EventLog, keepers: set[int]
    ) -> None:
        self._program, self._figures, self._log = program, figures, log
        #: The keepers of all programs, which are no strays.
        self._keepers = keepers
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._kept: Kept | None = None
        self._pid: int | None = None
        #: What goes on beside the decisions: a fault in it ends the watchdog, and so all programs.
        self._beside = asyncio.TaskGroup()
        self._state = State(due=time.monotonic())

    async def run(self) -> None:
        """Supervise it until nothing more is to be done."""
        async with self._beside:
            await self._decide()

    async def _decide(self) -> None:
        policy = self._program.policy
        while not self._state.is_over:
            event, now = await self._next_event(), time.monotonic()
            before = self._state
            has_failed = isinstance(event, Checked) and event.answer is not Answer.HEALTHY
            if has_failed and counts(policy, before, now):
                self._figures.count_failure(self._program.name)
            self._state, action = step(policy, before, now, event)
            self._figures.show(self._program.name, policy, self._state)
            if action is Action.START:
                self._start(before)
            elif action is Action.STOP:
                self._stop()
            elif action is Action.GIVE_UP:
                restarts = f"{policy.max_restarts} restarts in {policy.window_seconds:g} s"
                self._say("gave up", reason=f"{restarts} did not help ({self._reason()})")
            elif isinstance(event, Gone) and self._state.phase is Phase.WAITING:
                wait = round(self._state.due - now, 3)
                self._say("restart planned", reason=self._reason(), in_seconds=wait)

    def end(self) -> None:
        """Stop it for good."""
        self._inbox.put_nowait(End())

    def hurry(self) -> None:
        """Do not wait for its grace."""
        if self._kept is not None:
            self._kept.hurry()

    async def _next_event(self) -> Event:
        moment = next_moment(self._program.policy, self._state)
        patience = None if moment is None else max(0.0, moment - time.monotonic())
        try:
            async with asyncio.timeout(patience):
                return await self._inbox.get()
        except TimeoutError:
            return Tick()

    def _start(self, before: State) -> None:
        self._pid = None
        self._figures.count_start(self._program.name, before.reason)
        try:
            self._kept = Kept(self._program)
        except OSError as error:
            self._say("start failed", reason=str(error))
            self._inbox.put_nowait(Gone(has_run=False))
            return
        self._keepers.add(self._kept.keeper_pid)
        self._beside.create_task(self._follow(self._kept))

    def _stop(self) -> None:
        reason = "the watchdog ends" if self._state.is_ending else self._reason()
        self._say("stopping", reason=reason)
        if self._kept is not None:
            self._kept.stop()

    async def _follow(self, kept: Kept) -> None:
        """Read what the keeper of one start says, until nothing of the program is left."""
        has_run, checking = False, None
        async for report in kept.reports():
            if "pid" in report:
                has_run, self._pid = True, report["pid"]
                self._say("started")
                if self._program.health is not None:
                    checking = self._beside.create_task(self._check(self._program.health))
            elif "error" in report:
                self._say("start failed", reason=report["error"])
            else:
                self._say("exited", reason=_ended(report["status"]))
        if checking is not None:
            checking.cancel()
        self._keepers.discard(kept.keeper_pid)
        await _kill_strays(self._keepers)
        self._kept = None
        self._inbox.put_nowait(Gone(has_run))

    async def _check(self, url: str) -> None:
        """Check the health of one start, again and again."""
        last: tuple[Answer, str] | None = None
        while True:
            answer, why = await check(url, self._program.timeout_seconds)
            if (answer, why) != last:
                # Once for a row of equal ones; how many there were the metrics tell.
                is_well = answer is Answer.HEALTHY
                self._say("healthy" if is_well else "health check failed", reason=why or None)
            last = answer, why
            self._inbox.put_nowait(Checked(answer))
            await asyncio.sleep(self._program.interval_seconds)

    def _reason(self) -> str | None:
        return None if self._state.reason is None else self._state.reason.value

    def _say(self, event: str, **facts: object) -> None:
        self._log.write(event, program=self._program.name, pid=self._pid, **facts)


def _ended(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit status {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


async def _kill_strays(keepers: set[int]) -> None:
    """Kill what a killed keeper has left to us, and what those leave.

    A keeper that lives has adopted all that its program left behind, so who is our child and no
    keeper has lost his own.
    """
    while strays := [pid for pid in children(os.getpid()) if pid not in keepers]:
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in strays:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        await asyncio.sleep(_AGAIN_SECONDS)
