"""One GPU: asked all questions in turn, each by itself, and asked again while it is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from llmdash.metrics import clock_events, dcgm_exporter, gpu_exporter
from llmdash.metrics.metric import Metric
from llmstack.gpu_exporter import nvml
from llmstack.gpu_exporter.gpm import Gpm
from llmstack.gpu_exporter.identity import Remembered, described, is_sliced, slices, uuid_at
from llmstack.gpu_exporter.names import newest
from llmstack.gpu_exporter.nvlink import NvlinkTraffic
from llmstack.gpu_exporter.probes import CLOCK_EVENTS, MEMORY, PCIE_THROUGHPUT, PROBES, Probe
from llmstack.gpu_exporter.snapshot import Value

_SLICES = "nvmlDeviceGetMigDeviceHandleByIndex"
_FIND = "nvmlDeviceGetHandleByUUID"


class GoneError(Exception):
    """NVML itself has to be begun anew; the text says why."""


class GpuQuestions:
    """Asks one GPU, for as long as NVML is not begun anew."""

    def __init__(
        self,
        library: Any,
        remembered: Remembered,
        *,
        pcie_throughput: bool,
        clock: Callable[[], float],
    ) -> None:
        self._library, self.remembered = library, remembered
        #: None while it cannot be asked.
        self.handle: Any = None
        self._is_sliced = False
        self._unsupported: set[tuple[int | None, str, tuple[Metric, ...]]] = set()
        self._mask: int | None = None
        self._gpm: dict[int | None, Gpm] = {}
        self._probes = (*PROBES, NvlinkTraffic(clock).probe)
        self._costly = PCIE_THROUGHPUT if pcie_throughput else ()

    def find(self) -> None:
        """Find it, if it was lost or not yet known.

        Raises:
            GoneError: NVML is gone, not the GPU.
        """
        if self.handle is not None:
            return
        known = self.remembered
        try:
            if not known.uuid:
                known.uuid = uuid_at(self._library, known.number)
            handle = self._library.nvmlDeviceGetHandleByUUID(known.uuid)
            known.described = described(self._library, handle, known.number)
        except self._library.NVMLError as error:
            self._failed(_FIND, error)
            return
        self.handle = handle

    def values(self) -> list[Value]:
        """Ask it, and return what it says; of one that is lost only that it is.

        Raises:
            GoneError: NVML is gone, not the GPU.
        """
        asked: list[Value] = []
        if self.handle is not None:
            try:
                asked.extend(self._asked(self.handle))
            except self._library.NVMLError:
                # Half an answer would be half a GPU.
                asked.clear()
                self.handle = self._mask = None
                self.close()
        is_lost = self.handle is None
        return [*asked, Value(gpu_exporter.GPU_EXPORTER_GPU_LOST, self.remembered.labels, is_lost)]

    def count_failure(self, call: str, code: int) -> None:
        """Count a call that failed for this GPU."""
        failures, key = self.remembered.failures, (call, nvml.error_name(code))
        failures[key] = failures.get(key, 0) + 1

    def close(self) -> None:
        """Free what is held in the driver."""
        for gpm in self._gpm.values():
            gpm.close()
        self._gpm.clear()

    def _asked(self, handle: Any) -> Iterator[Value]:
        labels = self.remembered.labels
        self._see_whether_sliced(handle)
        for probe in self._probes:
            yield from self._answers(probe, handle, labels)
        yield from self._clock_events(handle)
        given: set[Metric] = set()
        if self._is_sliced:
            yield from self._slices(handle)
        else:
            # Memory of a GPU that is cut is that of its slices: pages add it up.
            yield from self._answers(MEMORY, handle, labels)
            for value in self._answers(self._gpm_of(None).probe, handle, labels):
                given.add(newest(value.metric))
                yield value
        for probe in self._costly:
            # What GPM has measured is not measured again.
            if not given.issuperset(newest(family) for family in probe.families):
                yield from self._answers(probe, handle, labels)

    def _see_whether_sliced(self, handle: Any) -> None:
        try:
            now = is_sliced(self._library, handle)
        except self._library.NVMLError as error:
            self._failed("nvmlDeviceGetMigMode", error)
            return
        if now != self._is_sliced:
            # A GPU that is cut, or whole again, answers other questions.
            self._unsupported.clear()
            self.close()
            self._is_sliced = now

    def _slices(self, handle: Any) -> Iterator[Value]:
        try:
            parts = list(slices(self._library, handle))
        except self._library.NVMLError as error:
            self._failed(_SLICES, error)
            return
        for part in parts:
            self.remembered.profiles[part.instance] = part.profile
            labels = self.remembered.slice_labels(part.instance)
            yield from self._answers(MEMORY, part.handle, labels, part.instance)
            # The GPU is asked for its slice here, not the slice itself.
            gpm = self._gpm_of(part.instance)
            yield from self._answers(gpm.probe, handle, labels, part.instance)
        for instance in set(self._gpm) - {part.instance for part in parts}:
            self._gpm.pop(instance).close()

    def _gpm_of(self, instance: int | None) -> Gpm:
        return self._gpm.setdefault(instance, Gpm(self._library, instance))

    def _answers(
        self, probe: Probe, handle: Any, labels: Mapping[str, str], instance: int | None = None
    ) -> Iterator[Value]:
        key = (instance, probe.call, probe.families)
        if key in self._unsupported:
            return
        try:
            answer = probe.read(self._library, handle)
        except self._library.NVMLError as error:
            if nvml.code_of(error) in nvml.UNSUPPORTED:
                self._unsupported.add(key)
            else:
                self._failed(probe.call, error)
            return
        for family, value in zip(probe.families, answer, strict=True):
            if value is not None:
                yield Value(family, labels, value)

    def _clock_events(self, handle: Any) -> Iterator[Value]:
        for value in self._answers(CLOCK_EVENTS, handle, self.remembered.labels):
            yield value
            mask = int(value.value)
            before, self._mask = self._mask, mask
            counts = self.remembered.set_in
            for event in clock_events.CLOCK_EVENTS:
                is_set = bool(mask & event.bit)
                # What is set when it is asked for the first time has set in before.
                has_set_in = is_set and before is not None and not before & event.bit
                counts[event.name] = counts.get(event.name, 0) + has_set_in
                labels = {**self.remembered.labels, "clock_event": event.name}
                yield Value(gpu_exporter.GPU_EXPORTER_CLOCK_EVENT_ACTIVE, labels, is_set)
                total = dcgm_exporter.DCGM_EXP_CLOCK_EVENTS_TOTAL
                yield Value(total, labels, counts[event.name])

    def _failed(self, call: str, error: Exception) -> None:
        """Count a failure; raise it again where nothing else can be asked."""
        code = nvml.code_of(error)
        if code in nvml.GONE:
            raise GoneError(f"{call}: {error}") from error
        self.count_failure(call, code)
        if code == nvml.Code.GPU_IS_LOST and self.handle is not None:
            raise error
