"""Commands from begin to end, against played servers: what they say, write and exit with."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llmstack.cli import main
from llmstack.load.apis import Api
from llmstack.load.options import APIS
from llmstack.load.program import INTERRUPTED, NOT_HELD, NOT_TO_BE_TRUSTED, NOTHING_ANSWERED, WELL
from tests.stack.load.simulated import simulated

ROOT = Path(__file__).resolve().parents[3]
SMALL = ["--prompt-tokens", "const:20", "--answer-tokens", "const:5", "--log-every", "0"]
#: On a machine with much else to do a client may be late, and says so.
ENDS_WELL = (WELL, NOT_TO_BE_TRUSTED)
#: What each API can be asked of: an engine, and the name of its model where it cannot be asked for.
ENGINES = {
    "openai-chat": ("vllm", None),
    "openai-completions": ("vllm", None),
    "triton-generate": ("triton-vllm", "vllm_model"),
    "triton-infer": ("triton-trtllm", None),
    "triton-tokens": ("triton-trtllm", None),
}


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


def written(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_apis_are_named_as_they_are() -> None:
    """The command names them without importing what speaks them."""
    assert tuple(Api) == APIS


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("way", ["--stream", "--no-stream"])
def test_every_api_is_spoken(api: str, way: str, tmp_path: Path) -> None:
    """Six requests are answered, their prompts and answers as long as they were planned."""
    engine, model = ENGINES[api]
    named = [] if model is None else ["--model", model]
    with simulated(engine) as url:
        done = invoke("load", "--url", url, "--api", api, way, "--rate", "100", "--total", "6", *SMALL, *named, "--output", str(tmp_path / "a.json"))  # fmt: skip
    found = written(tmp_path / "a.json")

    assert done.exit_code in ENDS_WELL, done.output
    assert (6, 0) == (found["requests"]["answered"], found["requests"]["failed"])
    assert "Requests: 6 answered, 0 failed" in done.output
    if api.startswith("openai"):
        assert 30 == found["tokens"]["answer"]
    if api == "openai-completions":
        assert 120 == found["tokens"]["prompt"]


def test_streams_of_vllm_are_timed_by_their_counts(tmp_path: Path) -> None:
    """And where that is not asked for, by events with text."""
    rules = []
    for way in ("--count-each", "--no-count-each"):
        with simulated() as url:
            invoke("load", "--url", url, way, "--concurrency", "2", "--total", "6", *SMALL, "--output", str(tmp_path / "a.json"))  # fmt: skip
        rules.append(written(tmp_path / "a.json")["tokens"]["counted"])

    assert [{"usage in each event": 6}, {"events with text": 6}] == rules


def test_a_closed_loop_says_that_it_is_one() -> None:
    """So that nobody takes its latencies for those of an open one."""
    with simulated() as url:
        done = invoke("load", "--url", url, "--concurrency", "2", "--total", "6", *SMALL)

    assert "closed loop, 2 at a time: latencies are of clients that wait for answers" in done.output


def test_kinds_of_prompts_are_told_apart(tmp_path: Path) -> None:
    """Each with its own latencies, in the summary and in the results."""
    with simulated() as url:
        done = invoke("load", "--url", url, "--rate", "100", "--total", "8", "--mix", "short_qa=1,medium_explain=1", "--max-model-len", "60", "--log-every", "0", "--output", str(tmp_path / "a.json"))  # fmt: skip
    kinds = written(tmp_path / "a.json")["kinds"]

    assert {"short_qa", "medium_explain"} == set(kinds), done.output
    assert 8 == sum(part["requests"]["answered"] for part in kinds.values())


def test_an_objective_that_is_not_held_has_its_own_exit() -> None:
    """Unless the figures are not to be trusted, which comes first."""
    with simulated() as url:
        done = invoke("load", "--url", url, "--rate", "50", "--total", "3", "--slo", "e2e_p95=0.001ms", *SMALL)  # fmt: skip

    assert done.exit_code in (NOT_HELD, NOT_TO_BE_TRUSTED)
    assert "e2e_p95=0.001ms: NOT HELD, 0.00% within it" in done.output


def test_a_trace_is_replayed(tmp_path: Path) -> None:
    """It is said what it asks for; requests come at its times, and its lengths are asked for."""
    trace = tmp_path / "trace.csv"
    rows = [f"2023-11-16 18:15:46.{number}000000,{20 + number},{5 + number}" for number in range(4)]
    trace.write_text("\r\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]))
    with simulated() as url:
        done = invoke("replay", "--csv", str(trace), "--url", url, "--api", "openai-completions", "--speedup", "4", "--no-cache", "--log-every", "0", "--output", str(tmp_path / "a.json"))  # fmt: skip
    found = written(tmp_path / "a.json")

    assert done.exit_code in ENDS_WELL, done.output
    assert "trace.csv asks for 4 requests in 0 s" in done.output
    assert ({"answered": 4, "failed": 0}, 86, 26) == ({name: found["requests"][name] for name in ("answered", "failed")}, found["tokens"]["prompt"], found["tokens"]["answer"])  # fmt: skip
    assert found["seconds"] >= 0.075


def test_the_highest_rate_is_looked_for(tmp_path: Path) -> None:
    """Where not even the first rate is held, lower ones are tried until nothing is left."""
    with simulated() as url:
        done = invoke("load", "--url", url, "--find-max-rate", "--rate", "200", "--duration", "0.02", "--slo", "e2e_p50=0.001ms", *SMALL, "--output", str(tmp_path / "a.json"))  # fmt: skip

    # On a machine with much else to do the client may be late itself.
    assert done.exit_code in (NOT_HELD, NOT_TO_BE_TRUSTED)
    assert done.output.splitlines()[-1].startswith("No rate was held")
    assert not (tmp_path / "a.json").exists()


def test_a_search_needs_something_to_hold() -> None:
    """And how long it takes to see it."""
    done = invoke("load", "--url", "http://inn", "--find-max-rate", "--rate", "2", "--total", "1")

    assert "Error: --find-max-rate: expected --rate, --duration and --slo with it\n" == done.output


def test_a_server_that_is_not_there_is_a_failure_of_each_request() -> None:
    """The run ends, and says so."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = invoke("load", "--url", url, "--model", "m", "--rate", "100", "--total", "3", *SMALL)

    assert NOTHING_ANSWERED == done.exit_code
    assert "        3  connection refused: " in done.output


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "expected --rate (an open loop) or --concurrency (a closed one), got neither"),
        (["--rate", "1"], "expected --duration or --total, got neither: it had no end"),
        (["--rate", "1", "--total", "1", "--header", "inn"], "--header: expected 'Name: value', got no colon"),
        (["--rate", "1", "--total", "1", "--body", "[1]"], "--body: expected an object of JSON, got [1]"),
        (["--rate", "1", "--total", "1", "--slo", "inn"], "--slo: expected ttft, tpot, itl, e2e as in ttft_p95=2s or itl_p99=150ms, got 'inn'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_before_anything_is_sent(options: list[str], told: str) -> None:
    """Without a traceback."""
    done = invoke("load", "--url", "http://127.0.0.1:9", "--model", "m", *options)

    assert (1, f"Error: {told}\n") == (done.exit_code, done.output)


@pytest.mark.parametrize("model", [[], ["--model", "m"]])
def test_an_address_without_its_scheme_says_what_one_is(model: list[str]) -> None:
    """Also where the server would be asked for its model first."""
    done = invoke("load", "--url", "127.0.0.1:9", *model, "--rate", "1", "--total", "1")

    told = "Error: 127.0.0.1:9: expected http(s)://host[:port][/path]\n"
    assert (1, told) == (done.exit_code, done.output)


def test_ctrl_c_writes_what_was_measured(tmp_path: Path) -> None:
    """Also in the middle of a run, whose exit says that it was ended."""
    path = tmp_path / "a.json"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}", "PYTHONUNBUFFERED": "1"}
    with simulated() as url:
        words = [sys.executable, "-m", "llmstack", "load", "--url", url, "--rate", "20", "--duration", "999", "--answer-tokens", "const:5", "--log-every", "1", "--output", str(path)]  # fmt: skip
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            # Its first line comes when it has been sending for a second.
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            said = process.stdout.read()
    found = written(path)

    assert INTERRUPTED == process.returncode
    assert "Interrupted: this is what was measured until then." in said
    assert found["is_interrupted"]
    assert found["requests"]["answered"] > 0
