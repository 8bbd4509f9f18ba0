"""The table: columns that keep their places whatever stands in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from llmstack.load.view import table
from llmstack.load.view.readings import Reading, reading
from llmstack.terminal.intensity import LEVELS, QUIET
from llmstack.terminal.screen import Line
from tests.stack.load.view.made import busy, second

RATES = st.floats(0, 1e13)
TIMES = st.none() | st.floats(0, 1e5)
READINGS = st.builds(
    Reading,
    at=st.floats(0, 360_000),
    sent=RATES, answered=RATES, failed=RATES, under_way=RATES, bytes_sent=RATES, bytes_received=RATES,
    e2e_p95=TIMES, e2e_p99=TIMES, ttft_p95=TIMES, tpot_p95=TIMES, prompt_tokens=RATES, answer_tokens=RATES,
)  # fmt: skip


def text(line: Line) -> str:
    return "".join(segment.text for segment in line)


@given(READINGS, st.integers(1, 300))
def test_columns_never_move(found: Reading, width: int) -> None:
    """A line is as wide as its head, and no wider than the terminal but for the time."""
    heads = [cell_len(text(line)) for line in table.head(width)]
    (line,) = table.rows([found], 1, width, found)

    assert {cell_len(text(line))} == set(heads)
    assert heads[0] <= max(width, 8)


def test_a_cell_stands_under_its_head() -> None:
    """At its right end, and in the order of the head."""
    upper, lower = map(text, table.head(80))
    (line,) = table.rows([reading(second(119))], 1, 80, reading(second(119)))

    assert [
        "          sent answ. fail. under    TX    RX   E2E   E2E  TTFT  TPOT tok/s tok/s",
        "    time    /s    /s    /s   way   B/s   B/s   p95   p99   p95   p95    in   out",
        " 0:02:00    73    52     2   110  315k 4.23M 2.59s 3.15s 190ms  16ms 54.9k 11.4k",
    ] == [upper, lower, text(line)]


def test_lines_that_are_not_there_yet_are_empty() -> None:
    """The newest stands at the bottom, and older ones than fit are left out."""
    all_of = [reading(second(number)) for number in range(5)]
    few = [text(line)[:8] for line in table.rows(all_of[:2], 4, 80, all_of[1])]
    many = [text(line)[:8] for line in table.rows(all_of, 3, 80, all_of[4])]

    assert ["", "", " 0:00:01", " 0:00:02"] == few
    assert [" 0:00:03", " 0:00:04", " 0:00:05"] == many


def styles(found: Reading, largest: Reading) -> dict[str, Any]:
    (line,) = table.rows([found], 1, 80, largest)
    names = ("time", "sent", "answered", "failed", "under way", "tx", "rx")
    return {name: segment.style for name, segment in zip(names, line, strict=False)}


def test_bytes_are_coloured_by_how_many_they_are() -> None:
    """Of the most that was seen; nothing is quiet."""
    largest = reading(busy(bytes_sent=600, bytes_received=6000))
    found = styles(reading(busy(bytes_sent=600, bytes_received=2500)), largest)
    nothing = styles(reading(busy()), largest)

    assert (LEVELS[5], LEVELS[2]) == (found["tx"], found["rx"])
    assert (QUIET, QUIET) == (nothing["tx"], nothing["rx"])


def test_failures_stand_out() -> None:
    """In red; none are as plain as what went well."""
    well, ill = (styles(reading(busy(failed=n)), reading(busy(failed=1))) for n in (0, 1))

    assert well["failed"] is None
    assert "red" in str(ill["failed"])


def test_an_interval_in_which_nothing_ended_has_no_latency() -> None:
    """It has a dash, and not a 0 that nobody measured."""
    (line,) = table.rows([replace(reading(busy()), at=1.0)], 1, 80, reading(busy()))

    assert " 0:00:01     0     0     0     0     0     0     –     –     –     –     0     0" == text(line)  # fmt: skip
