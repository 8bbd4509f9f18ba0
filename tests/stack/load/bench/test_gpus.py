"""Joules of played GPUs, charged to the servers whose GPUs are named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from llmstack.cli import main
from llmstack.load.bench.documents import comparison_of
from llmstack.load.bench.rounds import Asked, measure_rounds
from llmstack.load.bench.servers import Server
from llmstack.load.bench.told import told
from tests.live.process import wait_until
from tests.stack.load.bench.playing import LOAD, STEADY, asked, named, played

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def exporter(tmp_path: Path) -> Any:
    """Where GPUs are played, under both generations of names."""
    running = []

    def start(names: str) -> str:
        log = tmp_path / f"{names}.log"
        words = [sys.executable, "-m", "llmstack", "gpu-exporter", "--simulate", "2", "--port", "0", "--interval", "0.1", "--names", names]  # fmt: skip
        with log.open("w") as file:
            process = subprocess.Popen(words, stdout=file, stderr=file, env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}", "PYTHONUNBUFFERED": "1"})  # fmt: skip
        running.append(process)
        wait_until(lambda: "/metrics" in log.read_text(), within=30, what="the exporter listens")
        (url,) = re.findall(r"http://\S+/metrics", log.read_text())
        return str(url)

    yield start
    for process in running:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("names", ["legacy", "4.6"])
def test_energy_is_charged_to_the_servers_whose_gpus_are_named(names: str, exporter: Any) -> None:
    """Between what such a GPU draws idle and at its limit; to others nothing is charged."""
    url = exporter(names)
    load = replace(LOAD, concurrency=1, total=None, duration=2.5, answer_tokens="const:20")
    with played(rates=STEADY) as one, played(rates=STEADY) as two:
        servers: Sequence[Server] = [
            replace(named("one", one), gpus=frozenset("1")),
            named("two", two),
        ]
        found = measure_rounds(
            Asked(load, servers, {"log_every": 0.0}, rounds=1, gpu_exporter=url),
            lambda _: None,
            lambda *_: None,
        )
    charged, free = (run.get("energy") for run in found["runs"])
    text = told(comparison_of(found))

    assert charged is not None
    assert "the counter of joules" == charged["read_from"]
    assert 95 <= charged["watts"] <= 700
    assert charged["joules_a_token"] == pytest.approx(
        charged["joules"] / found["runs"][0]["tokens"]["answer"], rel=1e-5
    )
    assert free is None
    assert "Energy is charged to no server whose GPUs nobody has named: --gpus two=0,1." in text
    assert "what they draw idle is in it" in text


def test_an_exporter_without_such_a_gpu_is_an_error(exporter: Any) -> None:
    """Before hours are spent."""
    url = exporter("legacy")
    with played() as server:
        done = CliRunner().invoke(main, ["bench", "--server", f"one=openai-chat@{server.url}", "--rate", "9", "--total", "1", "--gpu-exporter", url, "--gpus", "one=7"])  # fmt: skip

    assert 1 == done.exit_code
    assert f"Error: --gpu-exporter: {url}: no energy or power of GPU 7; expected a page with DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION or DCGM_FI_DEV_POWER_USAGE of it\n" == done.output  # fmt: skip


def test_all_gpus_are_of_the_only_server() -> None:
    """And of none where there are several, until somebody says so."""
    one, two = (Server(name, "openai-chat", "http://inn") for name in ("one", "two"))
    of_all = replace(two, gpus=frozenset())

    assert frozenset() == asked(one, gpu_exporter="http://gpus").meters_of(one)
    assert asked(one).meters_of(one) is None
    assert asked(one, two, gpu_exporter="http://gpus").meters_of(one) is None
    assert frozenset() == asked(one, of_all, gpu_exporter="http://gpus").meters_of(of_all)
