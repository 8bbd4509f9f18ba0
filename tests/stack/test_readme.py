"""The programs of README.md start as it says, and show what it shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests

from llmstack.demo.stage import free_ports
from tests.live.process import free_port, running, wait_until
from tests.stack.gateway.engine import FakeEngine, Loop

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
BIN = Path(sys.executable).parent


def block(language: str, holds: str) -> str:
    """The one block of a language that holds something."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (only,) = [each for each in found if holds in each]
    return str(only)


def command(begins: str) -> str:
    """The one command that begins so, without the variables before it."""
    lines = [line for each in re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL) for line in each.splitlines()]  # fmt: skip
    (only,) = [line for line in lines if re.sub(r"^([A-Z_]+=\S+ )+", "", line) == begins]
    return str(only)


def shown(holds: str) -> set[str]:
    return {_series(line) for line in block("text", holds).splitlines()}


def _series(line: str) -> str:
    return line.rpartition(" ")[0]


def series(url: str) -> set[str]:
    """The series of a page of metrics; none while nobody answers."""
    try:
        text = requests.get(url, timeout=5).text
    except requests.RequestException:
        return set()
    return {_series(line) for line in text.splitlines()}


@contextmanager
def started(
    line: str, folder: Path, ready: str, ports: dict[str, int], **variables: str
) -> Iterator[None]:
    """Run a command of the README until it answers, with other ports than it has."""
    for own, free in ports.items():
        line = line.replace(own, str(free))
    path = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-c", f"exec env {line}"]
    log = folder / "program.log"
    with running(command, ready_url=ready, within=30, log=log, environment={**path, **variables}):
        yield


@pytest.fixture
def engine() -> Iterator[int]:
    """An engine at a port."""
    loop = Loop()
    yield loop.serve(FakeEngine().application(), handler_cancellation=True)
    loop.stop()


def test_the_gateway(engine: int, tmp_path: Path) -> None:
    """It passes a stream on, and shows it."""
    line, port = command("llmstack gateway"), free_port()
    url = f"http://127.0.0.1:{port}"
    (key,) = re.findall(r"GATEWAY_API_KEYS=(\S+)", line)
    asked = {"model": "tiny", "messages": [{"role": "user", "content": "Hello."}], "stream": True}
    with started(line, tmp_path, f"{url}/ready", {"8000": engine}, GATEWAY_PORT=str(port)):
        answer = requests.post(
            f"{url}/v1/chat/completions",
            json=asked,
            headers={"Authorization": f"Bearer {key}"},
            timeout=20,
        )
        assert answer.text.endswith("data: [DONE]\n\n")
        expected = shown("gateway_requests_total")
        wait_until(
            lambda: expected <= series(f"{url}/metrics"), within=10, what=f"{expected} is shown"
        )


def test_the_simulator(tmp_path: Path) -> None:
    """Each replica shows the families of the release."""
    line = command("llmstack simulate --engine vllm --engine-version 0.12 --preset llama-3.1-8b-h100 --replicas 3")  # fmt: skip
    # Three ports in a row, as are free for the demo.
    first = free_ports().engine
    expected = shown("vllm:num_requests_running")
    ready = f"http://127.0.0.1:{first}/health"
    with started(line, tmp_path, ready, {}, SIMULATOR_PORT=str(first)):
        for port in range(first, first + 3):
            page = partial(series, f"http://127.0.0.1:{port}/metrics")
            wait_until(page, within=30, what=f"{port} answers")
            assert set() == expected - page()


def test_the_view_of_servers(tmp_path: Path) -> None:
    """In lines, where there is no terminal: what it shows of two simulated servers and simulated GPUs."""
    line = command("llmstack top --url 127.0.0.1:8000 --url 127.0.0.1:8001 --url 127.0.0.1:9101")
    ports = {own: free_port() for own in ("8000", "8001", "9101")}
    one, two, gpus = ports.values()
    for own, free in ports.items():
        line = line.replace(own, str(free))
    simulated = "llmstack simulate --engine vllm --preset llama-3.1-8b-h100"
    exporter = "llmstack gpu-exporter --simulate 2"
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    with (
        started(simulated, tmp_path / "a", f"http://127.0.0.1:{one}/health", {}, SIMULATOR_PORT=str(one)),
        started(simulated, tmp_path / "b", f"http://127.0.0.1:{two}/health", {}, SIMULATOR_PORT=str(two)),
        started(exporter, tmp_path / "c", f"http://127.0.0.1:{gpus}/health", {}, GPU_EXPORTER_PORT=str(gpus)),
        subprocess.Popen(["bash", "-c", f"exec {line}"], env={**os.environ, "PATH": path, "COLUMNS": "80"}, stdout=subprocess.PIPE, text=True) as view,
    ):  # fmt: skip
        assert view.stdout is not None
        seen = [view.stdout.readline().rstrip() for _ in range(7)]
        view.send_signal(signal.SIGINT)
        view.stdout.read()
    shown_there = block("text", "llmstack top").splitlines()
    *_, heading, under, row, _, legend, note = shown_there

    assert 0 == view.returncode
    assert [heading, under] == seen[2:4]
    assert row.split()[:2] == seen[4].split()[:2]
    assert [legend.removesuffix("   Ctrl-C ends"), note] == seen[5:]
    assert re.search(r"tokens/s of all engines +0  GPU power [0-9,]+ W, GPUs: 2$", seen[1])


def test_the_watchdog(engine: int, tmp_path: Path) -> None:
    """It keeps both programs running, and shows them."""
    ports = {own: free_port() for own in ("8080", "9101", "9102")} | {"8000": engine}
    listen, gateway, gpus = (ports[own] for own in ("9102", "8080", "9101"))
    text = f'listen: "127.0.0.1:{listen}"\n' + block("yaml", "# my_watchdog.yaml")
    for own, free in ports.items():
        text = text.replace(own, str(free))
    (tmp_path / "my_watchdog.yaml").write_text(text)
    own_ports = {"GATEWAY_PORT": str(gateway), "GPU_EXPORTER_PORT": str(gpus)}
    expected = shown("watchdog_up")
    page = f"http://127.0.0.1:{listen}/metrics"
    with started(command("llmstack watchdog my_watchdog.yaml"), tmp_path, page, {}, **own_ports):
        for port in (gateway, gpus):
            wait_until(
                partial(series, f"http://127.0.0.1:{port}/metrics"),
                within=30,
                what=f"{port} answers",
            )
        wait_until(lambda: expected <= series(page), within=10, what=f"{expected} is shown")
    assert (set(), set()) == tuple(
        series(f"http://127.0.0.1:{port}/metrics") for port in (gateway, gpus)
    )


def test_the_app(tmp_path: Path) -> None:
    """It answers, and shows what it has counted."""
    (tmp_path / "my_app.py").write_text(block("python", "# my_app.py"))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    expected = shown("llm_requests_total")
    line = command("uvicorn my_app:app --port 8001")
    with started(line, tmp_path, f"{url}/metrics", {"8001": port}):
        found = requests.post(f"{url}/generate", params={"prompt": "so it is"}, timeout=20)
        assert ("SO IT IS", expected - series(f"{url}/metrics")) == (found.json(), set())
