"""A terminal that is not there: a program runs in it, and what it draws is seen frame by frame."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyte
from rich.cells import cell_len

ROOT = Path(__file__).resolve().parents[3]
#: What a frame begins with, what stands behind the last one, what leaves the screen, and
#: what we say ourselves when the program has ended.
HOME, LAST, LEAVES, END = b"\x1b[H", b"\x1b[?7h", b"\x1b[?1049l", b"\x00"
#: Seconds from one look whether the program has ended to the next, while it says nothing.
_LOOKS = 0.05
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: Of the environment nothing about terminals comes in, nor about where colours are wanted; nor
#: PYTHONUNBUFFERED: without a buffer Python drops what a busy terminal did not take at once.
_NOT_INHERITED = (
    "TERM",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLORTERM",
    "TTY_COMPATIBLE",
    "PYTHONUNBUFFERED",
)


@dataclass(frozen=True)
class Frame:
    """What was seen, and the bytes that drew it."""

    rows: Sequence[str]
    drawn: bytes

    @property
    def lines(self) -> list[str]:
        """The lines that were drawn, as they came."""
        return _CONTROL.sub("", self.drawn.decode()).replace("\r", "").split("\n")

    @property
    def widths(self) -> set[int]:
        """How many cells each of the lines that were drawn has."""
        return set(map(cell_len, self.lines))

    def row(self, holds: str) -> str:
        """The one row that holds something."""
        (only,) = [row for row in self.rows if holds in row]
        return only


@dataclass
class Terminal:
    """The terminal of one program."""

    process: subprocess.Popen[bytes]
    #: Our end of it, and the program's.
    descriptor: int
    far: int
    width: int
    height: int
    said: bytes = b""
    frames: list[Frame] = field(default_factory=list)
    _pending: bytes = b""
    _is_marked: bool = False

    def __post_init__(self) -> None:
        self._screen = pyte.Screen(self.width, self.height)
        self._stream = pyte.ByteStream(self._screen)

    def resize(self, width: int, height: int) -> None:
        """Change its size, as somebody does who pulls at its window."""
        self.width, self.height = width, height
        self._screen.resize(height, width)
        termios.tcsetwinsize(self.descriptor, (height, width))
        self.process.send_signal(signal.SIGWINCH)

    def watch(self, until: Callable[[Frame], bool]) -> Frame:
        """Read until a frame is as it is waited for, and return it."""
        begin = len(self.frames)
        while self._read():
            for frame in self.frames[begin:]:
                if until(frame):
                    return frame
            begin = len(self.frames)
        raise AssertionError(f"the program ended before that was seen:\n{self.said.decode()}")

    def hear(self, words: bytes) -> None:
        """Read until the program has said something."""
        while words not in self.said:
            assert self._read(), f"the program ended before it was said:\n{self.said.decode()}"

    def rest(self) -> str:
        """Read until the program has ended, and return what it said after its last frame."""
        while self._read():
            pass
        self.process.wait()
        return self.said.rpartition(LEAVES)[2].removesuffix(END).decode().replace("\r", "")

    def _read(self) -> bool:
        """Read some, and tell whether there may be more."""
        if self.said.endswith(END):
            return False
        # Whether it has ended is asked first, so that what it said before that is in the terminal.
        has_ended = self.process.poll() is not None
        if not select.select([self.descriptor], [], [], _LOOKS)[0]:
            # The kernel may still pass on what it said; a mark comes behind all of that.
            if has_ended and not self._is_marked:
                os.write(self.far, END)
                self._is_marked = True
            return True
        found = os.read(self.descriptor, 65536)
        self.said += found
        self._pending += found
        while True:
            ends = [at for mark in (HOME, LAST) if (at := self._pending.find(mark, 1)) > 0]
            if not ends:
                break
            self._see(self._pending[: min(ends)])
            self._pending = self._pending[min(ends) :]
        if self._is_whole():
            self._see(self._pending)
            self._pending = b""
        return True

    def _is_whole(self) -> bool:
        """Whether all of a frame is there, so that nobody waits for the next one to see it."""
        last = _CONTROL.sub("", self._pending.rpartition(b"\n")[2].decode(errors="replace"))
        has_all = self._pending.count(b"\n") == self.height - 1 and "\x1b" not in last
        return has_all and self._pending.startswith(HOME) and cell_len(last) == self.width

    def _see(self, drawn: bytes) -> None:
        self._stream.feed(drawn)
        # Taking the screen goes to its corner too, and draws no line.
        if drawn.startswith(HOME) and b"\n" in drawn:
            self.frames.append(Frame(list(self._screen.display), drawn))


def ours() -> dict[str, str]:
    """The environment of a program of this checkout, in a terminal of 256 colours."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return {**inherited, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}", "TERM": "xterm-256color"}


@contextmanager
def terminal(
    words: Sequence[str], width: int, height: int, environment: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """Run a program in a terminal; it is ended where it has not done so itself."""
    near, far = pty.openpty()
    termios.tcsetwinsize(far, (height, width))
    process = subprocess.Popen(
        words,
        stdin=far,
        stdout=far,
        stderr=far,
        env={**ours(), **(environment or {})},
    )
    try:
        # The far end stays open here: with the last that closes it, what nobody has read may go.
        yield Terminal(process, near, far, width, height)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        os.close(near)
        os.close(far)
