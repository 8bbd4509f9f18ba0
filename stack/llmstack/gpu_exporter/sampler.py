"""The sampler: one thread asks all GPUs again and again, and what it found is one value to read.

It outlives the driver: where NVML is gone it is begun anew at the next round, and a GPU that is
lost is asked again each time while the others go on.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from llmdash.metrics import gpu_exporter
from llmstack.gpu_exporter import nvml
from llmstack.gpu_exporter.gpu_questions import GoneError, GpuQuestions
from llmstack.gpu_exporter.roster import Roster
from llmstack.gpu_exporter.settings import Settings
from llmstack.gpu_exporter.snapshot import Snapshot, Value
from llmstack.gpu_exporter.xid_events import XidLog, XidWatcher
from llmstack.gpu_exporter.xid_values import xid_values

#: A thread that hangs in the driver is not waited for longer.
_JOIN_SECONDS = 5.0
_EVENTS = "nvmlDeviceRegisterEvents"


def _say(text: str) -> None:
    print(f"gpu-exporter: {text}", file=sys.stderr, flush=True)


class Sampler:
    """Asks NVML's GPUs every few seconds; `snapshot` is what was found last."""

    def __init__(
        self,
        library: Any,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] = _say,
    ) -> None:
        """Take the library (`pynvml`, or what is like it); nothing is asked before `start`.

        Args:
            library: NVML, as `nvml` says.
            settings: the interval, and what is asked.
            clock: seconds, by which snapshots are dated.
            say: told in a sentence when NVML comes or goes.
        """
        self._library, self._settings = library, settings
        self._clock, self._say = clock, say
        self._xids = XidLog()
        self._watcher: XidWatcher | None = None
        self._gpus: list[GpuQuestions] | None = None
        self._roster = Roster()
        self._connections = 0
        self._driver = ""
        self._is_driver_new = False
        #: What was said last; nothing yet.
        self._problem: str | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.snapshot = Snapshot(clock(), problem="nothing has been measured yet")

    def start(self) -> None:
        """Begin to ask, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="gpu-sampler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the threads and leave NVML."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)
            if self._thread.is_alive():
                return  # it hangs in the driver, which would hang whoever asks it too
        self._disconnect()

    def sample(self) -> None:
        """Ask all GPUs once, and publish what they say."""
        began = self._clock()
        values: list[Value] = []
        try:
            gpus = self._connected()
            for gpu in gpus:
                gpu.find()
            watched = self._watched(gpus)
            for gpu in gpus:
                values += gpu.values()
                is_watched = gpu.remembered.uuid in watched
                values += xid_values(gpu.remembered, self._xids, is_watched=is_watched)
            problem = "" if gpus else "NVML knows no GPU"
        except (self._library.NVMLError, GoneError) as error:
            problem, values = f"NVML does not answer ({error})", []
            self._is_driver_new = True
        self._publish(began, values, problem)
        if problem or all(gpu.handle is None for gpu in self._gpus or ()):
            self._disconnect()

    def _run(self) -> None:
        while not self._stop.is_set():
            began = self._clock()
            try:
                self.sample()
            except Exception as error:
                # A mistake of ours is shown and ends nothing: a dead thread would show old values.
                self._publish(began, [], f"the sampler failed ({error!r})")
            self._stop.wait(max(0.0, self._settings.interval - (self._clock() - began)))

    def _connected(self) -> list[GpuQuestions]:
        if self._gpus is not None:
            return self._gpus
        self._library.nvmlInit()
        self._connections += 1
        # From here on, who catches what is raised leaves NVML again.
        self._gpus = []
        self._driver = nvml.text_of(self._library.nvmlSystemGetDriverVersion())
        self._roster.call(self._library)
        if self._is_driver_new:
            self._xids.forget_last()
            self._is_driver_new = False
        self._gpus = [
            GpuQuestions(
                self._library,
                remembered,
                pcie_throughput=self._settings.pcie_throughput,
                clock=self._clock,
            )
            for remembered in self._roster
        ]
        return self._gpus

    def _watched(self, gpus: list[GpuQuestions]) -> frozenset[str]:
        """Wait for XID errors of the GPUs that answer, anew where these are others than before."""
        handles = {gpu.remembered.uuid: gpu.handle for gpu in gpus if gpu.handle is not None}
        watcher = self._watcher
        if watcher is None or not watcher.is_well or watcher.asked != frozenset(handles):
            self._stop_watching()
            watcher = self._watcher = self._new_watcher(gpus, handles)
        return watcher.watched if watcher is not None else frozenset()

    def _new_watcher(self, gpus: list[GpuQuestions], handles: dict[str, Any]) -> XidWatcher | None:
        if not handles:
            return None
        try:
            watcher = XidWatcher(self._library, self._xids, handles)
        except self._library.NVMLError as error:
            if nvml.code_of(error) in nvml.GONE:
                raise
            return None
        for gpu in gpus:
            code = watcher.failures.get(gpu.remembered.uuid)
            if code is not None and code not in nvml.UNSUPPORTED:
                gpu.count_failure(_EVENTS, code)
        return watcher

    def _stop_watching(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    def _publish(self, began: float, values: list[Value], problem: str) -> None:
        now = self._clock()
        gpus = self._gpus or []
        self.snapshot = Snapshot(
            taken_at=now,
            values=tuple(values),
            own=tuple(self._own_values(now - began)),
            driver=self._driver,
            problem=problem,
            gpus=len(gpus),
            lost=tuple(gpu.remembered.number for gpu in gpus if gpu.handle is None),
        )
        if problem != self._problem:
            self._say(problem or f"NVML answers: driver {self._driver}, GPUs: {len(gpus)}")
            self._problem = problem

    def _own_values(self, seconds: float) -> Iterator[Value]:
        yield Value(gpu_exporter.GPU_EXPORTER_SAMPLE_SECONDS, {}, seconds)
        yield Value(gpu_exporter.GPU_EXPORTER_CONNECTIONS_TOTAL, {}, self._connections)
        for gpu in self._roster:
            for (call, error), count in gpu.failures.items():
                labels = {**gpu.labels, "call": call, "error": error}
                yield Value(gpu_exporter.GPU_EXPORTER_CALL_FAILURES_TOTAL, labels, count)

    def _disconnect(self) -> None:
        self._stop_watching()
        if self._gpus is None:
            return
        for gpu in self._gpus:
            gpu.close()
        self._gpus = None
        with suppress(self._library.NVMLError):
            self._library.nvmlShutdown()
