"""Recorded sessions: the commands in a terminal that is not there, seen frame by frame."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from llmstack.load.program import INTERRUPTED
from tests.stack.load.simulated import simulated
from tests.stack.terminal.virtual import LEAVES, Frame, Terminal, ours, terminal

LOAD = (sys.executable, "-m", "llmstack", "load", "--rate", "20", "--duration", "99", "--prompt-tokens", "const:20", "--answer-tokens", "const:5")  # fmt: skip
#: What a terminal is told before each colour, bright ones and those of 256 too.
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-7]|4[0-7]|9[0-7]|38;5;\d+|48;5;\d+)m")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with simulated() as url:
        yield url


def times(frame: Frame) -> list[str]:
    """The times in the table."""
    return [row[:8].strip() for row in frame.rows if re.match(r" *\d+:\d\d:\d\d ", row)]


def axes(frame: Frame) -> list[list[int]]:
    return [[at for at, cell in enumerate(row) if cell in "│┤└"] for row in frame.rows]


def heads(frame: Frame) -> list[tuple[int, str]]:
    return [(at, row) for at, row in enumerate(frame.rows) if ("TTFT" in row and "tok/s" in row) or row.startswith("    time ")]  # fmt: skip


def share(frame: Frame) -> float:
    (found,) = re.findall(r"(\d+\.\d)%", "\n".join(frame.rows))
    return float(found)


def seen(at: Terminal, count: int) -> None:
    """Watch until a table has so many lines."""
    at.watch(lambda frame: len(times(frame)) >= count)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_columns_never_shift(server: str, width: int, height: int) -> None:
    """From the first frame to the last each thing stands where it stood, and each line has its width."""
    with terminal([*LOAD, "--url", server], width, height) as shown:
        seen(shown, 3)
        shown.process.send_signal(signal.SIGINT)
        shown.rest()
    frames = shown.frames

    assert len(frames) >= 3
    assert {(width,)} == {tuple(frame.widths) for frame in frames}
    assert {height} == {len(frame.lines) for frame in frames}
    assert [axes(frames[0])] * len(frames) == [axes(frame) for frame in frames]
    assert any(axes(frames[0]))
    assert [heads(frames[0])] * len(frames) == [heads(frame) for frame in frames]
    assert 2 == len(heads(frames[0]))
    assert [share(frame) for frame in frames] == sorted(share(frame) for frame in frames)
    assert share(frames[-1]) > share(frames[0])


def test_a_replay_goes_by_the_time_of_its_trace(server: str, tmp_path: Path) -> None:
    """Its bar says how much of that has passed, and the figures are those of its requests."""
    trace = tmp_path / "trace.csv"
    rows = [f"2023-11-16 18:15:{number:02}.0000000,{20 + number},5" for number in range(60)]
    trace.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]))
    words = [sys.executable, "-m", "llmstack", "replay", "--csv", str(trace), "--no-cache", "--speedup", "2", "--url", server]  # fmt: skip
    with terminal(words, 80, 24) as shown:
        seen(shown, 2)
        shown.process.send_signal(signal.SIGINT)
        told = shown.rest()
    last = shown.frames[-1]

    assert "trace.csv at 2 times its speed" in last.rows[1]
    assert " of 0:00:29 " in last.rows[2]
    assert 0 < share(last) < 100
    assert "trace.csv asks for 60 requests" in shown.said.decode().partition("\x1b[?1049h")[0]
    assert "Interrupted: this is what was measured until then." in told


def test_failures_are_seen(server: str) -> None:
    """In the table, and below it by kind with what the last one was."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with terminal([*LOAD, "--url", server, "--url", dead], 120, 24) as shown:
            frame = shown.watch(lambda frame: "connection refused" in "\n".join(frame.rows))

    assert re.search(r"answered [1-9]\d*  .*  failed [1-9]\d*  connection refused [1-9]\d*  ", frame.row("connection refused"))  # fmt: skip
    assert server in frame.rows[0]


def test_a_new_size_leaves_no_remains(server: str) -> None:
    """It is drawn anew as soon as the size changes: larger, and smaller again."""
    with terminal([*LOAD, "--url", server], 80, 24) as shown:
        seen(shown, 1)
        for width, height in ((132, 43), (80, 24)):
            shown.resize(width, height)
            shown.watch(partial(has_size, width, height))
            # A frame of the size before may still have been on its way.
            again = shown.watch(partial(has_size, width, height))

            assert [row.rstrip() for row in again.lines] == [row.rstrip() for row in again.rows]


def has_size(width: int, height: int, frame: Frame) -> bool:
    return ({width}, height) == (frame.widths, len(frame.lines))


def test_no_color_is_kept_to(server: str) -> None:
    """Nothing has a colour then; else some do."""
    drawn = []
    for environment in ({"NO_COLOR": "1"}, {}):
        with terminal([*LOAD, "--url", server], 80, 24, environment) as shown:
            seen(shown, 1)
        drawn.append(b"".join(frame.drawn for frame in shown.frames))

    assert [False, True] == [COLOUR.search(each) is not None for each in drawn]


def test_ctrl_c_leaves_the_normal_screen_with_the_report(server: str, tmp_path: Path) -> None:
    """The cursor and wrapping come back, the report stands there, and results are written."""
    path = tmp_path / "a.json"
    with terminal([*LOAD, "--url", server, "--output", str(path)], 80, 24) as shown:
        seen(shown, 1)
        shown.process.send_signal(signal.SIGINT)
        told = shown.rest()

    assert INTERRUPTED == shown.process.returncode
    assert [1, 1] == [shown.said.count(mark) for mark in (b"\x1b[?1049h", LEAVES)]
    assert b"\x1b[?7h\x1b[?25h\x1b[?1049l" in shown.said
    assert told.startswith(("Interrupted: ", "NOT TO BE TRUSTED: "))
    assert "Interrupted: this is what was measured until then.\n" in told
    assert "\x1b" not in told
    assert json.loads(path.read_text())["is_interrupted"]


