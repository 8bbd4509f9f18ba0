"""Measures the command and writes `results.md`: CPU seconds, beside a floor measured in the same run.

A floor is what cannot be saved: starting Python, or importing the libraries that a command needs.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).with_name("results.md")
LLMDASH = Path(sys.executable).with_name("llmdash")
REPEATS = 9


@dataclass(frozen=True)
class Measurement:
    """One command against its floor."""

    what: str
    command: str
    seconds: float
    floor: str
    floor_seconds: float
    #: What the command promises to stay under, in CPU seconds.
    promise: float

    @property
    def row(self) -> str:
        """The line of the table."""
        ratio = self.seconds / self.floor_seconds
        kept = "yes" if self.seconds < self.promise else "NO"
        return (
            f"| {self.what} | `{self.command}` | {self.seconds:.2f} | {self.floor} | "
            f"{self.floor_seconds:.2f} | {ratio:.1f} | {self.promise:g} | {kept} |"
        )


def cpu_seconds(command: Sequence[str | Path], folder: Path) -> float:
    """Return the median user and system time of a command, first run left out."""
    found = []
    for _ in range(REPEATS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(found[1:])


def measured(folder: Path) -> list[Measurement]:
    """Return all measurements; the commands write into the folder."""
    libraries = [sys.executable, "-c", "import click, grafanalib.core, promql_parser, yaml"]
    click_alone = [sys.executable, "-c", "import click"]
    return [
        Measurement(
            "build the default pack",
            "llmdash build",
            cpu_seconds([LLMDASH, "build"], folder),
            "import grafanalib, yaml, promql-parser, click",
            cpu_seconds(libraries, folder),
            1.0,
        ),
        Measurement(
            "show help",
            "llmdash --help",
            cpu_seconds([LLMDASH, "--help"], folder),
            "import click",
            cpu_seconds(click_alone, folder),
            0.15,
        ),
    ]


def report(measurements: Sequence[Measurement]) -> str:
    """Return the page."""
    head = "what | command | CPU s | floor | floor CPU s | ratio | promised under | kept"
    rows = "\n".join(measurement.row for measurement in measurements)
    python = f"Python {platform.python_version()}"
    return (
        "# Measurements\n\n"
        "Written by `make bench`. CPU seconds (user and system) of the whole process, median of "
        f"{REPEATS} runs after one that warms the caches; the floor is measured in the same run.\n\n"
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, {python}.\n\n"
        f"| {head} |\n|{' --- |' * 8}\n{rows}\n"
    )


def main() -> int:
    """Measure, write the page, and fail when a promise is broken."""
    with tempfile.TemporaryDirectory() as folder:
        measurements = measured(Path(folder))
    text = report(measurements)
    RESULTS.write_text(text)
    print(text)
    return int(any(m.seconds >= m.promise for m in measurements))


if __name__ == "__main__":
    raise SystemExit(main())
