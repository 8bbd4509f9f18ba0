"""The engines behind the gateway: which are well, which has least to do, which is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

#: So many failures in a row open an engine's circuit: it is asked nothing for a while (seconds),
#: twice as long each time up to the most, until a look at its health finds it well.
FAILURES, FIRST_PAUSE, LONGEST_PAUSE = 3, 1.0, 60.0


@dataclass
class Upstream:
    """One engine."""

    url: str
    #: Requests that it is answering.
    outstanding: int = 0
    #: What the last look at its health found; nobody has looked yet at the start.
    is_healthy: bool = False
    #: The models that it serves.
    models: frozenset[str] = frozenset()
    _failures: int = 0
    _pause: float = FIRST_PAUSE
    _closed_until: float = 0.0

    def is_open(self, now: float) -> bool:
        """Tell whether it may be asked."""
        return self.is_healthy and now >= self._closed_until

    def succeeded(self) -> None:
        """Take notice of an answer."""
        self._failures, self._pause = 0, FIRST_PAUSE

    def failed(self, now: float) -> None:
        """Take notice of no answer: after some in a row it is left alone for a while."""
        self._failures += 1
        if self._failures >= FAILURES:
            self._closed_until = now + self._pause
            self._pause = min(LONGEST_PAUSE, 2 * self._pause)
            # The next request after the pause is a try; one more failure closes it again.
            self._failures = FAILURES - 1


@dataclass
class Pool:
    """All engines."""

    upstreams: Sequence[Upstream]
    _turn: int = field(default=0)

    def pick(self, now: float, but: Sequence[Upstream] = ()) -> Upstream | None:
        """Return the engine with the fewest requests, in turn where several have as few.

        Args:
            now: the time in seconds.
            but: engines that were asked already.
        """
        able = [each for each in self.upstreams if each.is_open(now) and each not in but]
        if not able:
            return None
        fewest = min(each.outstanding for each in able)
        idle = [each for each in able if each.outstanding == fewest]
        self._turn += 1
        return idle[self._turn % len(idle)]

    def is_ready(self, now: float) -> bool:
        """Tell whether some engine may be asked."""
        return any(each.is_open(now) for each in self.upstreams)

    @property
    def models(self) -> frozenset[str]:
        """The models that some engine serves."""
        return frozenset(model for each in self.upstreams for model in each.models)
