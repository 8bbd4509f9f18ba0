"""A demonstration in a process group of its own, and what it has written so far."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

#: A Grafana of whoever runs tests is none of the demonstration's, nor are make's own variables.
_OTHERS = ("GRAFANA_", "MAKE")


class Demo:
    """Runs until it is ended; its files are in a folder."""

    def __init__(
        self, command: Sequence[str], folder: Path, started_in: Path | None = None
    ) -> None:
        """Start it."""
        self.folder, self._log = folder, folder / "demo.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=started_in or folder,
                env={**kept, "TMPDIR": str(folder)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def live(self) -> tuple[tuple[int, int], ...]:
        """Panels with data and all of them, on each live table so far."""
        found = re.findall(r" live, .*panels with data (\d+)/(\d+)", self.text)
        return tuple((int(with_data), int(every)) for with_data, every in found)

    @property
    def fired(self) -> frozenset[str]:
        lists: list[str] = re.findall(r"alerts firing: (.*?);", self.text)
        return frozenset(name for each in lists for name in each.split(", ")) - {"none"}

    def wait(self, within: float) -> int:
        """Wait until it ends by itself; return its status."""
        return self._process.wait(within)

    def end(self) -> int:
        """End it as Ctrl-C does; return its status."""
        if not self.has_ended:
            os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(60)

    def terminate(self) -> int:
        """End it as `kill` does, which tells it alone; return its status."""
        os.kill(self._process.pid, signal.SIGTERM)
        return self._process.wait(60)
