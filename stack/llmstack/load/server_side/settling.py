"""Waits until a server has nothing to do, so that no run begins in the shadow of another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from llmstack.load.server_side.readings import Reading

#: Seconds from one look to the next.
_EVERY = 0.25
#: Seconds in which nothing may have moved: engines count at every step, or once a second.
_STILL = 2.0


@dataclass(frozen=True)
class Settled:
    """How the wait ended."""

    reading: Reading
    is_idle: bool
    seconds: float


def settle(
    look: Callable[[], tuple[Reading, float]],
    since: float,
    within: float,
    last: Reading | None = None,
) -> Settled:
    """Look until the server is idle, and return the last look.

    It is idle when it tells that nothing runs and nothing waits, or when none of its counts has
    moved for two seconds: some keep the last queue on show when there is none any more.

    Args:
        look: reads the server, and tells when what it read was true (seconds since 1970).
        since: what was true before this (seconds since 1970) does not count.
        within: seconds after which it is left as it is.
        last: what was read when it was idle before; where nothing has moved since, it still is.

    Raises:
        UnreadableError: it cannot be read.
    """
    began = time.monotonic()
    moved, scraped = began, 0.0
    movement = None
    if last is not None:
        moved, movement, scraped = began - _STILL, last.movement, since
    while True:
        reading, taken = look()
        now = time.monotonic()
        if reading.movement != movement or taken <= since:
            moved, movement = now, reading.movement
        is_still = now - moved >= _STILL and taken > scraped
        is_idle = taken > since and (reading.queues.is_empty is True or is_still)
        if is_idle or now - began >= within:
            return Settled(reading, is_idle, now - began)
        # A Prometheus shows the same scrape until the next: it has to have come a second time.
        scraped = scraped or taken
        time.sleep(_EVERY)
