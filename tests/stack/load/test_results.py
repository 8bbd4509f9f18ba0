"""Results as JSON, in words, and side by side."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from llmstack.errors import ConfigurationError
from llmstack.load.comparison import compared
from llmstack.load.outcome import Outcome
from llmstack.load.planned import Planned
from llmstack.load.program import (
    INTERRUPTED,
    NOT_HELD,
    NOT_TO_BE_TRUSTED,
    NOTHING_ANSWERED,
    WELL,
    exit_code,
)
from llmstack.load.results import read, without_secrets, write
from llmstack.load.summary import milliseconds, told
from tests.stack.load.made import answered, failed, results


def test_results_say_what_was_asked_of_whom_and_what_came() -> None:
    """Rates are of the time from when it was measured until the last answer."""
    found = results(answered(scheduled=100.0), answered(scheduled=119.1), failed(), slo="ttft_p50=1s", sent=3)  # fmt: skip

    assert ("llmstack.load", 1, "inn") == (found["schema"], found["version"], found["name"])
    assert 20.0 == pytest.approx(found["seconds"])
    assert {"measured": 3, "answered": 2, "failed": 1, "unfinished": 0, "sent": 3, "not_sent": 0, "held_back": 0, "warm_up": 0} == found["requests"]  # fmt: skip
    assert {"requests": 0.1, "prompt_tokens": 0.7, "answer_tokens": 0.3, "good_requests": 0.1} == found["rates"]  # fmt: skip
    assert {"prompt": 14, "answer": 6, "counted": {"usage in each event": 2}, "finish_reasons": {"length": 2}} == found["tokens"]  # fmt: skip
    assert [{"kind": "status", "count": 1, "example": "503: full"}] == found["failures"]
    assert [{"objective": "ttft_p50=1000ms", "share": 0.666667, "is_held": True}] == found["objectives"]  # fmt: skip
    assert {"count", "mean", "min", "max", "p50", "p75", "p90", "p95", "p99", "p99.9"} == set(found["latency"]["ttft"])  # fmt: skip
    assert {"ttft", "e2e", "tpot", "itl"} == set(found["histograms"])


def test_secrets_are_not_written() -> None:
    """Neither headers nor keys, however they are given."""
    assert ["llmstack", "load", "--header", "…", "--api-key=…", "--rate", "3"] == results()["command"]  # fmt: skip
    assert ["-H", "…", "--slo", "a=b"] == without_secrets(["-H", "--api-key", "--slo", "a=b"])


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """The file is there whole, others may read it, and nothing is left beside it."""
    path = tmp_path / "folder" / "inn.json"
    write(path, results(answered()))
    write(path, found := results(answered(), failed()))

    assert found == read(path)
    assert [path] == list(path.parent.iterdir())
    assert stat.S_IRUSR | stat.S_IWUSR == path.stat().st_mode & (stat.S_IRUSR | stat.S_IWUSR)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("inn", "expected JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "expected results of llmstack.load version 1, got None version None; llmstack load --output writes them"),
        ('{"schema": "llmstack.load", "version": 2}', "expected results of llmstack.load version 1, got 'llmstack.load' version 2; llmstack load --output writes them"),
    ],
)  # fmt: skip
def test_what_are_no_results_is_told(tmp_path: Path, text: str, told: str) -> None:
    """With the file and what it should be."""
    path = tmp_path / "inn.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        read(path)

    assert f"{path}: {told}" == str(error.value)


def test_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    """A folder cannot be replaced by a file."""
    with pytest.raises(ConfigurationError, match="cannot write"):
        write(tmp_path, results())


def test_exits_say_what_came_of_it() -> None:
    """What was ended by hand first, then what cannot be trusted, then what was not held."""
    unfinished = Outcome(Planned(0.0, 1, 1), 100.0, is_unfinished=True)

    assert WELL == exit_code(results(answered(), failed()))
    assert NOTHING_ANSWERED == exit_code(results(failed()))
    assert NOT_TO_BE_TRUSTED == exit_code(results(answered(), unfinished, slo="ttft_p50=1ms"))
    assert NOT_HELD == exit_code(results(answered(), slo="ttft_p50=1ms"))
    assert WELL == exit_code(results(answered(), slo="ttft_p50=1s"))
    assert INTERRUPTED == exit_code(results(unfinished, is_interrupted=True))


def test_results_in_words() -> None:
    """Doubts first; how it was measured; latencies in milliseconds; objectives; kinds."""
    unfinished = Outcome(Planned(0.0, 1, 1), 100.0, is_unfinished=True)
    found = results(answered(kind="short_qa"), failed(), unfinished, slo="ttft_p95=1s", held_back=2)
    lines = told(found).splitlines()

    assert lines[0].startswith("NOT TO BE TRUSTED: 1 of 3 requests were unfinished")
    assert "inn: openai-chat of http://inn, a plan; open loop: latencies count from when a request was to be sent" == lines[1]  # fmt: skip
    assert "Requests: 1 answered, 1 failed, 1 unfinished, 2 held back by the bound" == lines[2]
    assert "        1  status: 503: full" == lines[3]
    assert "3 tokens of answers; timed by usage in each event (1)" == lines[5]
    assert ["ms", "mean", "p50", "p90", "p95", "p99", "max"] == lines[6].split()
    assert ["TTFT", *["500.0"] * 6] == lines[7].split()
    assert "ttft_p95=1000ms: NOT HELD, 50.00% within it" in lines
    assert "Goodput: 0.10 requests/s held all of them (1 in all)" in lines
    assert any(line.startswith("short_qa") for line in lines)
    json.dumps(found, allow_nan=False)


def test_runs_are_compared_in_one_table() -> None:
    """What makes them unlike is said, and which is not to be trusted."""
    one = results(answered(first=0.25), name="one")
    two = results(answered(first=0.5), failed(), name="two", problem="row 3")
    two["load"]["plan"] = "another"
    lines = compared([one, two]).splitlines()
    rows = {line.split("  ")[0]: line.split()[-2:] for line in lines if "  " in line}

    assert ["one", "two"] == lines[0].split()
    assert ["yes", "NO"] == rows["to be trusted"]
    assert ["250.0", "500.0"] == rows["TTFT p50, ms"]
    assert "one  ####################                      250.0, 250.0" in lines
    assert "two: 1 failed, status: 503: full" in lines
    assert "Not alike in plan: one a plan, two another." in lines
    assert "two is not to be trusted: the plan broke off: row 3." == lines[-1]


def test_runs_are_compared_as_markdown() -> None:
    """Each line has as many cells as there are runs, and one."""
    lines = compared([results(answered()), results(answered(), name="a|b")], as_markdown=True).splitlines()  # fmt: skip

    assert ["|  | inn | a/b |", "| --- | ---: | ---: |"] == lines[:2]
    assert all(line.count("|") == 4 for line in lines if line.startswith("|"))
    assert 2 == lines.count("```")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.00123, "1.23"), (0.0123, "12.3"), (1.2345, "1,234"), (0.0, "0.00")],
)
def test_milliseconds_have_the_figures_that_mean_something(
    seconds: float | None, text: str
) -> None:
    """Fewer the longer it took."""
    assert text == milliseconds(seconds)
