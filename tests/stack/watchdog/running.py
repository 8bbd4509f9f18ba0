"""A watchdog that really runs, its events as they come, and processes by their id."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from prometheus_client.parser import text_string_to_metric_families

#: Far above what anything here takes on a busy machine: a test that waits so long fails.
PATIENCE_SECONDS = 60
ROOT = Path(__file__).resolve().parents[3]


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-S", "-c", code, *map(str, arguments)]


def is_alive(pid: int) -> bool:
    """Tell whether a process is there; one that has ended and is not waited for has gone."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.01)


def pids_in(path: Path, count: int) -> list[int]:
    """Return the process ids that programs have written into a file, once there are so many."""
    until(lambda: path.exists() and len(path.read_text().split()) >= count, f"{count} in {path}")
    return [int(word) for word in path.read_text().split()]


class Watchdog:
    """`llmstack watchdog` on a file made of these programs."""

    def __init__(self, folder: Path, **programs: dict[str, Any]) -> None:
        path = folder / "watchdog.yaml"
        path.write_text(yaml.safe_dump({"listen": "127.0.0.1:0", "programs": programs}))
        self.printed = folder / "printed"
        with self.printed.open("wb") as printed:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "llmstack", "watchdog", str(path)],
                stdout=subprocess.PIPE,
                stderr=printed,
                text=True,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}"},
            )
        self.events: list[dict[str, Any]] = []
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def __enter__(self) -> Self:
        self.address = self.saw("listening")["address"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Its keepers see that it has gone, and end their programs.
        self.process.kill()
        self.process.wait()

    def saw(self, event: str, **facts: object) -> dict[str, Any]:
        """Return the next event of this kind, waiting for it."""
        for found in self._next():
            if {"event": event, **facts}.items() <= found.items():
                return found
        raise AssertionError(f"no {event} {facts} in {self.events} {self.printed.read_text()}")

    def _next(self) -> Iterator[dict[str, Any]]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                self.events.append(json.loads(self._lines.get(timeout=left)))
            except queue.Empty:
                return
            yield self.events[-1]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def get(self, path: str) -> tuple[int, str]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://{self.address}{path}", timeout=PATIENCE_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def value(self, name: str, **labels: str) -> float | None:
        """Return one sample of /metrics."""
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for sample in family.samples:
                if sample.name == name and labels == dict(sample.labels):
                    return sample.value
        return None
