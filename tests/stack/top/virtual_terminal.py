"""A terminal that exists in memory alone: a program runs in it, and what it shows can be read."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType

import pyte

from tests.live.process import wait_until

#: Seconds until what is waited for must be shown: a busy machine starts programs slowly.
PATIENCE = 60.0


class VirtualTerminal:
    """Runs a command until the block ends."""

    def __init__(
        self, command: Sequence[str], width: int, height: int, environment: Mapping[str, str]
    ) -> None:
        self.screen = pyte.Screen(width, height)
        self.written = b""
        self._stream = pyte.ByteStream(self.screen)
        self._ours, theirs = pty.openpty()
        self._set_size(width, height)
        self._process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
            # It is told of a change of size only where the terminal is its own.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)

    def __enter__(self) -> VirtualTerminal:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:  # fmt: skip
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)

    @property
    def lines(self) -> list[str]:
        """What is on the screen, after reading all that was written."""
        while select.select([self._ours], [], [], 0)[0] and self._read():
            pass
        return list(self.screen.display)

    def wait_for(self, condition: Callable[[list[str]], object], what: str) -> list[str]:
        """Wait until a screen is as it should be, and return it."""
        return wait_until(lambda: found if condition(found := self.lines) else None, within=PATIENCE, what=what)  # fmt: skip

    def resize(self, width: int, height: int) -> None:
        """Become larger or smaller; the kernel tells the program."""
        self.screen.resize(height, width)
        self._set_size(width, height)

    def interrupt(self) -> int:
        """Press Ctrl-C; return what the program exits with when all it has written is read."""
        os.write(self._ours, b"\x03")
        while self._read():
            pass
        return self._process.wait(PATIENCE)

    def _read(self) -> bool:
        written = b""
        # The other end is gone when the program is.
        with suppress(OSError):
            written = os.read(self._ours, 65_536)
        self.written += written
        self._stream.feed(written)
        return bool(written)

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
