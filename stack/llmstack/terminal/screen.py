"""A terminal's whole screen, drawn over and over; what stood there before comes back at the end.

rich knows the terminal and its colours. Its `Live` goes through all parts of a frame four times in
one go, which takes 5 ms of a screen of 200 cells by 60 lines; here lines become text one by one, as
they are made.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from types import TracebackType
from typing import IO, Self, TextIO, cast

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style

from llmstack.terminal.outlet import Outlet

#: What stands beside each other in one line of a terminal.
Line = list[Segment]

_COLOURS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}
#: To the upper left corner; no line goes on in the next one, also while the size changes.
_HOME, _NO_WRAP, _WRAP = "\x1b[H", "\x1b[?7l", "\x1b[?7h"


def can_draw(terminal: TextIO) -> bool:
    """Tell whether a file is a terminal on whose screen can be drawn."""
    is_dumb = os.environ.get("TERM", "") in ("", "dumb", "unknown")
    return terminal.isatty() and not is_dumb and terminal.encoding.lower() in ("utf-8", "utf8")


class Screen:
    """To be used with `with`, or to be closed, which also happens more than once."""

    def __init__(self, terminal: TextIO) -> None:
        """Take the screen."""
        self._outlet, self._is_open = Outlet(terminal), True
        #: With which piece of the outlet the last frame went.
        self._shown = 0
        # What it is was asked before; rich would ask the environment once more.
        self._console = Console(
            file=cast("IO[str]", self._outlet),
            force_terminal=True,
            force_interactive=True,
            legacy_windows=False,
        )
        self._colours = _COLOURS.get(self._console.color_system or "")
        self._ends = lru_cache(maxsize=256)(self._ends_of)
        self._take()
        #: Who is told of Ctrl-Z else. A thread that is not the main one can change nothing of it.
        self._before = signal.getsignal(signal.SIGTSTP)
        with suppress(ValueError):
            signal.signal(signal.SIGTSTP, self._pause)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave it."""
        self.close()
        self.wait()

    @property
    def size(self) -> tuple[int, int]:
        """Cells of a line, and lines, as they are now."""
        width, height = self._console.size
        return width, height

    @property
    def is_behind(self) -> bool:
        """Whether the terminal has not yet taken the frame that was shown last."""
        return self._outlet.taken < self._shown

    def text(self, line: Line, width: int) -> str:
        """Return a line as the terminal takes it, cut or filled to its width."""
        parts = []
        for segment in Segment.adjust_line_length(line, width):
            if segment.text:
                begin, end = self._ends(segment.style)
                parts.append(f"{begin}{segment.text}{end}")
        return "".join(parts)

    def show(self, lines: Sequence[str], width: int, height: int) -> None:
        """Draw lines over what stands there.

        Args:
            lines: from the top, each as `text` made it; those that do not fit are left out.
            width: cells of each.
            height: lines of the terminal.
        """
        empty = " " * width
        filled = [*lines[:height], *(empty for _ in range(height - len(lines)))]
        self._write(_HOME + "\r\n".join(filled))
        self._shown = self._outlet.passed_on

    def close(self) -> None:
        """Show what stood there before; nothing where that was done."""
        if self._is_open:
            self._is_open = False
            with suppress(ValueError):
                signal.signal(signal.SIGTSTP, self._before)
            self._leave()
            self._outlet.close()

    def wait(self) -> None:
        """Wait until the terminal shows what stood there before; only then may others write."""
        self._outlet.wait()

    def _take(self) -> None:
        self._console.set_alt_screen(True)
        self._console.show_cursor(False)
        self._write(_NO_WRAP)

    def _leave(self) -> None:
        self._write(_WRAP)
        self._console.show_cursor(True)
        self._console.set_alt_screen(False)

    def _pause(self, *_: object) -> None:
        """Give the terminal back while the program is stopped by Ctrl-Z, and take it again."""
        if self._is_open:
            self._leave()
            self._outlet.settle()
        os.kill(os.getpid(), signal.SIGSTOP)
        if self._is_open:
            self._take()

    def _write(self, text: str) -> None:
        self._outlet.write(text)
        self._outlet.flush()

    def _ends_of(self, style: Style | None) -> tuple[str, str]:
        """Return what stands before and behind text of a style."""
        if style is None:
            return "", ""
        shown = style.without_color if self._console.no_color else style
        begin, _, end = shown.render("…", color_system=self._colours).partition("…")
        return begin, end
