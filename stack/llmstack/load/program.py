"""Runs a plan against servers from begin to end: what commands that send load have in common."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from llmstack.load.apis import Prompt, Question
from llmstack.load.client import Client, Limits
from llmstack.load.closed_loop import ClosedLoop
from llmstack.load.demand import Demand
from llmstack.load.measuring import Measured
from llmstack.load.objectives import Objective
from llmstack.load.open_loop import OpenLoop
from llmstack.load.outcome import Outcome
from llmstack.load.planned import Planned
from llmstack.load.results import Asked, Document, command_line, document, write
from llmstack.load.runner import Bounds, Runner
from llmstack.load.seconds import Second, Seconds
from llmstack.load.summary import told
from llmstack.load.watching import Lines, Watcher

#: What a command that sends load exits with: measured and to be trusted; nothing was answered; the
#: client was too slow, or the run too short, for the figures to be the server's; an objective was
#: not held; somebody ended it.
WELL, NOTHING_ANSWERED, NOT_TO_BE_TRUSTED, NOT_HELD, INTERRUPTED = 0, 1, 3, 4, 130

#: Objects more than there were before they are looked through: 700 is what Python takes.
_GARBAGE = 10_000

Say = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """What is sent to whom, and what is done with what comes of it."""

    name: str
    urls: Sequence[str]
    question: Question
    plan: Iterable[Planned]
    #: The plan in words.
    plan_told: str
    prompt_of: Callable[[Planned], Prompt]
    loop: OpenLoop | ClosedLoop
    bounds: Bounds = field(default_factory=Bounds)
    limits: Limits = field(default_factory=Limits)
    headers: Mapping[str, str] = field(default_factory=dict)
    objectives: Sequence[Objective] = ()
    verifies: bool = True
    #: Seconds from one line to the next; 0 for none.
    every: float = 1.0
    #: Seconds of one interval of the series, and of what watchers are told at a time.
    interval: float = 1.0
    #: What a plan that ends asks for in all; None where nobody has counted.
    demand: Demand | None = None
    #: What else its results say.
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind_of_loop(self) -> str:
        """`open` where requests go by the clock, `closed` where clients wait for answers."""
        return "open" if isinstance(self.loop, OpenLoop) else "closed"

    def asked(self) -> Asked:
        """Return it for the results."""
        question, bounds = self.question, self.bounds
        return Asked(
            name=self.name,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            command=command_line(),
            target={
                "urls": list(self.urls),
                "api": question.api.value,
                "model": question.model,
                "is_stream": question.is_stream,
                "is_exact": question.is_exact,
            },
            load={
                "loop": self.kind_of_loop,
                "concurrency": self.loop.concurrency,
                "plan": self.plan_told,
                "warm_up_seconds": bounds.warm_up,
                "duration_seconds": bounds.duration,
                "total": bounds.total,
                "timeout_seconds": self.limits.request,
            },
            more=self.more,
        )


def reported(found: Document, say: Say, output: Path | None = None) -> int:
    """Write results, say what came of a run, and return what to exit with.

    Raises:
        LlmstackError: they cannot be written.
    """
    if output is not None:
        write(output, found)
    say(told(found))
    return exit_code(found)


def measure(job: Job, say: Say, watchers: Sequence[Watcher] = ()) -> Document:
    """Run a job and return its results; SIGINT ends it early, with what was measured until then.

    Args:
        job: what is sent to whom.
        say: is called with a line from time to time, as the job says how often.
        watchers: are told what passes.
    """
    lines = [Lines(say, job.every, job.interval)] if job.every else []
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_measure(job, (*lines, *watchers)))


def exit_code(found: Document) -> int:
    """Return what a command exits with."""
    if found["is_interrupted"]:
        return INTERRUPTED
    if not found["requests"]["answered"]:
        return NOTHING_ANSWERED
    if not found["client"]["is_trusted"]:
        return NOT_TO_BE_TRUSTED
    return WELL if all(each["is_held"] for each in found["objectives"]) else NOT_HELD


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's where it is installed: it halves the processor time of a token."""
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    return uvloop.new_event_loop


async def _measure(job: Job, watchers: Sequence[Watcher]) -> Document:
    client = Client(job.urls, job.question, job.limits, job.headers, verifies=job.verifies)
    measured, asked = Measured(job.objectives), job.asked()
    told = [each.outcome for each in watchers if type(each).outcome is not Watcher.outcome]
    seconds: Seconds | None = None

    def ended(outcome: Outcome) -> None:
        measured.add(outcome)
        if seconds is not None:
            seconds.add(outcome)
        for tell in told:
            tell(outcome)

    runner = Runner(client, job.plan, job.prompt_of, job.loop, job.bounds, ended)
    for watcher in watchers:
        await watcher.begin(job)
        if watcher.lag is not None:
            runner.facts.lag.others.append(watcher.lag)
    seconds = Seconds(client.traffic, monotonic())
    running = asyncio.get_running_loop()
    with suppress(NotImplementedError, RuntimeError, ValueError):
        # Not in a thread that is not the main one, as in tests.
        running.add_signal_handler(signal.SIGINT, runner.stop)
        running.add_signal_handler(signal.SIGTERM, runner.stop)
    # What is there now stays; looking through it would hold up the loop for milliseconds. What
    # comes and goes with requests is in no cycle, and is seldom worth looking through.
    gc.freeze()
    thresholds = gc.get_threshold()
    gc.set_threshold(_GARBAGE, *thresholds[1:])
    ticking = asyncio.create_task(_tick(job, client, runner, seconds, watchers))
    try:
        facts = await runner.run()
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
    _end(runner, seconds)
    found = document(asked, facts, measured, seconds.all)
    for watcher in watchers:
        await watcher.end(found)
    return found


async def _tick(
    job: Job, client: Client, runner: Runner, seconds: Seconds, watchers: Sequence[Watcher]
) -> None:
    """Tell watchers what passes, interval by interval."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    number = 0
    while True:
        number += 1
        await asyncio.sleep(max(0.0, begin + number * job.interval - loop.time()))
        client.catch_up()
        second = _end(runner, seconds)
        for watcher in watchers:
            watcher.second(second)


def _end(runner: Runner, seconds: Seconds) -> Second:
    return seconds.end(monotonic(), runner.facts.sent, runner.under_way)
