"""The outlet: whoever writes never waits for a terminal that does not read."""

from __future__ import annotations

import threading
from typing import BinaryIO

from llmstack.terminal.outlet import Outlet
from tests.stack.terminal.paper import Bytes, Paper


class Stopped(Bytes):
    """Takes bytes only when it is told to, as one that was stopped by Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.reads, self.is_asked, self.is_gone = threading.Event(), threading.Event(), False

    def write(self, data: bytes) -> int:  # type: ignore[override]  # of all that bytes can be, it is given these
        self.is_asked.set()
        self.reads.wait()
        if self.is_gone:
            raise OSError(5, "Input/output error")
        return super().write(data)


class Terminal(Paper):
    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.stopped = Stopped()

    @property
    def buffer(self) -> BinaryIO:
        return self.bytes


def test_text_comes_in_order_and_whole() -> None:
    """What was written between two flushes is one piece."""
    terminal = Terminal()
    terminal.stopped.reads.set()
    outlet = Outlet(terminal)
    for number in range(100):
        outlet.write(f"{number} ")
        if number % 3 == 0:
            outlet.flush()
    outlet.close()

    assert " ".join(map(str, range(100))) == terminal.written().strip()


def test_one_can_wait_until_all_was_taken() -> None:
    """What was written and not passed on yet, too."""
    terminal = Terminal()
    terminal.stopped.reads.set()
    outlet = Outlet(terminal)
    outlet.write("inn")
    outlet.settle()

    assert (1, 1, "inn") == (outlet.passed_on, outlet.taken, terminal.written())
    outlet.close()


def test_nobody_waits_for_a_terminal_that_does_not_read() -> None:
    """Writing returns at once; it is known that the terminal is behind, until it has read."""
    terminal = Terminal()
    outlet = Outlet(terminal)
    outlet.write("inn")
    outlet.flush()
    terminal.stopped.is_asked.wait()
    before = (outlet.passed_on, outlet.taken)
    terminal.stopped.reads.set()
    outlet.close()

    assert [(1, 0), (1, 1), "inn"] == [
        before,
        (outlet.passed_on, outlet.taken),
        terminal.written(),
    ]


def test_others_may_write_when_all_was_taken() -> None:
    """Closing waits for a while only, and what comes next waits as long as it takes."""
    terminal = Terminal()
    outlet = Outlet(terminal)
    outlet.write("inn")
    outlet.close()
    before = terminal.written()
    terminal.stopped.reads.set()
    outlet.wait()

    assert ["", "inn"] == [before, terminal.written()]


def test_a_terminal_that_is_gone_is_no_fault() -> None:
    """Nothing is raised in whoever writes; what comes later is dropped."""
    terminal = Terminal()
    terminal.stopped.is_gone = True
    terminal.stopped.reads.set()
    outlet = Outlet(terminal)
    for text in ("inn", "barn"):
        outlet.write(text)
        outlet.flush()
    outlet.close()

    assert [2, 0, ""] == [outlet.passed_on, outlet.taken, terminal.written()]


def test_a_terminal_that_takes_little_gets_all() -> None:
    """As much as it takes at once, until nothing is left."""
    paper = Paper()
    paper.bytes.at_once = 3
    outlet = Outlet(paper)
    outlet.write("inns and barns, ⣿⣿⣿")
    outlet.close()

    assert "inns and barns, ⣿⣿⣿" == paper.written()


def test_it_is_what_it_stands_for() -> None:
    """Whoever asks whether it is a terminal, and in which encoding, is told of the terminal."""
    terminal = Terminal()
    terminal.stopped.reads.set()
    outlet = Outlet(terminal)
    outlet.close()

    assert [True, "utf-8"] == [outlet.isatty(), outlet.encoding]
