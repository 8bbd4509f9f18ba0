"""What goes to a terminal, written in a thread: a terminal that does not read holds up nobody else.

A terminal may be slow, or stopped by Ctrl-S, and a write to it then waits; in the loop that sends
requests, that would be the client's own lag.
"""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue
from typing import TextIO

#: Seconds until something else is done than waiting for a terminal that does not read.
_PATIENCE = 1.0
#: Seconds from one look whether it has taken all to the next.
_LOOK = 0.005


class Outlet:
    """What is asked of a text file, before the terminal's own."""

    def __init__(self, terminal: TextIO) -> None:
        """Begin to write to a terminal."""
        self._terminal, self.encoding = terminal, terminal.encoding
        self._parts: list[str] = []
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        #: Pieces that were passed on, and those that the terminal has taken.
        self.passed_on = self.taken = 0
        self._thread = threading.Thread(target=self._pass_on, name="terminal", daemon=True)
        self._thread.start()

    def isatty(self) -> bool:
        """Tell whether it is a terminal indeed."""
        return self._terminal.isatty()

    def fileno(self) -> int:
        """Return the terminal's descriptor."""
        return self._terminal.fileno()

    def write(self, text: str) -> int:
        """Take text, which goes on with the next `flush`."""
        self._parts.append(text)
        return len(text)

    def flush(self) -> None:
        """Pass on what was taken, in one piece and without waiting for it."""
        if self._parts:
            self.passed_on += 1
            self._waiting.put("".join(self._parts))
            self._parts.clear()

    def close(self) -> None:
        """Pass on what is left, and wait until the terminal has taken it or has had its time."""
        self.flush()
        self._waiting.put(None)
        self._thread.join(_PATIENCE)

    def settle(self) -> None:
        """Pass on what is left, and wait until the terminal has taken all or has had its time."""
        self.flush()
        end = time.monotonic() + _PATIENCE
        while self.taken < self.passed_on and time.monotonic() < end:
            time.sleep(_LOOK)

    def wait(self) -> None:
        """Wait until the terminal has taken all, after `close` and before others write to it."""
        self._thread.join()

    def _pass_on(self) -> None:
        while (text := self._waiting.get()) is not None:
            left = text.encode(self.encoding)
            try:
                while left:
                    # Without a buffer, as by PYTHONUNBUFFERED, less may be taken than was given.
                    left = left[self._terminal.buffer.write(left) :]
                self._terminal.buffer.flush()
            except (OSError, ValueError):
                # It is gone, and nobody sees what else would be written.
                return
            self.taken += 1
