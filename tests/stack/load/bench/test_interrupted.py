"""Whoever ends a bench keeps what was measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmstack.load.bench.documents import comparison_of, read
from llmstack.load.bench.rounds import measure_rounds
from llmstack.load.bench.told import told
from llmstack.load.program import (
    INTERRUPTED,
)
from llmstack.load.server_side.server_side import Counted
from tests.stack.load.bench.playing import STEADY, asked, named, played

ROOT = Path(__file__).resolve().parents[4]


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    """In the middle of the second round: the first is whole, and what was begun is in no figure."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}", "PYTHONUNBUFFERED": "1"}
    with played(rates=STEADY) as server:
        words = [sys.executable, "-m", "llmstack", "bench", "--server", f"one=openai-chat@{server.url}", "--rate", "20", "--duration", "2", "--rounds", "9", "--answer-tokens", "const:5", "--log-every", "1", "--output", str(tmp_path)]  # fmt: skip
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("Round 2"):
                    break
            # Its first line comes when it has been sending for a second.
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            said = process.stdout.read()
    found = read(tmp_path / "bench.json")

    assert INTERRUPTED == process.returncode
    assert "Interrupted: these are 2 of 9 runs." in said
    assert "one in round 2 was interrupted, and is in no figure." in said
    assert [False, True] == [run["is_interrupted"] for run in found["runs"]]
    assert 1 == found["summary"]["figures"]["ttft_p50"]["one"]["rounds"]
    assert (tmp_path / "bench.html").exists()


def test_ctrl_c_between_two_runs_keeps_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a server is waited for."""
    seen: list[str] = []
    settled = Counted.settle

    def interrupted(self: Counted, *given: Any) -> Any:
        seen.append("wait")
        # Before and after the first run, and before the second.
        if len(seen) == 3:
            raise KeyboardInterrupt
        return settled(self, *given)

    monkeypatch.setattr(Counted, "settle", interrupted)
    kept: list[str] = []
    with played() as server:
        found = measure_rounds(
            asked(named("one", server), rounds=3),
            lambda _: None,
            lambda _, run: kept.append(run["name"]),
        )

    assert kept
    assert (True, 1) == (found["is_interrupted"], len(found["runs"]))
    assert "Interrupted: these are 1 of 3 runs." in told(comparison_of(found))
