"""What is known of a run at one moment, and shown until the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmstack.load.view.progress import Progress
from llmstack.load.view.readings import Reading


@dataclass(frozen=True)
class Snapshot:
    """One moment."""

    model: str
    urls: Sequence[str]
    #: `open loop`, or `closed loop, 8 at a time`.
    loop: str
    #: What is sent, in words.
    plan: str
    #: Seconds since the run began.
    elapsed: float
    #: None for a run that has no end.
    progress: Progress | None
    is_warming_up: bool
    #: Requests from the start of the run, also those of the warm-up.
    sent: int
    answered: int
    failed: int
    under_way: int
    #: How many requests failed in which way, the most frequent first, and how the last one did.
    failures: Sequence[tuple[str, int]]
    last_failure: str
    #: The last intervals, and the points of charts, which may stand for several; the newest last.
    readings: Sequence[Reading]
    points: Sequence[Reading]
