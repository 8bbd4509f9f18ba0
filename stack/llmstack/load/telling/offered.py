"""Counts what a plan offers, as it is taken: whether or not a place is free to send it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llmstack.load.planned import Planned


@dataclass
class Offered:
    """A plan, and how much of it was taken.

    Runs take a request when the one before it was due, so one counts when the next is taken.
    """

    plan: Iterable[Planned]
    requests: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    #: The one that was taken and is not counted yet.
    _last: Planned | None = None

    def __iter__(self) -> Iterator[Planned]:
        """Yield the plan; there is one run of it."""
        for planned in self.plan:
            self._count()
            self._last = planned
            yield planned
        self._count()

    def settle(self, requests: int) -> None:
        """Count the last one, too, if so many were due in all."""
        if self.requests < requests:
            self._count()

    def _count(self) -> None:
        if self._last is not None:
            self.requests += 1
            self.prompt_tokens += self._last.prompt_tokens
            self.answer_tokens += self._last.answer_tokens
            self._last = None
