"""The demonstration for real: a table within a minute, and nothing left at the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.process import started_in, wait_until
from tests.prometheus_tools import tools_of_major
from tests.requirements import require

GENERATED = Path(__file__).resolve().parents[3] / "generated"
MAJOR = 3


def command(*more: str) -> list[str]:
    """The command, with the tools that are here."""
    tools = tools_of_major(MAJOR)
    if tools.prometheus is None or tools.alertmanager is None:
        require(f"prom{MAJOR}", "promtool 3.x has no Prometheus or no Alertmanager beside it")
    found = ["--prometheus", str(tools.prometheus), "--alertmanager", str(tools.alertmanager)]
    return [sys.executable, "-m", "llmstack", "demo", "--plain", "--generated", str(GENERATED), *found, *more]  # fmt: skip


class Running:
    """A demonstration, and what it has written so far."""

    def __init__(self, folder: Path, *more: str) -> None:
        self._log = folder / "demo.log"
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                command(*more),
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**_environment(), "TMPDIR": str(folder)},
            )

    @property
    def text(self) -> str:
        return self._log.read_text(errors="replace")

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GRAFANA_")}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.end()


@pytest.mark.promtool
def test_it_is_live_and_leaves_nothing(running: Running, tmp_path: Path) -> None:
    """All is scraped, rules speak, panels have data; Ctrl-C ends every process and removes every file."""
    wait_until(
        lambda: " live, " in running.text or running.process.poll() is not None,
        within=150,
        what="the table is live",
    )
    (told,) = [line for line in running.text.splitlines() if " live, " in line][:1]
    assert 6 <= len(started_in(tmp_path))
    code = running.end()

    with_data, every = map(int, re.findall(r"panels with data (\d+)/(\d+)", told)[0])
    assert re.search(r"targets 6/6", told)
    assert 100 < with_data <= every
    assert "alerts firing: none" in running.text
    assert (0, []) == (code, started_in(tmp_path))
    assert ["demo.log"] == [path.name for path in tmp_path.iterdir()]


def test_an_incident_that_there_is_not(tmp_path: Path) -> None:
    """Nothing is started, and those that there are are named."""
    found = Running(tmp_path, "--incident", "meteor")
    code = found.process.wait(30)

    assert 1 == code
    assert "no incident is called meteor; there are slow-prefill, kv-exhaustion" in found.text
