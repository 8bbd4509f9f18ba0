"""How long it takes from `make demo` to its first live table: where all is installed, and where nothing is."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.results import Row, Section

ROOT = Path(__file__).resolve().parents[2]
#: Seconds after which nobody waits any more.
PATIENCE = 900.0
#: Seconds that the table was promised within, where all is installed.
PROMISED = 60.0


def measure() -> Section:
    """Run the demo here, and in a fresh clone."""
    warm, first = _until_live(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        command = ["git", "clone", "--quiet", str(ROOT), str(clone)]
        subprocess.run(command, check=True)
        fresh, _ = _until_live(clone)
    return Section(
        "Demo",
        "Written by `make bench-demo`. Wall-clock seconds from `make demo` to the first table with all "
        "targets up, the rate of tokens recorded and panels with data; once each. Fresh is a clone "
        "without `.venv` and `.tools`: what PyPI and the distribution are asked for is in it, unless "
        "Prometheus is on the PATH already. Most of the warm time is two scrapes of 15 s and the next "
        "evaluation of recordings, every 30 s.",
        ("what", "seconds", "against", "ratio"),
        [
            Row("warm", f"{warm:.0f}", "", "", f"under {PROMISED:g} s", warm < PROMISED),
            Row(f"panels with data then, of {first[1]}", f"{first[0]}", "", ""),
            Row("fresh", f"{fresh:.0f}", f"{warm:.0f} warm", f"{fresh / warm:.1f}"),
        ],
    )


def _until_live(folder: Path) -> tuple[float, tuple[int, int]]:
    """Return the seconds until the table is live, and its panels with data and all of them."""
    with tempfile.TemporaryFile("w+b") as log:
        began = time.perf_counter()
        process = subprocess.Popen(["make", "demo"], cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
        try:
            while time.perf_counter() - began < PATIENCE and process.poll() is None:
                log.seek(0)
                text = log.read().decode(errors="replace")
                if found := re.search(r" live, .*panels with data (\d+)/(\d+)", text):
                    return time.perf_counter() - began, (int(found[1]), int(found[2]))
                time.sleep(0.2)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
    raise RuntimeError(f"the demo in {folder} was not live in {PATIENCE:g} s:\n{text[-2000:]}")
