"""How late the client itself was: what it reads late it would charge to the server.

Every 5 ms the loop is to wake. How much later it does is how long bytes that came in the meantime
lay unread. A loop that was held up for long has missed several, and all count: they stand for the
bytes that could have come then.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import Protocol

from llmstack.load.alarm import Alarm
from llmstack.load.distribution import Distribution

#: Seconds from one sample to the next.
EVERY = 0.005


class Seen(Protocol):
    """What takes samples."""

    def extend(self, values: Iterable[float], /) -> None:
        """Take notice of lengths of time."""


class Lag:
    """Samples the lag of the loop from `begin` to `end`."""

    def __init__(self) -> None:
        """Begin with no sample."""
        self.seen = Distribution()
        #: Take each sample, too.
        self.others: list[Seen] = []
        self._alarm: Alarm | None = None
        self._due = 0.0

    def begin(self) -> None:
        """Sample from now on."""
        self._alarm = Alarm(self._sample)
        self._due = monotonic() + EVERY
        self._alarm.set(self._due, EVERY)

    def end(self) -> None:
        """Sample no more."""
        if self._alarm is not None:
            self._alarm.close()
            self._alarm = None

    def _sample(self) -> None:
        due, now = self._due, monotonic()
        for seen in (self.seen, *self.others):
            self._due = sampled(seen, due, now)


def sampled(seen: Seen, due: float, now: float) -> float:
    """Note how late a sample is, and those that were missed; return when the next is due."""
    missed = max(0, int((now - due) / EVERY))
    seen.extend(max(0.0, now - due - EVERY * number) for number in range(missed + 1))
    return due + EVERY * (missed + 1)
