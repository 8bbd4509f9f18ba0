"""The view in a terminal: frame by frame, at several sizes, through all that servers do."""

from __future__ import annotations

import re
import signal
import sys
from contextlib import AbstractContextManager
from itertools import count

import pytest

from llmstack.top.columns import columns
from tests.stack.page_server import Servers, refusal, text
from tests.stack.terminal.virtual import LEAVES, Frame, Terminal, terminal
from tests.stack.top.pages import lines

#: Of colours, bright ones and those of 256; bold and dim are none.
COLOUR = re.compile(rb"\x1b\[([0-9]+;)*(3[0-8]|9[0-7])[;m]")
#: From nothing to more than any server has: no two frames are of the same width.
GROWTH = (0, 3, 40, 1_234, 9_999, 123_456, 7_654_321, 5_000_000_000)


class Restless:
    """A server whose figures are of another length each time it is asked."""

    def __init__(self) -> None:
        self._asked, self._tokens, self._requests = count(), 0.0, [0.0, 0.0]

    def page(self) -> str:
        number = next(self._asked)
        size = GROWTH[number % len(GROWTH)]
        self._tokens += size
        self._requests[number % 2] += 10
        quick, slow = self._requests
        return lines(
            {
                f"vllm:{name}{{model_name=\"{model}\"{more}}}": value
                for model in ("m", "an/organisation/with-a-long-name/and-a-model-with-a-longer-one")
                for name, more, value in (
                    ("num_requests_running", "", size),
                    ("num_requests_waiting", "", size if number % 3 else 0),
                    ("kv_cache_usage_perc", "", (number % 11) / 10),
                    ("generation_tokens_total", "", self._tokens),
                    ("time_to_first_token_seconds_bucket", ',le="0.001"', quick),
                    ("time_to_first_token_seconds_bucket", ',le="2560.0"', quick + slow),
                    ("time_to_first_token_seconds_bucket", ',le="+Inf"', quick + slow),
                )
            }
        )  # fmt: skip


def top(host: str, width: int, height: int, *more: str, **variables: str) -> AbstractContextManager[Terminal]:  # fmt: skip
    """The view of a server, ten times a second."""
    words = [sys.executable, "-m", "llmstack", "top", "--url", host, "--interval", "0.1", *more]
    return terminal(words, width, height, variables)


def interrupted(shown: Terminal) -> tuple[int, str]:
    """Press Ctrl-C; what it exits with, and what it says after its last frame."""
    shown.process.send_signal(signal.SIGINT)
    said = shown.rest()
    return shown.process.returncode, said


def has_rates(frame: Frame) -> bool:
    return any("▁" in row or "█" in row for row in frame.rows)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 30), (200, 50)])
def test_columns_never_shift(width: int, height: int, served: Servers) -> None:
    """Over many frames with figures of all lengths, each column stands below its heading."""
    with top(served.serve(text(Restless().page)), width, height) as shown:
        for _ in range(13):
            shown.watch(has_rates)
        code, _ = interrupted(shown)
    seen = [frame.rows for frame in shown.frames if has_rates(frame)]
    there, begin, gaps = columns(width), 0, []
    for column in there[:-1]:
        begin += column.width
        gaps.append(begin)
        begin += 1

    assert 0 == code
    assert {(width,)} == {tuple(frame.widths) for frame in shown.frames}
    assert {height} == {len(frame.lines) for frame in shown.frames}
    assert 1 == len({screen[3] for screen in seen})
    assert ["MODEL", "SOURCE", "TTFT", "TPOT", "E2E", "TOK/S", "RUN", "WAIT", "KV"] == seen[0][3].split()  # fmt: skip
    assert 1 < len({screen[5] for screen in seen})
    for screen in seen:
        for row in (screen[3], *screen[5:7]):
            assert [" "] * len(gaps) == [row[gap] for gap in gaps], row
            assert width == len(row)
            assert row[begin:].strip()
        assert "m " == screen[6][:2]
        assert re.search(r"\d\d:\d\d:\d\d$", screen[0])


def test_another_size(served: Servers) -> None:
    """The view takes it at once, and loses columns and notes where it must."""
    with top(served.serve(text(Restless().page)), 120, 30, "--interval", "600") as shown:
        shown.watch(lambda frame: "rates follow" in frame.rows[1])
        shown.resize(46, 8)
        narrow = shown.watch(lambda frame: "MODEL" in "".join(frame.rows) and "SOURCE" not in "".join(frame.rows))  # fmt: skip
        shown.resize(80, 24)
        usual = shown.watch(lambda frame: "SOURCE" in frame.rows[3])
        code, _ = interrupted(shown)

    assert re.search(r"\d\d:\d\d:\d\d$", narrow.rows[0])
    assert "beyond all buckets" in "".join(usual.rows)
    assert 0 == code


def test_a_server_that_dies_and_comes_back(served: Servers) -> None:
    """Is told of in a line for as long, and the rest goes on."""
    restless = Restless()
    host = served.serve(text(restless.page))
    with top(host, 80, 24) as shown:
        shown.watch(has_rates)
        served.change(0, refusal(500))
        down = shown.watch(lambda frame: "status 500" in "".join(frame.rows))
        served.change(0, text(restless.page))
        back = shown.watch(lambda frame: "status 500" not in "".join(frame.rows) and has_rates(frame))  # fmt: skip
        code, _ = interrupted(shown)

    assert f"http://{host}/metrics: status 500" in [row.rstrip() for row in down.rows]
    assert "nothing could be read" in [row.rstrip() for row in down.rows]
    assert any("vllm" in row for row in back.rows)
    assert 0 == code


def test_ctrl_c_leaves_the_terminal_as_it_was(served: Servers) -> None:
    """The other screen is left, the cursor is there, and nothing is said."""
    with top(served.serve(text(Restless().page)), 80, 24) as shown:
        shown.watch(has_rates)
        told = interrupted(shown)

    assert (0, "") == told
    assert [1, 1] == [shown.said.count(mark) for mark in (b"\x1b[?1049h", LEAVES)]
    assert b"\x1b[?25h" in shown.said[shown.said.rindex(b"\x1b[?25l") :]


@pytest.mark.parametrize("is_coloured", [True, False])
def test_colours_may_be_turned_off(is_coloured: bool, served: Servers) -> None:
    """With NO_COLOR, as programs agree on."""
    variables = {} if is_coloured else {"NO_COLOR": "1"}
    with top(served.serve(text(Restless().page)), 80, 24, **variables) as shown:
        shown.watch(has_rates)
        interrupted(shown)

    assert is_coloured == (COLOUR.search(shown.said) is not None)


def test_a_terminal_that_can_draw_nothing_is_told_lines(served: Servers) -> None:
    """As where there is none: a dumb one would show what moves the cursor."""
    with top(served.serve(text(Restless().page)), 80, 24, TERM="dumb") as shown:
        shown.hear(b"MODEL")
        told = interrupted(shown)

    assert (0, False) == (told[0], "\x1b" in told[1])
