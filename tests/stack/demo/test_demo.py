"""The demonstration for real: a table within a minute, and nothing left at the end."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmstack.demo.command import program_at
from tests.live.process import started_in, wait_until
from tests.prometheus_tools import tools_of_major
from tests.requirements import require
from tests.stack.demo.running import Demo

GENERATED = Path(__file__).resolve().parents[3] / "generated"
MAJOR = 3


def command(*more: str) -> list[str]:
    """The command, with the tools that are here."""
    tools = tools_of_major(MAJOR)
    if tools.prometheus is None or tools.alertmanager is None:
        require(f"prom{MAJOR}", "promtool 3.x has no Prometheus or no Alertmanager beside it")
    found = ["--prometheus", str(tools.prometheus), "--alertmanager", str(tools.alertmanager)]
    return [sys.executable, "-m", "llmstack", "demo", "--plain", "--generated", str(GENERATED), *found, *more]  # fmt: skip


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Demo]:
    found = Demo(command(), tmp_path)
    yield found
    found.end()


@pytest.mark.promtool
def test_it_is_live_and_leaves_nothing(running: Demo, tmp_path: Path) -> None:
    """All is scraped, rules speak, panels have data; Ctrl-C ends every process and removes every file."""
    wait_until(
        lambda: any(with_data > 100 for with_data, _ in running.live) or running.has_ended,
        within=150,
        what="the table is live, and shows more than 100 panels with data",
    )
    (told,) = [line for line in running.text.splitlines() if " live, " in line][:1]
    assert 6 <= len(started_in(tmp_path))
    code = running.end()

    assert re.search(r"targets 6/6", told)
    assert all(0 < with_data <= every for with_data, every in running.live)
    assert "alerts firing: none" in running.text
    assert (0, []) == (code, started_in(tmp_path))
    assert ["demo.log"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.promtool
def test_it_may_be_ended_before_it_is_live(tmp_path: Path) -> None:
    """Also by a signal that its programs do not get: they are ended, and its folder is removed."""
    never_ready = tmp_path / "prometheus"
    never_ready.write_text("#!/bin/sh\nexec sleep 600\n")
    never_ready.chmod(0o755)
    running = Demo([*command(), "--prometheus", str(never_ready)], tmp_path)
    try:
        wait_until(
            lambda: "alertmanager is ready" in running.text or running.has_ended,
            within=60,
            what="all but Prometheus are ready",
        )
        code = running.terminate()
    finally:
        running.end()

    assert (130, []) == (code, started_in(tmp_path)), running.text
    assert {"demo.log", "prometheus"} == {path.name for path in tmp_path.iterdir()}


def test_a_program_that_there_is_not(tmp_path: Path) -> None:
    """Nothing is started, and its option is named."""
    found = Demo([*command(), "--prometheus", "inn/prometheus"], tmp_path)
    code = found.wait(30)

    assert 1 == code
    assert "--prometheus inn/prometheus: expected a program, got none" in found.text


def test_programs_may_be_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are started elsewhere, and found all the same."""
    (tmp_path / "prometheus").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)

    assert tmp_path / "prometheus" == program_at(Path("prometheus"), "prometheus")


def test_an_incident_that_there_is_not(tmp_path: Path) -> None:
    """Nothing is started, and those that there are are named."""
    found = Demo(command("--incident", "meteor"), tmp_path)
    code = found.wait(30)

    assert 1 == code
    assert "no incident is called meteor; there are slow-prefill, kv-exhaustion" in found.text
