"""The command: one table, lines and JSON, and what it exits with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from llmstack.cli import main
from tests.live.process import free_port
from tests.stack.page_server import Servers, refusal, text
from tests.stack.top.pages import Played
from tests.stack.top.test_page_reader import GPUS

ROOT = Path(__file__).resolve().parents[3]


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, ["top", *words], env={"COLUMNS": "80", "PROMETHEUS_URL": None})


def once(*hosts: str, more: tuple[str, ...] = ()) -> Result:
    urls = [word for host in hosts for word in ("--url", host)]
    return invoke("--once", "--interval", "0.1", *urls, *more)


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """The command, until the block ends, with what it writes in a pipe."""
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "llmstack", "top", *words]
    with subprocess.Popen(command, env={**os.environ, **path}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_one_table(served: Servers) -> None:
    """Rates are over the interval between two scrapes; below it stands what its signs mean."""
    hosts = served.serve(text(Played("vllm").answer_one)), served.serve(text(lambda: GPUS))
    done = once(*hosts)
    title, sums, heading, _, row, legend, note = done.output.splitlines()

    assert 0 == done.exit_code
    assert f"http://{hosts[0]}/metrics and 1 more  every 0.1 s  rates since the last scrape" == title  # fmt: skip
    assert sums.endswith("GPU power 100 W, GPUs: 1")
    assert heading.startswith("MODEL")
    assert row.startswith("m             vllm ")
    assert "–" not in row
    assert legend.startswith("– not told")
    assert note.startswith("vllm: ")


@pytest.mark.parametrize("way", ["table", "json"])
def test_nothing_could_be_read(way: str, served: Servers) -> None:
    """It says why, and exits 1; where something was read it exits 0, and says what was not."""
    dead, well = f"127.0.0.1:{free_port()}", served.serve(text(Played("vllm").answer_one))
    more = ("--output", way)
    alone, beside = once(dead, more=more), once(dead, well, more=more)

    assert [1, 0] == [alone.exit_code, beside.exit_code]
    assert "cannot be reached: Connection refused" in alone.output
    assert "cannot be reached: Connection refused" in beside.output
    assert ("nothing could be read" in alone.output) == (way == "table")


def test_one_line_of_json(served: Servers) -> None:
    """For programs."""
    done = once(served.serve(text(Played("sglang").answer_one)), more=("--output", "json"))
    (row,) = json.loads(done.output)["rows"]

    assert 0 == done.exit_code
    assert ("sglang", "m") == (row["source"], row["model"])
    assert 0 < row["tokens_per_second"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ((), [("triton", "ensemble"), ("vllm", "m"), ("triton-trtllm", "tensorrt_llm")]),
        (("--model", "m"), [("vllm", "m")]),
        (("--model", "[em]*"), [("triton", "ensemble"), ("vllm", "m")]),
        (("--model", "m", "--model", "tens*"), [("vllm", "m"), ("triton-trtllm", "tensorrt_llm")]),
        (("--source", "triton*"), [("triton", "ensemble"), ("triton-trtllm", "tensorrt_llm")]),
        (("--source", "triton*", "--model", "m"), []),
    ],
)
def test_only_some(more: tuple[str, ...], expected: list[tuple[str, str]], served: Servers) -> None:
    """Models and kinds of servers, by patterns."""
    hosts = [served.serve(text(Played(engine).answer_one)) for engine in ("vllm", "triton-trtllm")]
    rows = json.loads(once(*hosts, more=("--output", "json", *more)).output)["rows"]
    shown = [(row["source"], row["model"]) for row in rows if "processing" not in row["model"]]

    assert expected == shown


def test_lines(served: Servers) -> None:
    """Where there is no terminal: table below table, one heading for many of them, until Ctrl-C."""
    host = served.serve(text(Played("vllm").answer_one))
    with started("--url", host, "--interval", "0.1") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        seen: list[str] = []
        while sum(line.startswith("m  ") for line in seen) < 5:
            seen.append(process.stdout.readline())
            assert seen[-1], process.stderr.read()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        said = process.stderr.read()

    assert (0, "") == (process.returncode, said)
    assert 1 == sum(line.startswith("MODEL") for line in seen)
    assert not any("\x1b" in line for line in seen)


def test_lines_of_json(served: Servers) -> None:
    """One for each interval, also of one in which nobody answers; a server that is told to end by SIGTERM."""
    restless = text(Played("vllm").answer_one)
    host = served.serve(restless)
    with started("--url", host, "--interval", "0.1", "--output", "json") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        served.change(0, refusal(500))
        while (last := json.loads(process.stdout.readline()))["rows"]:
            pass
        process.send_signal(signal.SIGTERM)
        process.stdout.read()

    assert 0 == process.returncode
    assert 0 < first["rows"][0]["tokens_per_second"]
    assert "status 500" == last["problems"][0]["problem"]


def test_nobody_reads_any_more(served: Servers) -> None:
    """As when it is piped into head: it ends, without a traceback."""
    host = served.serve(text(Played("vllm").answer_one))
    for way in ("table", "json"):
        with started("--url", host, "--interval", "0.1", "--output", way) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            said = process.stderr.read()

        assert "Traceback" not in said
        assert 1 == process.returncode


def test_headers_are_sent(served: Servers) -> None:
    """With each request."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        is_known = request.headers.get("Authorization") == "Bearer x: y"
        return web.Response(text=GPUS if is_known else "", status=200 if is_known else 401)

    host = served.serve(guarded)

    assert "status 401" in once(host).output
    assert 0 == once(host, more=("-H", "Authorization: Bearer x: y")).exit_code


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--url", "a", "--prometheus", "http://b"], "--prometheus or --url: expected one of them, got both"),
        (["--url", "a", "--window", "1m"], "--window is of a Prometheus; with --url rates are over --interval"),
        (["--window", "5"], "expected a time such as 1m or 90s, got '5'"),
        (["--window", "1m) or vector(1"], "expected a time such as 1m or 90s"),
        (["--header", "secret"], "expected 'NAME: VALUE'"),
        (["--header", "a: b\nc: d"], "expected 'NAME: VALUE'"),
        (["--url", "ftp://a"], "--url: expected host:port or http(s)://host[:port][/path], got 'ftp://a'"),
        (["--prometheus", "http://"], "--prometheus: expected http(s)://host[:port][/path], got 'http://'"),
        (["--interval", "0"], "0.0 is not in the range x>=0.1"),
    ],
)  # fmt: skip
def test_what_cannot_be(words: list[str], told: str) -> None:
    """Is told before anybody is asked, and no secret with it."""
    done = invoke("--once", *words)

    assert done.exit_code in (1, 2)
    assert told in done.output
    assert "secret" not in done.output


def test_the_address_of_prometheus_may_come_from_the_environment() -> None:
    """A page that is named is read all the same."""
    url = f"http://127.0.0.1:{free_port()}"
    environment = {"PROMETHEUS_URL": url}
    asked = CliRunner().invoke(main, ["top", "--once"], env=environment)
    page = CliRunner().invoke(main, ["top", "--once", "--url", url, "--interval", "0.1"], env=environment)  # fmt: skip

    assert f"{url}: /api/v1/query: cannot be reached" in asked.output
    assert f"{url}/metrics: cannot be reached" in page.output
