"""The program as one starts it, over a real socket: pages, health, and its end."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from llmdash.metrics import dcgm, gpu_exporter
from llmstack.cli import main
from llmstack.gpu_exporter.exposition import Exposition
from llmstack.gpu_exporter.names import Names
from llmstack.gpu_exporter.server import ExporterServer
from llmstack.gpu_exporter.snapshot import Snapshot
from tests.exposition import read_exposition
from tests.live.process import wait_until

ROOT = Path(__file__).resolve().parents[3]


def get(url: str, path: str, method: str = "GET") -> tuple[int, str, str]:
    """Status, content type and text."""
    found = re.fullmatch(r"http://\[?([^\]]+?)\]?:(\d+)", url)
    assert found is not None
    connection = http.client.HTTPConnection(found[1], int(found[2]), timeout=30)
    with closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()


@contextmanager
def exporter(*options: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, started on a free port, and where it says it is."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("GPU_EXPORTER_")}  # fmt: skip
    environment = {**given, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}", **variables}
    command = [sys.executable, "-m", "llmstack", "gpu-exporter", "--port", "0", *options]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.endswith("/metrics\n"), process.communicate()
            yield process, line.split()[-1].removesuffix("/metrics")
        finally:
            process.kill()


def is_healthy(url: str) -> Any:
    return get(url, "/health")[0] == 200


@pytest.mark.parametrize("names", Names, ids=lambda names: str(names.value))
def test_played_gpus_are_shown_until_it_is_told_to_end(names: Names) -> None:
    """Pages, types and labels are the catalogue's; SIGTERM ends it well, and nothing was complained of."""
    with exporter("--simulate", "3", "--names", names.value, GPU_EXPORTER_INTERVAL_SECONDS="0.05") as (process, url):  # fmt: skip
        wait_until(lambda: is_healthy(url), within=60, what="health")
        status, kind, text = get(url, "/metrics")
        families = read_exposition(text)
        health = json.loads(get(url, "/health")[2])
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=60)
    known = {metric.name: metric.kind for metric in (*dcgm.METRICS, *gpu_exporter.METRICS)}
    power = {Names.LEGACY: "DCGM_FI_DEV_POWER_USAGE", Names.RENAMED: "DCGM_FI_DEV_BOARD_POWER_WATTS"}  # fmt: skip

    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (status, kind)
    assert {name: known[name] for name in families} == {n: f.kind for n, f in families.items()}
    assert ["0", "1", "2"] == [s.labels["gpu"] for s in families[power[names]].samples]
    assert ("ok", 3, []) == (health["status"], health["gpus"], health["lost"])
    assert 0 == process.returncode
    assert ["gpu-exporter: NVML answers: driver 580.95.05, GPUs: 3"] == complaints.splitlines()


def test_options_win_over_the_environment() -> None:
    """What the command line says holds where both speak."""
    with exporter("--simulate", "1", GPU_EXPORTER_SIMULATE="5") as (_, url):
        wait_until(lambda: is_healthy(url), within=60, what="health")
        health = json.loads(get(url, "/health")[2])

    assert 1 == health["gpus"]


def test_a_port_that_is_taken_is_named() -> None:
    """The error names the variables and the address, without a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        # In a process of its own: the command takes over the signals of the one that it runs in.
        command = [sys.executable, "-m", "llmstack", "gpu-exporter", "--simulate", "1", "--port", str(port)]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    assert 1 == done.returncode
    assert f"Error: GPU_EXPORTER_HOST, GPU_EXPORTER_PORT: cannot listen at 127.0.0.1:{port} (Address already in use)\n" == done.stderr  # fmt: skip


def test_a_setting_that_cannot_be_is_told_without_a_traceback() -> None:
    """An interval of nothing is refused before anything starts."""
    done = CliRunner().invoke(main, ["gpu-exporter", "--interval", "0"])

    assert (1, "Error: GPU_EXPORTER_INTERVAL_SECONDS: expected a number above 0, got 0.0\n") == (done.exit_code, done.output)  # fmt: skip


# The server, on snapshots that are handed to it


@contextmanager
def served(snapshot: Snapshot, now: float, host: str = "127.0.0.1") -> Iterator[str]:
    shown = Exposition(Names.LEGACY, "inn", 10.0)
    with ExporterServer((host, 0), shown, lambda: snapshot, lambda: now) as server:
        yield server.url


@pytest.mark.parametrize(
    ("snapshot", "now", "status", "told"),
    [
        (
            Snapshot(100.0, gpus=2, lost=(1,)),
            110.0,
            200,
            {"status": "ok", "gpus": 2, "lost": [1], "snapshot_age_seconds": 10.0},
        ),
        (
            Snapshot(100.0, gpus=2),
            110.5,
            503,
            {
                "status": "unhealthy",
                "problem": "the last sample is 10.5 s old",
                "gpus": 2,
                "lost": [],
                "snapshot_age_seconds": 10.5,
            },
        ),
        (
            Snapshot(100.0, problem="NVML does not answer (Driver Not Loaded)"),
            101.0,
            503,
            {
                "status": "unhealthy",
                "problem": "NVML does not answer (Driver Not Loaded)",
                "gpus": 0,
                "lost": [],
                "snapshot_age_seconds": 1.0,
            },
        ),
    ],
    ids=["well", "old", "without a driver"],
)
def test_health_says_what_is_wrong(
    snapshot: Snapshot, now: float, status: int, told: dict[str, Any]
) -> None:
    """It is 200 while NVML answers lately, a lost GPU among others too, else 503 with the reason."""
    with served(snapshot, now) as url:
        found = get(url, "/health")

    assert (status, "application/json", told) == (*found[:2], json.loads(found[2]))


def test_metrics_are_there_when_health_is_not() -> None:
    """Prometheus is told that NVML is gone; a failed scrape would look like a dead exporter."""
    with served(Snapshot(100.0, problem="nothing yet"), 101.0) as url:
        status, _, text = get(url, "/metrics?name[]=x")

    assert (200, 0) == (status, read_exposition(text)["gpu_exporter_up"].samples[0].value)


def test_other_pages_are_not_there() -> None:
    """Another path is 404, and says where to look; HEAD has no body."""
    with served(Snapshot(100.0), 101.0) as url:
        missing, head = get(url, "/"), get(url, "/metrics", "HEAD")

    assert (404, "see /metrics and /health\n") == (missing[0], missing[2])
    assert (200, "") == (head[0], head[2])


def test_it_listens_to_the_newer_internet_too() -> None:
    """An address with colons is one of IPv6."""
    if not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")
    try:
        with served(Snapshot(100.0), 101.0, "::1") as url:
            status = get(url, "/health")[0]
    except Exception as error:
        if "cannot listen at ::1" in str(error):
            pytest.skip("this machine has no IPv6 loopback")
        raise

    assert 200 == status
