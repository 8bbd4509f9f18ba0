"""How long it takes from `make demo` to its first live table: where all is installed, and where nothing is."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.results import Row, Section
from tests.stack.demo.running import Demo

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
    with tempfile.TemporaryDirectory() as written:
        began = time.perf_counter()
        demo = Demo(["make", "demo"], Path(written), folder)
        try:
            while time.perf_counter() - began < PATIENCE and not demo.has_ended:
                if demo.live:
                    return time.perf_counter() - began, demo.live[0]
                time.sleep(0.2)
            raise RuntimeError(f"the demo in {folder} was not live:\n{demo.text[-2000:]}")
        finally:
            demo.end()
