"""Who watches a run while it goes on: lines on standard output, a view in a terminal, metrics.

What a watcher does happens between requests, in the loop that sends them: it has to be short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from llmstack.load.lag import Seen
from llmstack.load.outcome import Outcome
from llmstack.load.results import Document
from llmstack.load.seconds import Second
from llmstack.load.summary import second_line

if TYPE_CHECKING:
    from llmstack.load.program import Job


class Watcher:
    """Takes notice of nothing; those that do say of what."""

    #: Takes how late the client reads, sample by sample, if it is set when `begin` returns.
    lag: Seen | None = None

    async def begin(self, job: Job) -> None:
        """Take notice that a run is about to begin; nothing is sent before this returns."""

    def outcome(self, outcome: Outcome) -> None:
        """Take notice of a request that has ended, also of the warm-up or unfinished."""

    def second(self, second: Second) -> None:
        """Take notice of an interval that has passed."""

    async def end(self, found: Document) -> None:
        """Take notice of the end, with the results; it comes once, also when it was interrupted."""


class Lines(Watcher):
    """Says a line from time to time."""

    def __init__(self, say: Callable[[str], None], every: float, interval: float) -> None:
        """Begin with none.

        Args:
            say: is called with each line.
            every: seconds from one line to the next.
            interval: seconds of what a watcher is told at a time.
        """
        self._say, self._every, self._interval = say, every, interval
        self._told = 0.0

    def second(self, second: Second) -> None:
        """Say a line, if its time has come."""
        # An interval that ends a little early is not put off to the next.
        if second.at - self._told >= self._every - self._interval / 2:
            self._told = second.at
            self._say(second_line(second))
