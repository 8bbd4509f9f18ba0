"""CPU seconds of the command, beside a floor measured in the same run.

A floor is what cannot be saved: starting Python, or importing the libraries that a command needs.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.results import Row, Section

LLMDASH = Path(sys.executable).with_name("llmdash")
REPEATS = 9


def cpu_seconds(command: Sequence[str | Path], folder: Path) -> float:
    """Return the median user and system time of a command, first run left out."""
    found = []
    for _ in range(REPEATS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(found[1:])


def measure(folder: Path) -> Section:
    """Return all measurements of the command, which writes into the folder."""
    libraries = "import click, grafanalib.core, promql_parser, yaml"
    return Section(
        "The command",
        "Written by `make bench`. CPU seconds (user and system) of the whole process, median of "
        f"{REPEATS} runs after one that warms the caches; the floor is measured in the same run.",
        ("what", "CPU s", "floor CPU s", "ratio"),
        [
            _row("`llmdash build`, the default pack", ["build"], libraries, 2.0, folder),
            _row("`llmdash --help`", ["--help"], "import click", 0.15, folder),
        ],
    )


def _row(what: str, arguments: Sequence[str], floor: str, promise: float, folder: Path) -> Row:
    seconds = cpu_seconds([LLMDASH, *arguments], folder)
    least = cpu_seconds([sys.executable, "-c", floor], folder)
    return Row(
        what,
        f"{seconds:.2f}",
        f"{least:.2f}, `{floor}`",
        f"{seconds / least:.1f}",
        f"under {promise:g} s",
        seconds < promise,
    )
