"""NVML without a GPU: the functions that the exporter calls, answered by GPUs that are played.

All of the exporter runs as it does on a real host; only the library is another.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias

from llmstack.gpu_exporter import nvml
from llmstack.gpu_exporter import simulated_gpu as numbers
from llmstack.gpu_exporter.simulated_gpu import SimulatedGpu

NAME = "NVIDIA H100 80GB HBM3"
DRIVER = "580.95.05"
_MILLI = 1000

Function: TypeAlias = Callable[..., Any]


class NVMLError(Exception):
    """As nvidia-ml-py raises it: an error with its number in `value`."""

    def __init__(self, value: int) -> None:
        super().__init__(nvml.error_name(value))
        self.value = value


class SimulatedNvml:
    """As many GPUs as one likes; equal seeds make equal GPUs at equal times.

    A function that is not played is one that these GPUs do not support.
    """

    NVMLError = NVMLError

    def __init__(
        self, count: int, seed: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Play GPUs from now on, by a clock in seconds."""
        self._clock, self._began = clock, clock()
        self._gpus = [SimulatedGpu(number, seed) for number in range(count)]
        draw = random.Random(seed)
        self._uuids = [
            f"GPU-{draw.getrandbits(32):08x}-0000-4000-8000-{number:012x}"
            for number in range(count)
        ]
        self._functions: dict[str, Function] = {
            **self._system(),
            **self._of_gpus(),
            **self._errors(),
            **self._performance(),
        }

    def __getattr__(self, name: str) -> Function:
        """Return a function of NVML by its name."""
        if not name.startswith("nvml"):
            raise AttributeError(name)
        return self._functions.get(name, _unsupported)

    def c_nvmlGpmMetricsGet_t(self) -> SimpleNamespace:  # noqa: N802 - as nvidia-ml-py calls it
        """Return the structure by which GPM is asked, with room for all its metrics."""
        room = [SimpleNamespace(metricId=0, nvmlReturn=0, value=0.0) for _ in range(64)]
        return SimpleNamespace(metrics=room)

    def _at(self, handle: int) -> SimulatedGpu:
        gpu = self._gpus[handle - 1]
        gpu.advance(self._clock() - self._began)
        return gpu

    def _handle(self, index: int) -> int:
        if not 0 <= index < len(self._gpus):
            raise NVMLError(nvml.Code.INVALID_ARGUMENT)
        # A handle is an address, and that of nothing is no handle.
        return index + 1

    def _system(self) -> dict[str, Function]:
        return {
            "nvmlInit": lambda: None,
            "nvmlShutdown": lambda: None,
            "nvmlSystemGetDriverVersion": lambda: DRIVER,
            "nvmlDeviceGetCount": lambda: len(self._gpus),
            "nvmlDeviceGetHandleByIndex": self._handle,
            "nvmlDeviceGetHandleByUUID": lambda uuid: self._uuids.index(uuid) + 1,
            "nvmlDeviceGetUUID": lambda gpu: self._uuids[gpu - 1],
            "nvmlDeviceGetMinorNumber": lambda gpu: gpu - 1,
            "nvmlDeviceGetPciInfo": lambda gpu: SimpleNamespace(
                busId=f"00000000:{0x18 + 8 * (gpu - 1):02X}:00.0".encode()
            ),
            "nvmlDeviceGetName": lambda _: NAME,
            "nvmlDeviceGetMigMode": lambda _: [0, 0],
        }

    def _of_gpus(self) -> dict[str, Function]:
        at = self._at
        return {
            "nvmlDeviceGetUtilizationRates": lambda gpu: SimpleNamespace(
                gpu=at(gpu).utilisation, memory=round(100 * at(gpu).memory_activity)
            ),
            "nvmlDeviceGetEncoderUtilization": lambda _: [0, 167_000],
            "nvmlDeviceGetDecoderUtilization": lambda _: [0, 167_000],
            "nvmlDeviceGetMemoryInfo": _memory,
            "nvmlDeviceGetPowerUsage": lambda gpu: round(at(gpu).watts * _MILLI),
            "nvmlDeviceGetPowerManagementLimit": lambda _: _limit(),
            "nvmlDeviceGetEnforcedPowerLimit": lambda _: _limit(),
            "nvmlDeviceGetTotalEnergyConsumption": lambda gpu: round(at(gpu).energy_millijoules),
            "nvmlDeviceGetTemperature": lambda gpu, _: round(at(gpu).temperature),
            "nvmlDeviceGetClockInfo": lambda gpu, domain: (
                numbers.MEMORY_CLOCK if domain == nvml.CLOCK_MEMORY else at(gpu).sm_clock
            ),
            "nvmlDeviceGetPerformanceState": lambda _: 0,
            "nvmlDeviceGetCurrentClocksEventReasons": lambda gpu: at(gpu).clock_events,
            "nvmlDeviceGetViolationStatus": self._violation,
            "nvmlDeviceGetFieldValues": lambda gpu, asked: [
                self._field(at(gpu), number) for number, _ in asked
            ],
            "nvmlDeviceGetPcieThroughput": lambda gpu, _: round(at(gpu).load * 400_000),
        }

    def _violation(self, handle: int, policy: int) -> SimpleNamespace:
        held = self._at(handle).capped_nanoseconds if policy == nvml.POWER else 0
        return SimpleNamespace(violationTime=round(held))

    @staticmethod
    def _field(gpu: SimulatedGpu, number: int) -> SimpleNamespace:
        errors = (
            *(nvml.FIELD_NVLINK_CRC_FLIT, nvml.FIELD_NVLINK_CRC_DATA),
            *(nvml.FIELD_NVLINK_REPLAY, nvml.FIELD_NVLINK_RECOVERY),
        )
        known = {
            nvml.FIELD_MEMORY_TEMPERATURE: gpu.temperature + 9,
            nvml.FIELD_POWER_INSTANT: gpu.watts * _MILLI,
            nvml.FIELD_NVLINK_SENT: gpu.nvlink_kibibytes,
            nvml.FIELD_NVLINK_RECEIVED: gpu.nvlink_kibibytes,
            **dict.fromkeys(errors, 0),
        }
        if number not in known:
            return SimpleNamespace(nvmlReturn=nvml.Code.NOT_SUPPORTED)
        value = SimpleNamespace(ullVal=round(known[number]))
        return SimpleNamespace(nvmlReturn=0, valueType=3, value=value)

    def _errors(self) -> dict[str, Function]:
        return {
            "nvmlDeviceGetPcieReplayCounter": lambda _: 0,
            "nvmlDeviceGetTotalEccErrors": lambda *_: 0,
            "nvmlDeviceGetRemappedRows": lambda _: (0, 0, 0, 0),
            "nvmlEventSetCreate": object,
            "nvmlEventSetFree": lambda _: None,
            "nvmlDeviceRegisterEvents": lambda *_: None,
            "nvmlEventSetWait_v2": _nothing_happens,
        }

    def _performance(self) -> dict[str, Function]:
        def take(gpu: int, sample: SimpleNamespace) -> SimpleNamespace:
            now = self._at(gpu)
            # By the numbers of nvmlGpmMetricId_t.
            sample.found = {
                1: now.utilisation,
                2: 100 * now.memory_activity,
                3: 31 * now.load,
                5: 100 * now.tensor_activity,
                10: 100 * now.memory_activity,
                11: 0,
                12: 6 * now.load,
                13: 2 * now.load,
                20: 400 * now.load,
                21: 260 * now.load,
            }
            return sample

        def compare(asked: SimpleNamespace) -> SimpleNamespace:
            for metric in asked.metrics[: asked.numMetrics]:
                metric.value = float(asked.sample2.found[metric.metricId])
            return asked

        return {
            "nvmlGpmQueryDeviceSupport": lambda _: SimpleNamespace(isSupportedDevice=1),
            "nvmlGpmSampleAlloc": SimpleNamespace,
            "nvmlGpmSampleFree": lambda _: None,
            "nvmlGpmSampleGet": take,
            "nvmlGpmMetricsGet": compare,
        }


def _memory(_: int, version: int = 0) -> SimpleNamespace:
    used, reserved = numbers.MEMORY_USED, numbers.MEMORY_RESERVED
    return SimpleNamespace(
        total=numbers.MEMORY_TOTAL,
        used=used if version else used + reserved,
        reserved=reserved,
        free=numbers.MEMORY_TOTAL - used - reserved,
    )


def _limit() -> int:
    return round(numbers.POWER_LIMIT_WATTS * _MILLI)


def _nothing_happens(_: object, milliseconds: int) -> SimpleNamespace:
    """Wait as long as is asked, without an error."""
    threading.Event().wait(milliseconds / _MILLI)
    raise NVMLError(nvml.Code.TIMEOUT)


def _unsupported(*_: object, **__: object) -> SimpleNamespace:
    raise NVMLError(nvml.Code.NOT_SUPPORTED)
