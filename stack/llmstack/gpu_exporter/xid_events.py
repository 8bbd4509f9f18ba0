"""XID errors: the driver tells them once, as they happen, to whoever waits for them.

A thread waits; what it hears is kept by GPU for as long as the exporter runs.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from llmstack.gpu_exporter import nvml

#: How long a wait lasts, and so how long it takes to end the thread.
_WAIT_MILLISECONDS = 200
_JOIN_SECONDS = 5.0


@dataclass(frozen=True)
class Place:
    """Where an error happened: a GPU by its UUID, and the slice of it if it was one's own."""

    uuid: str
    instance: int | None = None


@dataclass
class XidLog:
    """The last code of each place, and how often each code came."""

    _last: dict[Place, int] = field(default_factory=dict)
    _counts: dict[tuple[Place, int], int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, place: Place, code: int) -> None:
        """Keep an error that happened."""
        with self._lock:
            self._last[place] = code
            self._counts[place, code] = self._counts.get((place, code), 0) + 1

    def forget_last(self) -> None:
        """Call all well: the driver has been loaded anew. Counts stay."""
        with self._lock:
            self._last.clear()

    def last(self, uuid: str) -> Mapping[int | None, int]:
        """Return the last code of a GPU and of each of its slices that had one."""
        with self._lock:
            return {p.instance: code for p, code in self._last.items() if p.uuid == uuid}

    def counts(self, uuid: str) -> Mapping[tuple[int | None, int], int]:
        """Return how often each code came on a GPU, by slice and code."""
        with self._lock:
            return {(p.instance, c): n for (p, c), n in self._counts.items() if p.uuid == uuid}


class XidWatcher:
    """Waits for the errors of some GPUs, in a thread of its own, until it is stopped or fails."""

    def __init__(self, library: Any, log: XidLog, gpus: Mapping[str, Any]) -> None:
        """Watch GPUs, whose handles are given by UUID; it starts at once.

        Raises:
            library.NVMLError: events cannot be had at all.
        """
        self._library, self._log = library, log
        self._events = library.nvmlEventSetCreate()
        self._uuids = {}
        self.failures: dict[str, int] = {}
        for uuid, handle in gpus.items():
            try:
                library.nvmlDeviceRegisterEvents(handle, nvml.XID_EVENT, self._events)
                self._uuids[_address(handle)] = uuid
            except library.NVMLError as error:
                # This GPU tells none; the others may.
                self.failures[uuid] = nvml.code_of(error)
        self.asked = frozenset(gpus)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="xid-watcher", daemon=True)
        self._thread.start()

    @property
    def watched(self) -> frozenset[str]:
        """The UUIDs of GPUs whose errors are heard."""
        return frozenset(self._uuids.values()) if self._thread.is_alive() else frozenset()

    @property
    def is_well(self) -> bool:
        """Whether it still waits, or has nothing to wait for."""
        return self._thread.is_alive() or not self._uuids

    def stop(self) -> None:
        """End the thread; one that hangs in the driver is left behind."""
        self._stop.set()
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        try:
            while self._uuids:
                # What was told before the end is heard: a GPU that falls off the bus tells why.
                is_last = self._stop.is_set()
                wait = 0 if is_last else _WAIT_MILLISECONDS
                try:
                    event = self._library.nvmlEventSetWait_v2(self._events, wait)
                except self._library.NVMLError as error:
                    if is_last or nvml.code_of(error) != nvml.Code.TIMEOUT:
                        return  # where a GPU is lost, or the driver is, the sampler begins anew
                    continue
                self._hear(event)
        finally:
            with suppress(self._library.NVMLError):
                self._library.nvmlEventSetFree(self._events)

    def _hear(self, event: Any) -> None:
        uuid = self._uuids.get(_address(event.device))
        if uuid is None or not event.eventType & nvml.XID_EVENT:
            return
        # 0 is a slice: one that is the whole GPU has that number.
        instance = None if event.gpuInstanceId == nvml.NO_INSTANCE else event.gpuInstanceId
        self._log.add(Place(uuid, instance), int(event.eventData))


def _address(handle: Any) -> int:
    """Return what a handle points to: two handles of one GPU are different objects.

    A lost GPU does not tell its UUID any more, so it cannot be asked for it.
    """
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
