"""The simulator as a process that notes when each token was due and when it was sent.

`python -m tests.bench.simulator_server PRESET`; it says its address on a line, and on SIGTERM what it
noted, as JSON. It is apart so that its clients have a core of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from array import array
from contextlib import suppress
from pathlib import Path

from llmstack.simulator.engine import Engine
from llmstack.simulator.fleet import Fleet, Place
from llmstack.simulator.play import play
from llmstack.simulator.request import Request
from llmstack.simulator.settings import Settings

#: Seconds that are not counted.
WARM_UP = 10.0


class Notes:
    """When tokens were due and sent, in seconds."""

    def __init__(self) -> None:
        self.requests: dict[int, Request] = {}
        self._last: dict[int, tuple[float, float]] = {}
        self.first_due, self.first_sent = array("d"), array("d")
        self.gaps_due, self.gaps_sent = array("d"), array("d")

    def note(self, request: Request, due: float, sent: float) -> None:
        before = self._last.get(request.id)
        self._last[request.id] = (due, sent)
        if before is None:
            self.requests[request.id] = request
        # At the start all come at once, and wait for each other for seconds.
        if due < WARM_UP:
            return
        if before is None:
            self.first_due.append(due - request.arrived)
            self.first_sent.append(sent - request.arrived)
        else:
            self.gaps_due.append(due - before[0])
            self.gaps_sent.append(sent - before[1])

    def is_the_model(self, settings: Settings) -> bool:
        """Tell whether a run in virtual time of the same arrivals has the same first tokens."""
        character = settings.character
        again = [
            Request(r.id, r.prompt_tokens, r.answer_tokens, r.arrived, r.prefix)
            for r in sorted(self.requests.values(), key=lambda r: r.id)
        ]
        for _ in play(Engine(character.rates, character.limits), again):
            pass
        # At the end clients leave, and requests that never got a token are not noted.
        until = again[-1].arrived - 1
        return all(
            each.first_token == self.requests[each.id].first_token
            for each in again
            if each.arrived < until
        )


async def serve(settings: Settings) -> None:
    notes, stopped = Notes(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    fleet = Fleet(settings.character, Place(port=0), watcher=notes.note)
    await fleet.open()
    print(fleet.houses[0].address(), flush=True)
    await stopped.wait()
    seconds, cpu, waited = fleet.now, time.process_time(), kept_waiting()
    await fleet.close()
    print(
        json.dumps(
            {
                "first": figures(notes.first_due, notes.first_sent),
                "gaps": figures(notes.gaps_due, notes.gaps_sent),
                "tokens": len(notes.first_due) + len(notes.gaps_due),
                "seconds": seconds,
                "counted": seconds - WARM_UP,
                "cpu": cpu,
                "kept_waiting": waited,
                "is_the_model": notes.is_the_model(settings),
            }
        )
    )


def go_first() -> None:
    """Be served before all others that want this core, where one may: it shall be ours alone."""
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def kept_waiting() -> float:
    """Return the seconds for which others had the core that this process wanted."""
    return int(Path("/proc/self/schedstat").read_text("ascii").split()[1]) / 1e9


def figures(due: array[float], sent: array[float]) -> dict[str, list[float]]:
    """Mean and p99, as the model says and as sent."""
    return {"mean": [mean(due), mean(sent)], "p99": [p99(due), p99(sent)]}


def mean(values: array[float]) -> float:
    return sum(values) / max(1, len(values))


def p99(values: array[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)] if values else 0.0


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    go_first()
    asyncio.run(serve(Settings(preset=sys.argv[1])))
