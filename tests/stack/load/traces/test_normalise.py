"""Rows of a source come out as they are, in order, with seconds from the first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.errors import ConfigurationError
from llmstack.load.traces import normalise, source
from llmstack.load.traces.rows import TraceRow, open_trace
from tests.stack.load.traces import files
from tests.stack.load.traces.published import published

START = datetime(2024, 5, 12, 23, 59, 57, tzinfo=UTC)
TOKENS = st.integers(0, 999_999_999)
#: Microseconds after the start within which any order is put right, and tokens.
ROWS = st.lists(st.tuples(st.integers(0, 59_000_000), TOKENS, TOKENS), min_size=1, max_size=60)


def rows(path: Path, limit: int | None = None) -> list[TraceRow]:
    return list(open_trace(path, limit=limit, uses_cache=False).rows())


@given(ROWS, st.booleans(), st.integers(20, 200))
def test_what_comes_out_is_what_went_in(
    went_in: list[tuple[int, int, int]], is_of_2023: bool, block: int
) -> None:
    """Of both years, wherever the blocks end that are read; equal times keep their order."""
    lines = [
        f"{stamp(at)}0,{prompt},{answer}" if is_of_2023 else f"{START + timedelta(microseconds=at)},{prompt},{answer}"
        for at, prompt, answer in went_in
    ]  # fmt: skip
    in_order = sorted(went_in, key=lambda row: row[0])
    first = in_order[0][0]
    expected = [(round((at - first) / 1e6, 6), *tokens, "", "") for at, *tokens in in_order]

    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK", block)
        write = files.azure_2023 if is_of_2023 else files.azure
        path = write(Path(folder) / "trace.csv", lines)
        kept = list(open_trace(path).rows())

        assert expected == rows(path) == kept


def stamp(microseconds: int) -> str:
    at = START.replace(tzinfo=None) + timedelta(microseconds=microseconds)
    return at.isoformat(" ", "microseconds")


@given(ROWS, st.integers(1, 70))
def test_a_limit_takes_the_first_rows_of_the_file(
    went_in: list[tuple[int, int, int]], limit: int
) -> None:
    """In the order in which they stand there."""
    lines = [f"{START + timedelta(microseconds=at)},{prompt},{answer}" for at, prompt, answer in went_in]  # fmt: skip

    with TemporaryDirectory() as folder:
        path = files.azure(Path(folder) / "trace.csv", lines)
        first = files.azure(Path(folder) / "first.csv", lines[:limit])

        assert rows(first) == rows(path, limit)


def test_a_row_later_than_the_window_is_refused(tmp_path: Path) -> None:
    """File and line are named, and how late it is; one within the window is put in order."""
    late = normalise.WINDOW + 1
    lines = [f"{START + timedelta(seconds=at)},1,1" for at in (0, 1, 5 + late, 6 + late, 6, 5)]
    path = files.azure(tmp_path / "trace.csv", lines)

    with pytest.raises(ConfigurationError) as raised:
        rows(path)

    assert (
        f"{path}:7: expected rows in the order of their time, 60 s of jitter at most (sort the file "
        "first), got 'a row 62 s before an earlier one'"
    ) == str(raised.value)
    assert 5 == len(rows(path, 5))


def test_a_second_that_is_written_is_closed(tmp_path: Path) -> None:
    """A row of that same second comes too late as well."""
    lines = [f"{START + timedelta(seconds=at)},1,1" for at in (0, 0, normalise.WINDOW + 1, 0)]

    with pytest.raises(ConfigurationError, match=":5: expected rows in the order of their time"):
        rows(files.azure(tmp_path / "trace.csv", lines))


@pytest.mark.parametrize("name", ["code", "conv"])
def test_the_published_traces_are_read_whole(name: str) -> None:
    """As many rows as the traces have, in order, with the numbers that are known of them."""
    path = published(f"AzureLLMInferenceTrace_{name}.csv")
    found = rows(path)
    lines = path.read_text().splitlines()[1:]
    tokens = [tuple(map(int, line.split(",")[1:])) for line in lines]
    first, last = (datetime.fromisoformat(line.split(",")[0]) for line in (lines[0], lines[-1]))

    assert {"code": 8819, "conv": 19366}[name] == len(found)
    assert tokens == [(prompt, answer) for _, prompt, answer, _, _ in found]
    assert all(before[0] < after[0] for before, after in pairwise(found))
    assert (last - first).total_seconds() == pytest.approx(found[-1][0], abs=1e-6)
