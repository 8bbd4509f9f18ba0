"""How a run is shown where there is no terminal: lines, or objects of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llmstack.cli import main
from tests.stack.load.simulated import simulated

SMALL = ("--prompt-tokens", "const:20", "--answer-tokens", "const:5", "--rate", "40", "--total", "12", "--sample-interval", "0.1")  # fmt: skip


@pytest.fixture
def server() -> Iterator[str]:
    with simulated() as url:
        yield url


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


def objects(done: Result) -> list[dict[str, Any]]:
    """Each line of standard output; all of them are JSON."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_json_has_a_line_for_each_interval(server: str, tmp_path: Path) -> None:
    """Between what was asked for and what came of it; they are those of the results."""
    done = invoke("load", "--url", server, *SMALL, "--log-format", "json", "--output", str(tmp_path / "a.json"))  # fmt: skip
    told = objects(done)
    found = json.loads((tmp_path / "a.json").read_text())
    intervals = [each for each in told if each["event"] == "interval"]
    # The last one of the series ends with the run, and not by itself.
    expected = [{name: value for name, value in row.items() if value is not None} for row in found["series"][:-1]]  # fmt: skip

    assert ["begin", *["interval"] * len(expected), "end"] == [each["event"] for each in told]
    assert expected == [{n: v for n, v in each.items() if n not in ("time", "event")} for each in intervals]  # fmt: skip
    assert [server] == told[0]["target"]["urls"]
    assert found["latency"] == told[-1]["latency"]
    assert not {"series", "histograms"} & set(told[-1])


def test_json_leaves_the_report_to_people(server: str) -> None:
    """Standard output is for programs, so what people read is on standard error."""
    done = invoke("load", "--url", server, *SMALL, "--log-format", "json")

    assert "Requests: 12 answered, 0 failed" in done.stderr
    assert "Requests:" not in done.stdout


def test_json_of_a_search_has_all_its_rates(server: str) -> None:
    """One run after the other, and what came of each for people."""
    done = invoke("load", "--url", server, *SMALL[:4], "--find-max-rate", "--rate", "50", "--duration", "0.05", "--slo", "e2e_p50=0.001ms", "--log-format", "json")  # fmt: skip
    told = [each for each in objects(done) if each["event"] != "interval"]
    rates = [float(line.split("/s")[0]) for line in done.stderr.splitlines() if "/s NOT " in line]

    assert len(rates) > 1
    assert ["begin", "end"] * len(rates) == [each["event"] for each in told]
    assert done.stderr.splitlines()[-1].startswith("No rate was held")


def test_json_says_what_a_trace_asks_for(server: str, tmp_path: Path) -> None:
    """As an object, and in words on standard error."""
    trace = tmp_path / "trace.csv"
    rows = [f"2023-11-16 18:15:46.{number}000000,{20 + number},5" for number in range(4)]
    trace.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]))
    done = invoke("replay", "--csv", str(trace), "--url", server, "--no-cache", "--log-format", "json")  # fmt: skip

    assert (4, 0.3) == (objects(done)[0]["demand"]["requests"], objects(done)[0]["demand"]["seconds"])  # fmt: skip
    assert "trace.csv asks for 4 requests" in done.stderr


@pytest.mark.parametrize("more", [(), ("--no-plot",), ("--plot-rows", "4", "--plot-height", "5", "--plot-window", "60", "--spark-width", "0", "--y-width", "8")])  # fmt: skip
def test_without_a_terminal_there_are_lines(more: tuple[str, ...], server: str) -> None:
    """Whatever is said of how it would be drawn."""
    done = invoke("load", "--url", server, *SMALL, "--log-every", "0.1", *more)
    lines = done.stdout.splitlines()

    assert "answered" in lines[0]
    assert lines[0].split()[1:3] == ["s", "sent"]
    assert "\x1b" not in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--plot-window", "0"), "0.0 is not in the range x>0"),
        (("--plot-rows", "0"), "0 is not in the range x>=1"),
        (("--plot-height", "1"), "1 is not in the range x>=2"),
        (("--spark-width", "-1"), "-1 is not in the range x>=0"),
        (("--y-width", "3"), "3 is not in the range 4<=x<=20"),
        (("--log-format", "xml"), "'xml' is not one of 'lines', 'json'"),
    ],
)
@pytest.mark.parametrize("command", ["load", "replay"])
def test_what_cannot_be_drawn_is_refused(command: str, words: tuple[str, ...], told: str) -> None:
    """By both commands, before anything is sent."""
    done = invoke(command, "--url", "http://inn", *words)

    assert 2 == done.exit_code
    assert told in done.output.replace("\n", " ")
