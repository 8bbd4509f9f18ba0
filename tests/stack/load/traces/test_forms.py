"""Which form a file has is told by its content, plain or gzipped, whatever it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmstack.errors import ConfigurationError
from llmstack.load.traces.forms import FORMS, form_of
from llmstack.load.traces.rows import TraceRow, open_trace
from llmstack.load.traces.source import Source
from tests.stack.load.traces import files


def rows(path: Path) -> list[TraceRow]:
    return list(open_trace(path, uses_cache=False).rows())


@pytest.mark.parametrize("name", ["trace.csv", "trace.csv.gz", "anything"])
def test_azure_2023(tmp_path: Path, name: str) -> None:
    """Naive stamps of 7 digits, ends of lines as Windows has them, none after the last row."""
    path = files.azure_2023(tmp_path / name)

    assert "azure" == form_of(Source(path)).name
    assert [
        (0.0, 4808, 10, "", ""),
        (0.052, 3180, 8, "", ""),
        (0.098189, 110, 27, "", ""),
        (2.52004, 7, 0, "", ""),
    ] == rows(path)


def test_azure_2024(tmp_path: Path) -> None:
    """An offset, 6 digits, and no fraction where it is zero."""
    path = files.azure(tmp_path / "trace.csv")

    assert "azure" == form_of(Source(path)).name
    assert [
        (0.0, 431, 104, "", ""),
        (0.031546, 2739, 95, "", ""),
        (0.997, 3189, 103, "", ""),
        (1.247, 803, 74, "", ""),
    ] == rows(path)


def test_azure_2025(tmp_path: Path) -> None:
    """The number of images says of what kind a prompt is."""
    header = "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens"
    path = files.written(tmp_path / "trace.csv.gz", (header, *files.MULTIMODAL))

    assert "azure-multimodal" == form_of(Source(path)).name
    assert [(0.0, 1500, 100, "image", ""), (0.876544, 20, 5, "text", "")] == rows(path)


def test_burstgpt(tmp_path: Path) -> None:
    """Seconds since the first day; a request that failed has an answer of no tokens."""
    path = files.written(tmp_path / "trace.csv", (files.BURSTGPT, *files.BURSTGPT_ROWS))

    assert "burstgpt" == form_of(Source(path)).name
    assert [
        (0.0, 472, 18, "ChatGPT Conversation log", ""),
        (40.0, 1087, 0, "ChatGPT Conversation log", ""),
        (113.0, 417, 276, "GPT-4 API log", ""),
    ] == rows(path)


def test_burstgpt_with_sessions(tmp_path: Path) -> None:
    """Newer files have more columns, and fractions of seconds."""
    row = "5.25,session-1,3.5,ChatGPT,472,18,490,Conversation log"
    path = files.written(tmp_path / "trace.csv", (files.BURSTGPT_NEWER, row))

    assert [(0.0, 472, 18, "ChatGPT Conversation log", "")] == rows(path)


def test_mooncake(tmp_path: Path) -> None:
    """Milliseconds, and blocks of 512 tokens that are named."""
    path = files.objects(tmp_path / "trace.jsonl", files.MOONCAKE)

    assert "mooncake" == form_of(Source(path)).name
    assert [
        (0.0, 1100, 52, "", "512:46-47 2353"),
        (3.053, 1030, 26, "", "512:46-48"),
    ] == rows(path)


def test_bailian(tmp_path: Path) -> None:
    """Seconds, conversations, and blocks of 16 tokens."""
    path = files.objects(tmp_path / "trace.jsonl", files.BAILIAN)

    assert "bailian" == form_of(Source(path)).name
    assert [
        (0.0, 40, 13, "text", "16:1089-1091"),
        (1.386, 60, 8, "file", "16:1089-1091 6"),
    ] == rows(path)


def test_the_mark_of_utf_8_is_no_part_of_the_header(tmp_path: Path) -> None:
    """Some programs begin files with it."""
    path = files.azure(tmp_path / "trace.csv")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert 4 == len(rows(path))


def test_a_file_of_no_known_form_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    """The first line is shown."""
    path = files.written(tmp_path / "trace.csv", ("time,tokens", "1,2"))

    with pytest.raises(ConfigurationError) as raised:
        form_of(Source(path))

    first, *known = str(raised.value).splitlines()
    assert f"{path}:1: expected a trace of a known form, got 'time,tokens'; known are" == first
    assert [form.name for form in FORMS] == [line.split(":")[0].strip() for line in known]


ROW_2024 = files.AZURE_2024[0]


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ("2024-05-12 00:00:00.003000+02:00,431,104", "2024-05-12"),
        ("2024-05-12 00:00:00.003000+00:00,431,", "431,"),
        ("2024-05-12 00:00:00.003000+00:00,-431,1", "-431"),
        ("2024-05-12 00:00:00.003000+00:00,4.5,1", "4.5"),
        ("2024-05-12 00:00:00.003000+00:00,1,2,3", "1,2,3"),
        ("2024-13-12 00:00:00+00:00,1,2", "2024-13-12"),
        ("2024-05-12 00:00:61+00:00,1,2", "00:00:61"),
        ("", "''"),
        ("x" * 200, "x" * 80 + "'…"),
    ],
)
def test_a_row_that_cannot_be_is_named(tmp_path: Path, row: str, shown: str) -> None:
    """File, line, what was expected and what stands there."""
    path = files.azure(tmp_path / "trace.csv", (ROW_2024, ROW_2024, row, ROW_2024))

    with pytest.raises(ConfigurationError) as raised:
        rows(path)

    assert str(raised.value).startswith(f"{path}:4: expected YYYY-MM-DD HH:MM:SS[.fraction]")
    assert shown in str(raised.value)


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        ((files.BURSTGPT, *files.BURSTGPT_ROWS, "5,ChatGPT,472"), 5),
        ((files.BURSTGPT, "soon,ChatGPT,1,1,2,API log"), 2),
        ((files.BURSTGPT, "-1,ChatGPT,1,1,2,API log"), 2),
        ((files.BURSTGPT, "nan,ChatGPT,1,1,2,API log"), 2),
        ((files.BURSTGPT, "1,ChatGPT,one,1,2,API log"), 2),
        (("TIMESTAMP,NumImages,ContextTokens,GeneratedTokens", "2024-10-15 12:00:00,-,1,1"), 2),
        (("TIMESTAMP,NumImages,ContextTokens,GeneratedTokens", "2024-10-35 12:00:00,1,1,1"), 2),
        (('{"timestamp": 1, "input_length": 2, "output_length": 3}', "{"), 2),
        (('{"timestamp": 1, "input_length": 2, "output_length": 3}', "7"), 2),
        (('{"timestamp": 1, "input_length": 2, "output_length": true}',), 1),
        (('{"timestamp": [], "input_length": 2, "output_length": 3}',), 1),
        (('{"timestamp": 1, "input_length": 2, "output_length": 3, "hash_ids": ["a"]}',), 1),
    ],
)
def test_rows_of_other_forms_that_cannot_be_are_named_too(
    tmp_path: Path, lines: tuple[str, ...], number: int
) -> None:
    """By file and line."""
    path = files.written(tmp_path / "trace", lines)

    with pytest.raises(ConfigurationError, match=f"^{path}:{number}: expected .*, got "):
        rows(path)


def test_a_cut_gzip_file_is_refused(tmp_path: Path) -> None:
    """It is told that it ends too early."""
    path = files.azure(tmp_path / "trace.csv.gz", files.AZURE_2024 * 20)
    path.write_bytes(path.read_bytes()[:-12])

    with pytest.raises(ConfigurationError, match="expected a whole gzip file"):
        rows(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """As it is with one that may not be read."""
    with pytest.raises(ConfigurationError, match="expected a file that can be read, got No such"):
        rows(tmp_path / "trace.csv")


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    """Nobody wants to replay nothing."""
    with pytest.raises(ConfigurationError, match="expected a row at least, got none"):
        rows(files.azure(tmp_path / "trace.csv", ()))


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no text does not fill the memory."""
    monkeypatch.setattr("llmstack.load.traces.source.LONGEST_LINE", 1 << 18)
    path = tmp_path / "trace.csv"
    path.write_bytes(files.AZURE.encode() + b"\n" + b"0" * (1 << 20))

    with pytest.raises(ConfigurationError, match=f"^{path}:2: expected a line of text"):
        rows(path)
