"""The view in a terminal: frame by frame, at several sizes, through all that servers do."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from llmstack.top.columns import columns
from tests.stack.top.page_server import Servers, refusal, servers, text
from tests.stack.top.pages import lines
from tests.stack.top.virtual_terminal import VirtualTerminal

ROOT = Path(__file__).resolve().parents[3]
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


@pytest.fixture
def served() -> Iterator[Servers]:
    with servers() as found:
        yield found


def top(host: str, width: int, height: int, *more: str, **variables: str) -> VirtualTerminal:
    """The view of a server, ten times a second."""
    command = [sys.executable, "-m", "llmstack", "top", "--url", host, "--interval", "0.1", *more]
    own = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}  # fmt: skip
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}"}
    return VirtualTerminal(command, width, height, {**own, **path, **variables})


def has_rates(screen: list[str]) -> bool:
    return any("▁" in line or "█" in line for line in screen)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 30), (200, 50)])
def test_columns_never_shift(width: int, height: int, served: Servers) -> None:
    """Over many frames with figures of all lengths, each column stands below its heading."""
    seen: list[list[str]] = []
    with top(served.serve(text(Restless().page)), width, height) as terminal:
        screen = terminal.wait_for(has_rates, "there are rates")
        for _ in range(12):
            last, seen = screen, [*seen, screen]
            screen = terminal.wait_for(lambda now, last=last: has_rates(now) and now[1] != last[1], "another frame")  # type: ignore[misc]  # fmt: skip
        code = terminal.interrupt()
    there, begin, gaps = columns(width), 0, []
    for column in there[:-1]:
        begin += column.width
        gaps.append(begin)
        begin += 1

    assert 0 == code
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
    with top(served.serve(text(Restless().page)), 120, 30, "--interval", "600") as terminal:
        terminal.wait_for(lambda screen: "rates follow" in screen[1], "the first frame")
        terminal.resize(46, 8)
        narrow = terminal.wait_for(lambda screen: "MODEL" in "".join(screen) and "SOURCE" not in "".join(screen), "a narrow frame")  # fmt: skip
        terminal.resize(80, 24)
        usual = terminal.wait_for(lambda screen: "SOURCE" in screen[3], "a usual frame")
        code = terminal.interrupt()

    assert re.search(r"\d\d:\d\d:\d\d$", narrow[0])
    assert "beyond all buckets" in "".join(usual)
    assert 0 == code


def test_a_server_that_dies_and_comes_back(served: Servers) -> None:
    """Is told of in a line for as long, and the rest goes on."""
    restless = Restless()
    host = served.serve(text(restless.page))
    with top(host, 80, 24) as terminal:
        terminal.wait_for(has_rates, "there are rates")
        served.change(0, refusal(500))
        down = terminal.wait_for(lambda screen: "status 500" in "".join(screen), "it is told of")
        served.change(0, text(restless.page))
        back = terminal.wait_for(lambda screen: "status 500" not in "".join(screen) and has_rates(screen), "it is back")  # fmt: skip
        code = terminal.interrupt()

    assert f"http://{host}/metrics: status 500" in [line.rstrip() for line in down]
    assert "nothing could be read" in [line.rstrip() for line in down]
    assert any("vllm" in line for line in back)
    assert 0 == code


def test_ctrl_c_leaves_the_terminal_as_it_was(served: Servers) -> None:
    """The other screen is left, the cursor is there, and nothing is said."""
    with top(served.serve(text(Restless().page)), 80, 24) as terminal:
        terminal.wait_for(has_rates, "there are rates")
        code = terminal.interrupt()
        end = terminal.written[terminal.written.rindex(b"\x1b[?1049l") :]

    assert 0 == code
    assert b"\x1b[?1049h" in terminal.written
    assert b"\x1b[?25h" in terminal.written[terminal.written.rindex(b"\x1b[?25l") :]
    assert b"" == re.sub(rb"\x1b\[\??[0-9;]*[a-zA-Z]|\s|\^C", b"", end)


@pytest.mark.parametrize("is_coloured", [True, False])
def test_colours_may_be_turned_off(is_coloured: bool, served: Servers) -> None:
    """With NO_COLOR, as programs agree on."""
    variables = {} if is_coloured else {"NO_COLOR": "1"}
    with top(served.serve(text(Restless().page)), 80, 24, **variables) as terminal:
        terminal.wait_for(has_rates, "there are rates")
        terminal.interrupt()

    assert is_coloured == (COLOUR.search(terminal.written) is not None)
