"""The watcher that counts a run, and tells those who are to know."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from llmstack.load.outcome import Outcome
from llmstack.load.program import Job
from llmstack.load.results import Document
from llmstack.load.seconds import Second
from llmstack.load.telling.annotated import Annotated
from llmstack.load.telling.figures import Figures
from llmstack.load.telling.offered import Offered
from llmstack.load.telling.pushed import Pushed
from llmstack.load.telling.served import Served
from llmstack.load.watching import Watcher


class Telling(Watcher):
    """Counts what passes; whom to tell was decided before."""

    def __init__(
        self,
        say: Callable[[str], None],
        served: Served | None = None,
        pushed: Pushed | None = None,
        annotated: Annotated | None = None,
        *,
        is_of_several: bool = False,
    ) -> None:
        """Know whom to tell.

        Args:
            say: is called with a line when there is something to know.
            served: serves what is counted.
            pushed: pushes it.
            annotated: marks the run.
            is_of_several: other runs follow one, and `end_all` the last.
        """
        self._say, self._is_of_several = say, is_of_several
        self._served, self._pushed, self._annotated = served, pushed, annotated
        self._run, self._offered = "", Offered(())
        self._figures: Figures | None = None

    def watched(self, job: Job, run: str) -> Job:
        """Return a job whose plan is counted as it is taken.

        Args:
            job: the next that is run.
            run: the id of its run.
        """
        self._run, self._offered = run, Offered(job.plan)
        return replace(job, plan=self._offered)

    async def begin(self, job: Job) -> None:
        """Make the metrics, and let them be read."""
        figures = self._figures = self._figures or Figures(job.question.model)
        figures.begin(job, self._run, self._offered)
        if self._served is not None:
            await self._served.begin(figures.text)
        if self._pushed is not None:
            await self._pushed.begin(figures.text)
        if self._annotated is not None:
            await self._annotated.begin(job, self._run)
        self.lag = figures.lag

    def outcome(self, outcome: Outcome) -> None:
        """Count a request that has ended."""
        if self._figures is not None:
            self._figures.outcome(outcome)

    def second(self, second: Second) -> None:
        """Count what has passed, and push it now and then."""
        if self._figures is not None:
            self._figures.second(second)
        if self._pushed is not None:
            self._pushed.second(second.at)

    async def end(self, found: Document) -> None:
        """Tell the last values and the end, and say what could not be told."""
        if self._figures is not None:
            self._figures.end(found)
        if self._annotated is not None:
            await self._annotated.end(found)
        if self._pushed is not None:
            await self._pushed.end()
        for each in (self._annotated, self._pushed):
            if each is not None and each.problem:
                self._say(each.problem)
        if self._served is not None and self._is_of_several:
            await self._served.stop()
        elif self._served is not None:
            await self._serve_the_last(self._served, is_interrupted=found["is_interrupted"])

    async def end_all(self, *, is_interrupted: bool) -> None:
        """Serve the last values of several runs."""
        if self._served is not None and self._figures is not None:
            await self._served.begin(self._figures.text)
            await self._serve_the_last(self._served, is_interrupted=is_interrupted)

    async def _serve_the_last(self, served: Served, *, is_interrupted: bool) -> None:
        skipped = asyncio.Event()
        if is_interrupted:
            # Who ended the run waits for nobody.
            skipped.set()
        elif served.lingers:
            self._say(
                f"The last values are at {served.url} until they are read, for "
                f"{served.lingers:g} s at most; Ctrl-C ends that."
            )
        running = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):
            # Not in a thread that is not the main one, as in tests.
            for number in (signal.SIGINT, signal.SIGTERM):
                running.add_signal_handler(number, skipped.set)
        await served.end(skipped)
