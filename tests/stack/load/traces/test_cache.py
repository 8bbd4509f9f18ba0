"""The normalised file is used while it fits its source, and is there whole or not at all."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmstack.errors import ConfigurationError
from llmstack.load.traces import cache
from llmstack.load.traces.cache import cached
from llmstack.load.traces.normalise import normalised
from llmstack.load.traces.rows import open_trace
from llmstack.load.traces.source import Source
from tests.stack.load.traces import files


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return files.azure(tmp_path / "trace.csv")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every source that is normalised, as often as it is."""
    seen: list[Path] = []

    def watched(source: Source, limit: int | None = None) -> Iterator[bytes]:
        seen.append(source.path)
        yield from normalised(source, limit)

    monkeypatch.setattr(cache, "normalised", watched)
    return seen


def test_it_lies_beside_the_trace(trace: Path) -> None:
    """Under its name, as compressed CSV that says what it was made of."""
    place = cached(trace)
    remark, *lines = gzip.decompress(place.read_bytes()).decode().splitlines()

    assert trace.with_name("trace.norm.csv.gz") == place
    assert f'"source": "{trace}"' in remark
    assert ["at,prompt_tokens,answer_tokens", "0.003000,431,104", "0.034546,2739,95", "1,3189,103", "1.250000,803,74"] == lines  # fmt: skip


def test_who_may_read_it_is_as_with_any_file(trace: Path) -> None:
    """Others who share the folder may use it."""
    assert trace.stat().st_mode == cached(trace).stat().st_mode


def test_it_is_made_once(trace: Path, made: list[Path]) -> None:
    """As long as the trace is the same."""
    assert cached(trace) == cached(trace)
    assert [trace] == made


def test_one_that_is_older_than_the_trace_is_made_anew(trace: Path, made: list[Path]) -> None:
    """Also where the trace has the size that it had."""
    cached(trace)
    files.azure(trace, [row.replace("431", "432") for row in files.AZURE_2024])
    later = trace.stat().st_mtime_ns + 10**9
    os.utime(trace, ns=(later, later))
    found = next(iter(open_trace(trace).rows()))

    assert (0.0, 432, 104, "", "") == found
    assert [trace] * 2 == made


def test_a_trace_that_grew_is_noticed(trace: Path, made: list[Path]) -> None:
    """Also where its time of change was kept."""
    cached(trace)
    changed = trace.stat().st_mtime_ns
    files.azure(trace, files.AZURE_2024 * 2)
    os.utime(trace, ns=(changed, changed))

    assert 8 == len(list(open_trace(trace).rows()))
    assert [trace] * 2 == made


def test_a_trace_that_is_replaced_by_an_older_one_is_noticed(trace: Path, made: list[Path]) -> None:
    """A time of change is compared, not only whether it is later."""
    cached(trace)
    earlier = trace.stat().st_mtime_ns - 10**9
    os.utime(trace, ns=(earlier, earlier))
    cached(trace)

    assert [trace] * 2 == made


def test_another_limit_makes_it_anew(trace: Path, made: list[Path]) -> None:
    """Another, none after one, and one after none."""
    counts = [
        len(list(open_trace(trace, limit=limit).rows())) for limit in (None, 2, 2, 3, None, None)
    ]

    assert [4, 2, 2, 3, 4, 4] == counts
    assert 4 == len(made)


def test_another_trace_of_the_same_name_makes_it_anew(tmp_path: Path, made: list[Path]) -> None:
    """In a folder that both share."""
    one, other, folder = (tmp_path / name for name in ("one", "other", "cache"))
    for each in (one, other):
        each.mkdir()
        files.azure(each / "trace.csv")
    for each in (one, other, other):
        assert folder / "trace.norm.csv.gz" == cached(each / "trace.csv", folder)

    assert [one / "trace.csv", other / "trace.csv"] == made


def test_another_version_of_us_makes_it_anew(
    trace: Path, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file holds may have another meaning."""
    cached(trace)
    monkeypatch.setattr(cache, "VERSION", cache.VERSION + 1)
    cached(trace)

    assert 2 == len(made)


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b"other\n", mtime=0), b"\x1f\x8b\x08"],
    ids=["empty", "text", "other", "cut"],
)
def test_what_is_none_is_made_anew(trace: Path, made: list[Path], content: bytes) -> None:
    """Whatever else lies in its place."""
    trace.with_name("trace.norm.csv.gz").write_bytes(content)

    assert 4 == len(list(open_trace(trace).rows()))
    assert [trace] == made


def test_without_a_cache_nothing_is_written(trace: Path) -> None:
    """And what is there is not read."""
    trace.with_name("trace.norm.csv.gz").write_bytes(b"other")
    found = open_trace(trace, uses_cache=False)

    assert list(found.rows()) == list(found.rows())
    assert b"other" == trace.with_name("trace.norm.csv.gz").read_bytes()
    assert 2 == len(list(trace.parent.iterdir()))


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_what_is_interrupted_leaves_nothing(
    trace: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """No half file, and what was there before stays."""
    before = cached(trace, limit=1).read_bytes()

    def interrupted(_: Source, __: int | None) -> Iterator[bytes]:
        yield b"at,prompt_tokens,answer_tokens\n"
        raise error

    monkeypatch.setattr(cache, "normalised", interrupted)
    with pytest.raises((KeyboardInterrupt, ConfigurationError)):
        cached(trace)

    assert ["trace.csv", "trace.norm.csv.gz"] == sorted(os.listdir(trace.parent))
    assert before == trace.with_name("trace.norm.csv.gz").read_bytes()


def test_a_bad_row_leaves_nothing(trace: Path) -> None:
    """The rows before it were fine, and still there is no file."""
    files.azure(trace, (*files.AZURE_2024, "bad"))

    with pytest.raises(ConfigurationError, match=r"trace\.csv:6"):
        cached(trace)

    assert ["trace.csv"] == os.listdir(trace.parent)


def test_a_folder_that_cannot_be_made_is_told_with_the_way_out(tmp_path: Path, trace: Path) -> None:
    """The options are named."""
    blocked = tmp_path / "file"
    blocked.touch()

    with pytest.raises(ConfigurationError, match="--cache-dir, or use --no-cache"):
        cached(trace, blocked / "folder")


def test_where_nothing_can_be_written_it_lies_in_the_user_s_cache(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder for each folder that traces lie in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    (tmp_path / "other").mkdir()
    other = files.azure(tmp_path / "other" / "trace.csv")
    places = [cached(each) for each in (trace, other)]

    assert 2 == len(set(places))
    assert all(tmp_path / "cache" / "llmstack" / "traces" == each.parents[1] for each in places)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz"])
def test_what_a_name_ends_with_is_not_repeated(tmp_path: Path, name: str) -> None:
    """It ends with ours instead."""
    assert "a.norm.csv.gz" == cached(files.azure(tmp_path / name)).name


def test_one_that_was_damaged_later_is_told(trace: Path) -> None:
    """It is not taken for a shorter trace."""
    place = cached(trace)
    found = open_trace(trace)
    place.write_bytes(place.read_bytes()[:-9])

    with pytest.raises(ConfigurationError, match="expected a whole gzip file"):
        list(found.rows())