def test_ctrl_z_gives_the_terminal_back(server: str) -> None:
    """What stood there comes back while the program is stopped, and the view when it goes on."""
    with terminal([*LOAD, "--url", server], 80, 24) as shown:
        seen(shown, 1)
        shown.process.send_signal(signal.SIGTSTP)
        shown.hear(LEAVES)
        os.waitid(os.P_PID, shown.process.pid, os.WSTOPPED)
        before = len(shown.frames)
        shown.process.send_signal(signal.SIGCONT)
        shown.watch(lambda _: len(shown.frames) > before)
        shown.process.send_signal(signal.SIGINT)
        told = shown.rest()

    assert [2, 2] == [shown.said.count(mark) for mark in (b"\x1b[?1049h", LEAVES)]
    assert "Interrupted: this is what was measured until then.\n" in told


def test_an_end_that_comes_by_itself_leaves_the_screen_too(server: str) -> None:
    """And the report is all that stands there: no line was said meanwhile."""
    words = [sys.executable, "-m", "llmstack", "load", "--url", server, "--concurrency", "2", "--total", "9", "--prompt-tokens", "const:20", "--answer-tokens", "const:5"]  # fmt: skip
    with terminal(words, 80, 24) as shown:
        told = shown.rest()

    assert b"\x1b[?25h\x1b[?1049l" in shown.said
    assert "Requests: 9 answered, 0 failed\n" in told
    assert " 0 of 9 requests" in shown.frames[0].rows[2]


def test_a_search_shows_each_rate(server: str) -> None:
    """What came of it stands where the command was given."""
    words = [*LOAD[:4], "--find-max-rate", "--slo", "e2e_p50=0.001ms", "--rate", "40", "--duration", "0.1", "--prompt-tokens", "const:20", "--answer-tokens", "const:5", "--url", server]  # fmt: skip
    with terminal(words, 80, 24) as shown:
        shown.watch(lambda frame: " at 10/s" in frame.rows[1])
        shown.process.send_signal(signal.SIGINT)
        told = shown.rest()
    said = shown.said.decode()

    assert INTERRUPTED == shown.process.returncode
    assert [" at 40/s", " at 20/s", " at 10/s"] == list(dict.fromkeys(re.findall(r" at \d\d/s", "".join(frame.rows[1] for frame in shown.frames))))  # fmt: skip
    assert said.index("   40.00/s NOT ") < said.index("   20.00/s NOT ")
    assert "No rate was held" in told.splitlines()[-1]


def test_an_error_leaves_the_screen(server: str, tmp_path: Path) -> None:
    """And is told where the command was given."""
    path = tmp_path / "folder"
    path.mkdir()
    words = [sys.executable, "-m", "llmstack", "load", "--url", server, "--rate", "20", "--total", "2", "--answer-tokens", "const:5", "--output", str(path / "a" / "b.json")]  # fmt: skip
    (path / "a").write_text("a file, and no folder")
    with terminal(words, 80, 24) as shown:
        told = shown.rest()

    assert (1, True) == (shown.process.returncode, told.startswith("Error: "))
    assert "b.json: cannot write: " in told.replace("\n", "")


def test_a_terminal_that_does_not_read_holds_up_no_request(server: str, tmp_path: Path) -> None:
    """As one that was stopped by Ctrl-S: all is sent in time and written, and told when it reads."""
    path = tmp_path / "a.json"
    words = [*LOAD[:4], "--url", server, "--rate", "20", "--total", "30", "--prompt-tokens", "const:20", "--answer-tokens", "const:5", "--output", str(path)]  # fmt: skip
    with terminal(words, 200, 60) as shown:
        while not path.exists() and shown.process.poll() is None:
            time.sleep(0.05)
        told = shown.rest()

    assert 30 == json.loads(path.read_text())["requests"]["answered"]
    assert "Requests: 30 answered, 0 failed\n" in told


@pytest.mark.parametrize("more", [("--no-plot",), ()], ids=["no-plot", "dumb"])
def test_lines_are_said_where_nothing_is_drawn(server: str, more: Sequence[str]) -> None:
    """By --no-plot, and in a terminal that can do no more than lines."""
    dumb = {} if more else {"TERM": "dumb"}
    words = [sys.executable, "-m", "llmstack", "load", "--url", server, "--rate", "20", "--duration", "1.5", "--answer-tokens", "const:5", *more]  # fmt: skip
    with terminal(words, 80, 24, dumb) as shown:
        told = shown.rest()

    assert "\x1b" not in told
    assert re.match(r" +1\.\d s  sent +\d+\.\d/s  answered ", told)


def test_lines_are_said_where_there_is_no_terminal(server: str) -> None:
    """Into a pipe, as before there was a view."""
    words = [sys.executable, "-m", "llmstack", "load", "--url", server, "--rate", "20", "--duration", "1.5", "--answer-tokens", "const:5"]  # fmt: skip
    done = subprocess.run(words, env=ours(), capture_output=True, text=True, check=False)

    assert re.match(r" +1\.\d s  sent +\d+\.\d/s  answered ", done.stdout)
    assert "\x1b" not in done.stdout
