"""How late the client itself was: what it reads late it would charge to the server.

Every 5 ms the loop is to wake. How much later it does is how long bytes that came in the meantime
lay unread. A loop that was held up for long has missed several, and all count: they stand for the
bytes that could have come then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        late, self._due = sampled(self._due, monotonic())
        self.seen.extend(late)
        for seen in self.others:
            seen.extend(late)


def sampled(due: float, now: float) -> tuple[Sequence[float], float]:
    """Return how late a sample is, and those that were missed, and when the next is due."""
    late = now - due
    if late < EVERY:
        return (max(0.0, late),), due + EVERY
    missed = int(late / EVERY)
    return [late - EVERY * number for number in range(missed + 1)], due + EVERY * (missed + 1)
