"""The closed loop: so many clients, each of which sends when its last request has ended.

A server that stalls is asked less, so what is measured are the answers to patient clients. The
plan's times are not kept to.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic

from llmstack.load.outcome import Failure
from llmstack.load.runner import Runner

#: Seconds that a client waits when it could not connect: without it a dead server would be asked
#: ten thousand times a second.
_PAUSE = 0.1
_NO_CONNECTION = (Failure.REFUSED, Failure.UNREACHABLE)


@dataclass(frozen=True)
class ClosedLoop:
    """Sends when there is an answer."""

    concurrency: int
    #: Seconds over which the clients begin, one after the other.
    ramp_up: float = 0.0

    async def send(self, runner: Runner) -> None:
        """Let the clients send until the plan or the time is over."""
        began, sending = runner.facts.began, runner.bounds.sending
        end = float("inf") if sending is None else began + sending
        for number in range(self.concurrency):
            begin = began + self.ramp_up * number / self.concurrency
            runner.begin(asyncio.create_task(_client(runner, begin, end)))
        await runner.wait_for_all(end)


async def _client(runner: Runner, begin: float, end: float) -> None:
    await runner.wait_until(begin)
    while (now := monotonic()) < end and (planned := runner.next()) is not None:
        prepared = runner.prepare(planned, now - runner.facts.began)
        outcome = await runner.ask(prepared, now)
        if outcome.failure in _NO_CONNECTION:
            await runner.wait_until(min(end, monotonic() + _PAUSE))
