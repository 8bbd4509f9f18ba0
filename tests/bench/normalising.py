"""How fast a trace of Azure's form of 2024 is normalised, beside the loop one would write, and in how
much memory.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from llmstack.load.traces.cache import cached
from tests.bench.results import Row, Section

#: Rows of the file and its seed; so many a second has the week of conversations of 2024 in the mean.
ROWS, SEED, RATE = 5_000_000, 9, 45.0
#: One row in so many has a stamp without a fraction, which Python writes where it is zero.
WHOLE = 1000
RUNS = 3
#: Times as fast as the loop, and MB at the most.
PROMISED, MOST_MEMORY = 5.0, 300.0


def write_trace(path: Path, rows: int) -> None:
    """Write a trace as Azure publishes them since 2024."""
    chance, at = random.Random(SEED), datetime(2024, 5, 12, tzinfo=UTC)
    with path.open("w") as file:
        file.write("TIMESTAMP,ContextTokens,GeneratedTokens\n")
        for number in range(rows):
            at += timedelta(microseconds=int(chance.expovariate(RATE) * 1e6))
            if number % WHOLE == 0:
                at = at.replace(microsecond=0) + timedelta(seconds=1)
            prompt, answer = chance.lognormvariate(6.9, 1), chance.lognormvariate(4.9, 0.9)
            file.write(f"{at},{int(prompt)},{int(answer)}\n")


def read_in_a_loop(path: Path, _: Path) -> None:
    """Make seconds and tokens of each row, as one would; nothing is kept."""
    for _row in _rows(path):
        pass


def normalise_in_a_loop(path: Path, folder: Path) -> None:
    """Do the same, and write it, compressed as little as ours."""
    with gzip.open(folder / "loop.csv.gz", "wt", compresslevel=1, newline="") as file:
        csv.writer(file).writerows(_rows(path))


def _rows(path: Path) -> Iterator[tuple[float, int, int]]:
    start = None
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["TIMESTAMP"])
            start = start or at
            seconds = (at - start).total_seconds()
            yield seconds, int(row["ContextTokens"]), int(row["GeneratedTokens"])


def normalise(path: Path, folder: Path) -> None:
    """Do it our way."""
    cached(path, folder)


WAYS: dict[str, Callable[[Path, Path], None]] = {
    way.__name__: way for way in (normalise, normalise_in_a_loop, read_in_a_loop)
}


def measure(rows: int = ROWS) -> Section:
    """Run each way in turn, each in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trace = folder / "trace.csv"
        write_trace(trace, rows)
        size = trace.stat().st_size
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
        for _ in range(RUNS):
            for way in WAYS:
                found[way].append(_run(way, trace, folder))
                (folder / "trace.norm.csv.gz").unlink(missing_ok=True)
    seconds = {way: median(each for each, _ in runs) for way, runs in found.items()}
    memory = max(most for _, most in found["normalise"])
    return _section(rows, size, seconds, memory)


def _section(rows: int, size: int, seconds: dict[str, float], memory: float) -> Section:
    ours = seconds["normalise"]
    times, times_read = (seconds[way] / ours for way in ("normalise_in_a_loop", "read_in_a_loop"))
    return Section(
        "Normalising a trace",
        f"Written by `make bench`. A generated trace of {rows:,} rows ({size / 1e6:.0f} MB) in the form "
        f"of Azure's of 2024, one stamp in {WHOLE:,} without a fraction. Rows a second of CPU time, of "
        f"one process each, median of {RUNS}. Against it in the same run: `csv.DictReader` and "
        "`datetime.fromisoformat` in a loop that writes the same with `csv.writer` into gzip of level 1, "
        "and the same loop that only reads and writes nothing.",
        ("what", "measured", "the loop", "ratio"),
        [
            Row(
                "rows/s, read, checked, put in order and written compressed",
                f"{rows / ours:,.0f}",
                f"{rows / seconds['normalise_in_a_loop']:,.0f}",
                f"{times:.1f}",
                f"{PROMISED:g} times or more",
                times >= PROMISED,
            ),
            Row(
                "the same, against the loop that writes nothing",
                f"{rows / ours:,.0f}",
                f"{rows / seconds['read_in_a_loop']:,.0f}",
                f"{times_read:.1f}",
            ),
            Row(
                "most memory, MB",
                f"{memory:.0f}",
                "",
                "",
                f"under {MOST_MEMORY:g}",
                memory < MOST_MEMORY,
            ),
        ],
    )


def _run(way: str, trace: Path, folder: Path) -> tuple[float, float]:
    """Return seconds of CPU time, and the most memory in MB."""
    command = [sys.executable, "-m", "tests.bench.normalising", way, str(trace), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, memory = json.loads(done.stdout)
    return seconds, memory


def main() -> None:
    """Do it one way, and print what it took."""
    way, trace, folder = sys.argv[1:]
    begun = time.process_time()
    WAYS[way](Path(trace), Path(folder))
    seconds = time.process_time() - begun
    # Of this program alone; what getrusage says begins with the one that started it.
    _, _, after = Path("/proc/self/status").read_text().partition("VmHWM:")
    print(json.dumps([seconds, int(after.split()[0]) * 1024 / 1e6]))


if __name__ == "__main__":
    main()
