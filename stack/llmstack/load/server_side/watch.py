"""Looks at something again and again while a run runs, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from llmstack.load.server_side.sources import UnreadableError

#: Seconds from one look to the next: a look takes about a millisecond from the client.
EVERY = 1.0


class Watch:
    """Between `with` and its end, each is called every second; what cannot be read is counted."""

    def __init__(self, looks: Sequence[Callable[[], None]], every: float = EVERY) -> None:
        """Remember whom to call.

        Args:
            looks: each may raise UnreadableError.
            every: seconds.
        """
        self._looks, self._every = looks, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self.missed = 0

    def __enter__(self) -> Self:
        """Begin, where there is something to look at."""
        if self._looks:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End; a look that is under way is waited for."""
        self._over.set()
        if self._looks:
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            for look in self._looks:
                try:
                    look()
                except UnreadableError:
                    self.missed += 1
