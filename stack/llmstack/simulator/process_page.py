"""What Python's client says of its own process, for a server that shares it with others."""

from __future__ import annotations

import gc
import os
import platform
import resource
import time
from pathlib import Path

from llmdash.metrics import python_process as metrics
from llmstack.simulator.exposition import Exposition

#: None of its families depends on a release.
_ANY = "0"


class ProcessPage:
    """The families of one process."""

    def __init__(self, exposition: Exposition, started: float) -> None:
        """Make the series.

        Args:
            exposition: where they are shown.
            started: when the server was, in seconds since 1970: a crash makes a new one.
        """
        self._shown = exposition
        exposition.gauge(metrics.PROCESS_START_TIME_SECONDS, _ANY).set(started)
        version = platform.python_version_tuple()
        exposition.gauge(
            metrics.PYTHON_INFO,
            _ANY,
            implementation=platform.python_implementation(),
            major=version[0],
            minor=version[1],
            patchlevel=version[2],
            version=platform.python_version(),
        ).set(1)
        # It counts from the start of the server, and others in this process were before it.
        self._cpu_before = time.process_time()
        self.look()

    def look(self) -> None:
        """Bring what moves up to date."""
        self._shown.counter(metrics.PROCESS_CPU_SECONDS_TOTAL, _ANY).set(
            time.process_time() - self._cpu_before
        )
        resident, virtual = _memory()
        self._shown.gauge(metrics.PROCESS_RESIDENT_MEMORY_BYTES, _ANY).set(resident)
        self._shown.gauge(metrics.PROCESS_VIRTUAL_MEMORY_BYTES, _ANY).set(virtual)
        self._shown.gauge(metrics.PROCESS_OPEN_FDS, _ANY).set(_open_files())
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._shown.gauge(metrics.PROCESS_MAX_FDS, _ANY).set(most)
        for generation, told in enumerate(gc.get_stats()):
            for metric, what in (
                (metrics.PYTHON_GC_OBJECTS_COLLECTED_TOTAL, "collected"),
                (metrics.PYTHON_GC_OBJECTS_UNCOLLECTABLE_TOTAL, "uncollectable"),
                (metrics.PYTHON_GC_COLLECTIONS_TOTAL, "collections"),
            ):
                series = self._shown.counter(metric, _ANY, generation=str(generation))
                series.set(told[what])


def _memory() -> tuple[int, int]:
    """Return resident and virtual bytes; where there is no /proc, the most that was resident."""
    try:
        pages = Path("/proc/self/statm").read_text("ascii").split()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return peak, peak
    size = os.sysconf("SC_PAGE_SIZE")
    return int(pages[1]) * size, int(pages[0]) * size


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0
