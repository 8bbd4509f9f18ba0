"""The ways in which readings are shown: a full screen, lines of text, and lines of JSON."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol, TextIO

from rich.console import Console
from rich.text import Text

from llmstack.terminal.screen import Screen
from llmstack.top.columns import columns, heading
from llmstack.top.frame import (
    View,
    frame,
    legend,
    problems,
    rows,
    source_notes,
    summary,
)
from llmstack.top.json_lines import json_line

#: Lines from one heading to the next, where there is no screen.
HEADING_EVERY = 20
#: The width of lines that go to no terminal, unless COLUMNS says another.
WIDTH = 120


class Shown(Protocol):
    """Shows one view after the other."""

    def show(self, view: View) -> None:
        """Show it."""

    def resized(self) -> None:
        """Show it again, for the terminal has another size now."""


class FullScreen:
    """A screen that is drawn anew in its place."""

    def __init__(self, console: Console, screen: Screen) -> None:
        """Begin with nothing."""
        self._console, self._screen = console, screen
        self._view: View | None = None

    def show(self, view: View) -> None:
        """Draw it, unless the terminal has not yet taken what was drawn before."""
        self._view = view
        if not self._screen.is_behind:
            self.resized()

    def resized(self) -> None:
        """Draw what was shown last, as large as the terminal is now."""
        if self._view is not None:
            width, height = self._screen.size
            lines = [list(each.render(self._console)) for each in frame(self._view, width, height)]
            self._screen.show([self._screen.text(each, width) for each in lines], width, height)


class Lines:
    """A table below the other, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        """Begin without a heading."""
        self._console = console
        self._since_heading: int | None = None

    def show(self, view: View) -> None:
        """Write it: what is read at first, a heading where the last one is far above."""
        width = shutil.get_terminal_size((WIDTH, 24)).columns
        is_first, found = self._since_heading is None, rows(view, width)
        if is_first:
            self._write(Text(f"{view.what}  every {view.every:g} s  {view.reading.over}"))
        self._write(Text(f"{view.clock}  ").append_text(summary(view)))
        if self._since_heading is None or self._since_heading >= HEADING_EVERY:
            self._since_heading = 0
            self._write(*heading(columns(width)))
        self._since_heading += len(found)
        self._write(*found, *problems(view.reading, len(view.reading.problems)))
        if is_first and view.reading.rows:
            self._write(legend(), *source_notes(view.reading))

    def resized(self) -> None:
        """What is written stays as it is."""

    def _write(self, *lines: Text) -> None:
        for line in lines:
            line.rstrip()
            self._console.print(line, soft_wrap=True, highlight=False)


class JsonLines:
    """A line of JSON for each reading."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Write nothing yet."""
        self._say = say

    def show(self, view: View) -> None:
        """Write it."""
        self._say(json_line(view.reading, datetime.now().astimezone()))

    def resized(self) -> None:
        """It has no width."""


@contextmanager
def full_screen(console: Console, terminal: TextIO) -> Iterator[FullScreen]:
    """Take the terminal's other screen until the block ends; then what stood there is back."""
    with Screen(terminal) as screen:
        yield FullScreen(console, screen)
