"""The screen: whole lines at their places, colours where there are any, and all put back."""

from __future__ import annotations

from typing import TextIO

import pytest
from rich.segment import Segment
from rich.style import Style

from llmstack.terminal.screen import Screen, can_draw
from tests.stack.terminal.paper import Paper

BOLD_RED = Style(color="red", bold=True)


@pytest.fixture(autouse=True)
def xterm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLORTERM", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def said(terminal: Paper, *lines: list[Segment], width: int = 4, height: int = 2) -> str:
    with Screen(terminal) as screen:
        screen.show([screen.text(line, width) for line in lines], width, height)
    return terminal.written()


def test_lines_fill_the_screen() -> None:
    """Short ones are filled, long ones cut, missing ones empty, and those too many left out."""
    inn, mountains = [Segment("inn")], [Segment("moun"), Segment("tains")]

    assert "\x1b[Hinn \r\nmoun\x1b[?7h" in said(Paper(), inn, mountains)
    assert "\x1b[Hinn \r\n    \x1b[?7h" in said(Paper(), inn)
    assert "\x1b[Hinn \x1b[?7h" in said(Paper(), inn, mountains, height=1)


def test_the_screen_is_taken_and_left() -> None:
    """Also when an exception passes through; the cursor and wrapping come back with it."""
    terminal = Paper()
    with pytest.raises(KeyError), Screen(terminal):
        raise KeyError("inn")

    begin, end = "\x1b[?1049h\x1b[H\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
    assert f"{begin}{end}" == terminal.written()


def test_a_screen_is_left_once() -> None:
    """Whoever closes it again changes nothing."""
    terminal = Paper()
    with Screen(terminal) as screen:
        screen.close()

    assert 1 == terminal.written().count("\x1b[?1049l")


@pytest.mark.parametrize(
    ("variables", "drawn"),
    [
        ({}, "\x1b[1;31minn\x1b[0m"),
        ({"NO_COLOR": "1"}, "\x1b[1minn\x1b[0m"),
        ({"TERM": "xterm"}, "\x1b[1;31minn\x1b[0m"),
    ],
)
def test_colours_are_those_that_are_wanted(
    variables: dict[str, str], drawn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR leaves what is bold."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert f"{drawn} \r\n" in said(Paper(), [Segment("inn", BOLD_RED)])


@pytest.mark.parametrize(
    ("file", "term", "can"),
    [
        (Paper("utf-8"), "xterm", True),
        (Paper("UTF-8"), "linux", True),
        (Paper("utf-8", is_terminal=False), "xterm", False),
        (Paper("utf-8"), "dumb", False),
        (Paper("utf-8"), "", False),
        (Paper("iso-8859-1"), "xterm", False),
    ],
)
def test_not_everything_can_be_drawn_on(
    file: TextIO, term: str, can: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has to be a terminal, one that can do more than lines, and to have braille."""
    monkeypatch.setenv("TERM", term)

    assert can is can_draw(file)
