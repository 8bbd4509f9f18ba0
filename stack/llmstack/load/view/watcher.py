"""The view of a run: takes notice of what passes, and draws it once a second.

The loop that draws is the loop that sends, so a frame is made in pieces between which the loop goes
on, and a thread writes it. When it ends, however it does, the terminal is as it was.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Self, TextIO

from llmstack.load.outcome import Outcome
from llmstack.load.program import Job
from llmstack.load.results import Document
from llmstack.load.seconds import Second
from llmstack.load.view.frame import frame
from llmstack.load.view.layout import Sizes
from llmstack.load.view.progress import progress
from llmstack.load.view.readings import Readings, reading
from llmstack.load.view.snapshot import Snapshot
from llmstack.load.watching import Watcher
from llmstack.terminal.screen import Screen

#: Seconds from one frame to the next: at the least, so that each interval of one second is drawn
#: although it ends a little early; and at the most, as the clock goes on without intervals.
_LEAST, _MOST = 0.9, 1.2
#: Intervals that are kept as they were: more than a terminal has lines, and a strip has cells.
_KEPT = 300


class View(Watcher):
    """Draws a run in a terminal; to be used with `with`, which puts the terminal in order."""

    def __init__(self, terminal: TextIO, sizes: Sizes, say: Callable[[str], None]) -> None:
        """Draw nothing before a run begins.

        Args:
            terminal: where it is drawn.
            sizes: how large its parts are.
            say: says something where the command was given.
        """
        self._terminal, self._sizes, self._say = terminal, sizes, say
        self._screen: Screen | None = None
        self._drawing: asyncio.Task[None] | None = None
        self._due, self._drawn = asyncio.Event(), 0.0
        self._failures: Counter[str] = Counter()
        self._last_failure = ""
        self._sent = self._answered = self._ended = self._under_way = 0

    def __enter__(self) -> Self:
        """Draw when a run begins."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was, whatever has happened."""
        self._leave()
        self._wait()

    def say(self, text: str) -> None:
        """Say something where the command was given, once the screen has been left."""
        self._wait()
        self._say(text)

    async def begin(self, job: Job) -> None:
        """Take the screen, and draw the first frame."""
        self._job, self._began = job, monotonic()
        self._readings = Readings(job.interval, self._sizes.plot_window, _KEPT)
        self._screen = Screen(self._terminal)
        with suppress(NotImplementedError, RuntimeError, ValueError):
            # Not in a thread that is not the main one, as in tests.
            asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, self._due.set)
        self._drawing = asyncio.create_task(self._draw_again_and_again())

    def outcome(self, outcome: Outcome) -> None:
        """Count a request that has ended."""
        if outcome.is_unfinished:
            return
        self._ended += not outcome.is_warm_up
        if outcome.failure is None:
            self._answered += 1
        else:
            self._failures[outcome.failure.value] += 1
            self._last_failure = outcome.detail

    def second(self, second: Second) -> None:
        """Keep an interval, and have it drawn if it is time."""
        self._readings.add(reading(second))
        self._sent += second.sent
        self._under_way = second.under_way
        if monotonic() - self._drawn >= _LEAST:
            self._due.set()

    async def end(self, found: Document) -> None:
        """Leave the screen, so that the report stands where the command was given."""
        del found
        if self._drawing is not None:
            self._drawing.cancel()
            with suppress(asyncio.CancelledError):
                await self._drawing
        self._leave()

    def _give_up(self, why: str) -> None:
        self._leave()
        self.say(why)

    def _leave(self) -> None:
        if self._screen is not None:
            self._screen.close()

    def _wait(self) -> None:
        if self._screen is not None:
            self._screen.wait()

    async def _draw_again_and_again(self) -> None:
        try:
            while True:
                self._due.clear()
                await self._draw()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._due.wait(), _MOST)
        except Exception as error:
            # What is measured is worth more than how it is shown, so the run goes on without.
            why = f"the view has ended, the run goes on: {type(error).__name__}: {error}"
            await asyncio.to_thread(self._give_up, why)

    async def _draw(self) -> None:
        """Draw a frame, unless the terminal has not yet taken the one before."""
        screen = self._screen
        if screen is None or screen.is_behind:
            return
        self._drawn = monotonic()
        width, height = screen.size
        lines: list[str] = []
        for piece in frame(self.snapshot(), width, height, self._sizes):
            lines += [screen.text(line, width) for line in piece]
            await asyncio.sleep(0)
        screen.show(lines, width, height)

    def snapshot(self) -> Snapshot:
        """Return what is known now."""
        job, elapsed = self._job, monotonic() - self._began
        is_closed = job.kind_of_loop == "closed"
        return Snapshot(
            model=job.question.model,
            urls=job.urls,
            loop=_loop_told(is_closed, job.loop.concurrency),
            plan=job.plan_told,
            elapsed=elapsed,
            progress=progress(
                job.bounds, job.demand, is_closed=is_closed, elapsed=elapsed, ended=self._ended
            ),
            is_warming_up=elapsed < job.bounds.warm_up,
            sent=self._sent,
            answered=self._answered,
            failed=self._failures.total(),
            under_way=self._under_way,
            failures=self._failures.most_common(),
            last_failure=self._last_failure,
            readings=self._readings.last,
            points=self._readings.points,
        )


def _loop_told(is_closed: bool, concurrency: int | None) -> str:
    if is_closed:
        return f"closed loop, {concurrency:,} at a time"
    return "open loop" + (f", at most {concurrency:,}" if concurrency else "")
