"""The program as one starts it: what it says, what it answers, how it ends, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from llmstack.cli import main
from llmstack.simulator.engines import ENGINES
from llmstack.simulator.incidents import KINDS
from llmstack.simulator.presets import PRESETS
from llmstack.simulator.settings import read_settings

ROOT = Path(__file__).resolve().parents[3]


def command(*options: str, **variables: str) -> subprocess.Popen[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("SIMULATOR_")}
    environment = {**given, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}", **variables}
    words = [sys.executable, "-m", "llmstack", "simulate", *options]
    return subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@contextmanager
def simulator(*options: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, started on free ports, and its first line."""
    with command("--port", "0", "--metrics-port", "0", *options, **variables) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith(tuple(ENGINES)), process.communicate()
            yield process, line.strip()
        finally:
            process.kill()


@pytest.mark.parametrize("engine", ENGINES)
def test_it_serves_until_it_is_told_to_end(engine: str) -> None:
    """It says where, shows the metrics of the engine, ends well, and complains of nothing."""
    with simulator("--engine", engine) as (process, line):
        where = line.split()[-1]
        page = urlopen(where).read().decode()
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=60)

    assert line.startswith(f"{engine} {ENGINES[engine].version('')} serves ")
    assert "# TYPE " in page
    assert (0, "") == (process.returncode, complaints)


def test_options_win_over_the_environment() -> None:
    """What the command line says holds where both speak."""
    with simulator("--model", "inn", "--replicas", "2", SIMULATOR_MODEL="barn", SIMULATOR_INCIDENTS="hang@5+1, crash@9000+1:1") as (process, line):  # fmt: skip
        assert process.stdout is not None
        second = process.stdout.readline()
        address = line.split(" at ")[1].split(",")[0]
        state = json.loads(urlopen(f"{address}/simulator/state").read())

    assert line.startswith("vllm 0.32.0 serves inn at ")
    assert second != line
    assert ("inn", 2) == (state["model"], len(state["replicas"]))
    assert [("hang", 5.0, None), ("crash", 9000.0, 1)] == [(i["name"], i["begins"], i["replica"]) for i in state["incidents"]]  # fmt: skip


def test_a_port_that_is_taken_is_named() -> None:
    """The error names the variables and the address, without a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with command("--port", str(port)) as process:
            _, complaints = process.communicate(timeout=60)

    assert 1 == process.returncode
    assert complaints.startswith(f"Error: SIMULATOR_HOST, SIMULATOR_PORT: cannot listen at 127.0.0.1:{port} (")  # fmt: skip
    assert 1 == len(complaints.splitlines())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--engine", "inn"], "SIMULATOR_ENGINE: expected one of vllm, triton-vllm, triton-trtllm, sglang, trtllm, got 'inn'"),
        (["--engine-version", "0.5"], "SIMULATOR_ENGINE_VERSION: vllm is played from 0.8.4, got 0.5; the catalogue knows no whole page of older ones"),
        (["--preset", "llama-3.1-8b-h10"], "preset llama-3.1-8b-h10: not in the table; the nearest is llama-3.1-8b-h100"),
        (["--replicas", "0"], "SIMULATOR_REPLICAS: expected a whole number from 1 to 1000, got 0"),
        (["--incident", "hang"], "--incident: expected NAME@START+SECONDS or NAME@START+SECONDS:REPLICA, got 'hang'"),
        (["--incident", "hang@1+1:1"], "SIMULATOR_INCIDENTS: hang: replica 1 of 1; they are counted from 0"),
        (["--kv-blocks", "10", "--max-model-len", "200"], "SIMULATOR_MAX_MODEL_LEN: 200 tokens do not fit into 10 blocks of 16; name 160 at most, or more SIMULATOR_KV_BLOCKS"),
        (["--max-num-seqs", "4000"], "SIMULATOR_MAX_NUM_BATCHED_TOKENS: 2048 tokens a step are fewer than 4000 sequences; name more, or a smaller SIMULATOR_MAX_NUM_SEQS"),
        (["--engine", "triton-vllm", "--replicas", "3"], "SIMULATOR_METRICS_PORT: 3 replicas have the ports from 8000 on, and 8002 is one of them; name one from 8003 on"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_without_a_traceback(options: list[str], told: str) -> None:
    """What was found, where, and what would do."""
    done = CliRunner().invoke(main, ["simulate", *options])

    assert (1, f"Error: {told}\n") == (done.exit_code, done.output)


def test_presets_and_incidents_are_listed() -> None:
    """Each is a line, with its figures or what it does."""
    done = CliRunner().invoke(main, ["simulate", "--list"])
    firsts = [line.split()[0] for line in done.output.splitlines() if line]

    assert 0 == done.exit_code
    assert {*PRESETS, *KINDS} <= set(firsts)


def test_limits_left_out_are_the_presets() -> None:
    """And those that are named are as named."""
    usual = read_settings({}).character.limits
    named = read_settings({"SIMULATOR_MAX_NUM_SEQS": "7", "SIMULATOR_KV_BLOCKS": "99"}).character.limits  # fmt: skip

    assert PRESETS["llama-3.1-8b-l4"].limits == usual
    assert (7, 99, 1584) == (named.sequences, named.blocks, named.model_length)
