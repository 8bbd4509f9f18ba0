"""A limit on how long a stream may say nothing, which costs next to nothing while it speaks."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Idle:
    """Ends an `asyncio.timeout` when nothing was heard for so many seconds.

    A timer that is set anew for each token costs more than all that is read of it; this one looks
    once in a while when the last of them came.
    """

    def __init__(self, limit: asyncio.Timeout, seconds: float) -> None:
        """Remember what is ended."""
        self._limit, self._seconds = limit, seconds
        self._loop = asyncio.get_running_loop()
        #: When something was heard, by the loop's clock.
        self.heard = self._loop.time()
        #: Whether it is not listened to at the moment.
        self.is_busy = False

    def __enter__(self) -> Idle:
        """Begin to listen."""
        self._timer = self._loop.call_later(self._seconds, self._look)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        left = self._seconds if self.is_busy else self.heard + self._seconds - now
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._limit.reschedule(now)
