"""Columns stand where they stand: for each width of a terminal, whatever is in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from llmstack.top.columns import columns, heading, line
from llmstack.top.figures import Figure, Role, Row
from tests.stack.top.made import ALL, QUIET

FIGURES = st.dictionaries(
    st.sampled_from(Figure), st.floats(0, 1e12) | st.just(float("nan")), max_size=8
)
ROWS = st.builds(Row, st.text(max_size=30), st.just(Role.ENGINE), st.text(max_size=60), FIGURES)


def headings(width: int) -> list[str]:
    return [column.heading for column in columns(width)]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (200, ["MODEL", "SOURCE", "TTFT", "TPOT", "E2E", "TOK/S", "", "RUN", "WAIT", "KV"]),
        (80, ["MODEL", "SOURCE", "TTFT", "TPOT", "E2E", "TOK/S", "", "RUN", "WAIT", "KV"]),
        (72, ["MODEL", "SOURCE", "TTFT", "TPOT", "E2E", "TOK/S", "RUN", "WAIT", "KV"]),
        (66, ["MODEL", "SOURCE", "TTFT", "TPOT", "E2E", "TOK/S", "WAIT", "KV"]),
        (60, ["MODEL", "SOURCE", "TTFT", "TPOT", "TOK/S", "WAIT", "KV"]),
        (46, ["MODEL", "TTFT", "TPOT", "TOK/S", "WAIT", "KV"]),
        (30, ["MODEL", "TTFT", "TOK/S"]),
        (1, ["MODEL", "TOK/S"]),
    ],
)
def test_which_there_are(width: int, expected: list[str]) -> None:
    """All of them from 80 on; below, what is needed least goes first."""
    assert expected == headings(width)


@pytest.mark.parametrize("width", [*range(19, 120), 200, 500])
def test_they_fit(width: int) -> None:
    """Into every terminal that has room for a model and its tokens; more room goes to the model first."""
    widths = [column.width for column in columns(width)]

    assert sum(widths) + len(widths) - 1 <= width
    assert columns(width)[0].width <= columns(width + 1)[0].width or len(columns(width)) < len(columns(width + 1))  # fmt: skip


@given(ROWS, st.sampled_from([30, 46, 66, 80, 120, 200]), st.lists(st.none() | st.floats(0, 1e6), max_size=40))  # fmt: skip
def test_no_row_is_wider_or_narrower(row: Row, width: int, past: list[float | None]) -> None:
    """Whatever a server calls its model, and whatever it tells: each column begins where its heading does."""
    there = columns(width)
    told = line(row, past, there).plain

    assert {cell_len(each.plain) for each in heading(there)} == {cell_len(told)}
    assert told.isprintable()


def test_a_row() -> None:
    """All that a server tells, one that tells little, and a name that is too long."""
    there, past = columns(80), [10.0, 20.0]

    assert "llama-3.1-8b  vllm           242ms 8.90ms   9.75s  12.3k     ▅█    12     3  93%" == line(ALL, past, there).plain  # fmt: skip
    assert "ensemble      triton             ·      –  ~1.25s      –            –     0    –" == line(QUIET, [], there).plain  # fmt: skip
    assert "meta-llama/L… " == line(Row("vllm", Role.ENGINE, "meta-llama/Llama-3.1-8B", {}), [], there).plain[:14]  # fmt: skip


def test_beyond_all_buckets() -> None:
    """A quantile at the last edge of the server's histogram is marked, and one near it is not."""
    ends, near = (Row("triton-vllm", Role.ENGINE, "m", {Figure.TTFT: value}) for value in (10.0, 9.99))  # fmt: skip

    assert " >10.0s " in line(ends, [], columns(80)).plain
    assert "  9.99s " in line(near, [], columns(80)).plain


@pytest.mark.parametrize(
    ("figure", "value", "style"),
    [
        (Figure.WAITING, 0, ""),
        (Figure.WAITING, 1, "yellow"),
        (Figure.WAITING, float("nan"), ""),
        (Figure.KV_CACHE, 0.9, ""),
        (Figure.KV_CACHE, 0.91, "bold red"),
    ],
)
def test_levels_have_colours(figure: Figure, value: float, style: str) -> None:
    """Requests that wait, and a cache that is nearly full."""
    there = columns(80)
    at = {Figure.WAITING: "WAIT", Figure.KV_CACHE: "KV"}[figure]
    cell = next(column for column in there if column.heading == at)
    row = Row("vllm", Role.ENGINE, "m", {figure: value})

    assert style == cell.tell(row, [], cell.width)[1]
