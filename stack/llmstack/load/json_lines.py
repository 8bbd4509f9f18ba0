"""A run as lines of JSON, for programs that read along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from llmstack.json_log import json_line
from llmstack.load.program import Job
from llmstack.load.results import Document
from llmstack.load.seconds import Second
from llmstack.load.watching import Watcher

#: Parts of the results that were told before, or that are for machines alone.
_NOT_TOLD = ("series", "histograms")


class JsonLines(Watcher):
    """Says a line when a run begins, for each interval, and when it ends."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Begin with none; `say` is called with each line."""
        self._say = say

    async def begin(self, job: Job) -> None:
        """Say what is sent to whom."""
        asked = job.asked()
        demand = None if job.demand is None else asdict(job.demand)
        self._tell(
            "begin",
            {"name": asked.name, "target": asked.target, "load": asked.load, "demand": demand},
        )

    def second(self, second: Second) -> None:
        """Say what passed in an interval; what did not happen in it is left out."""
        self._tell("interval", second.row())

    async def end(self, found: Document) -> None:
        """Say what came of it."""
        self._tell("end", {name: value for name, value in found.items() if name not in _NOT_TOLD})

    def _tell(self, event: str, fields: Mapping[str, object]) -> None:
        self._say(json_line(datetime.now(UTC), event, fields))
