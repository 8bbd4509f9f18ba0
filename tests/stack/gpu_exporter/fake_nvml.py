"""NVML as a test wants it: GPUs whose calls fail as they are told to, fall off the bus and come back."""

from __future__ import annotations

import ctypes
import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from prometheus_client.samples import Sample

from llmstack.gpu_exporter.exposition import Exposition
from llmstack.gpu_exporter.names import Names
from llmstack.gpu_exporter.nvml import Code
from llmstack.gpu_exporter.sampler import Sampler
from llmstack.gpu_exporter.settings import Settings
from tests.exposition import Family, read_exposition

MIB = 2**20
NO_INSTANCE = 0xFFFFFFFF

FIELDS = {38: 21, 45: 22, 52: 23, 59: 24, 82: 70, 138: 1_000_000, 139: 500_000, 186: 305_000}
GPM = {1: 51.0, 2: 52.0, 3: 53.0, 5: 54.0, 10: 55.0, 11: 0.5, 12: 7.0, 13: 8.0, 20: 3.0, 21: 4.0}
ECC = {(0, 0): 11, (1, 0): 12, (0, 1): 13, (1, 1): 14}


class NVMLError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__(f"error {value}")
        self.value = value


@dataclass
class FakeSlice:
    instance: int
    profile: str
    used: int = 1000 * MIB


@dataclass
class FakeGpu:
    uuid: str = "GPU-a"
    minor: int = 0
    #: What a call raises: by its name.
    fails: dict[str, int] = field(default_factory=dict)
    #: What a call gives in place of what it gives by itself.
    says: dict[str, Any] = field(default_factory=dict)
    fields: dict[int, float] = field(default_factory=lambda: dict(FIELDS))
    gpm: dict[int, float] = field(default_factory=lambda: dict(GPM))
    is_lost: bool = False
    #: None for a GPU that MIG is off for; None among them is a place without a slice.
    slices: list[FakeSlice | None] | None = None


class Handle(ctypes.Structure):
    """What a handle points to, of which NVML tells nothing."""


@dataclass
class FakeNvml:
    """What `import pynvml` gives, with made GPUs."""

    gpus: list[FakeGpu]
    #: What each call raises that is no question to a GPU.
    fails: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    begun: int = 0
    samples_held: int = 0
    event_sets_held: int = 0
    #: Events to be heard; a number is an error to be raised.
    events: queue.Queue[tuple[FakeGpu, int, int] | int] = field(default_factory=queue.Queue)
    _addresses: dict[int, Any] = field(default_factory=dict)

    NVMLError = NVMLError

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not name.startswith("nvml"):
            raise AttributeError(name)

        def call(*arguments: Any, **named: Any) -> Any:
            return self._call(name, arguments, named)

        return call

    def _call(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        self.calls.append(name)
        if name in self.fails:
            raise NVMLError(self.fails[name])
        system = getattr(self, f"_{name}", None)
        if system is not None:
            return system(*arguments, **named)
        if not self.begun:
            raise NVMLError(Code.UNINITIALIZED)
        of, *rest = arguments
        gpu = self._gpu(of)
        self._check(gpu, name)
        if isinstance(gpu, FakeGpu) and name in gpu.says:
            return gpu.says[name]
        return getattr(FakeAnswers, name)(gpu, *rest, **named)

    def _check(self, gpu: FakeGpu | FakeSlice, name: str) -> None:
        if isinstance(gpu, FakeGpu):
            if gpu.is_lost:
                raise NVMLError(Code.GPU_IS_LOST)
            if name in gpu.fails:
                raise NVMLError(gpu.fails[name])

    # Handles

    def _handle_of(self, gpu: FakeGpu | FakeSlice) -> Any:
        # Each time another object for the same address, as NVML gives them.
        address = id(gpu)
        self._addresses[address] = gpu
        return ctypes.cast(ctypes.c_void_p(address), ctypes.POINTER(Handle))

    def _gpu(self, handle: Any) -> Any:
        return self._addresses[ctypes.cast(handle, ctypes.c_void_p).value or 0]

    # The library

    def _nvmlInit(self) -> None:
        self.begun += 1

    def _nvmlShutdown(self) -> None:
        self.begun -= 1

    def _nvmlSystemGetDriverVersion(self) -> str:
        return "580.1"

    def _nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def _nvmlDeviceGetHandleByIndex(self, index: int) -> Any:
        if index >= len(self.gpus):
            raise NVMLError(Code.INVALID_ARGUMENT)
        self._check(self.gpus[index], "nvmlDeviceGetHandleByIndex")
        return self._handle_of(self.gpus[index])

    def _nvmlDeviceGetHandleByUUID(self, uuid: str) -> Any:
        for gpu in self.gpus:
            if gpu.uuid == uuid:
                self._check(gpu, "nvmlDeviceGetHandleByUUID")
                return self._handle_of(gpu)
        raise NVMLError(Code.NOT_FOUND)

    # Slices

    def _nvmlDeviceGetMigDeviceHandleByIndex(self, handle: Any, index: int) -> Any:
        gpu = self._gpu(handle)
        self._check(gpu, "nvmlDeviceGetMigDeviceHandleByIndex")
        part = gpu.slices[index]
        if part is None:
            raise NVMLError(Code.NOT_FOUND)
        return self._handle_of(part)

    # Events

    def _nvmlEventSetCreate(self) -> object:
        self.event_sets_held += 1
        return object()

    def _nvmlEventSetFree(self, _: object) -> None:
        self.event_sets_held -= 1

    def _nvmlEventSetWait_v2(self, _: object, milliseconds: int) -> SimpleNamespace:
        try:
            # So much less than NVML waits: nothing here depends on it.
            event = self.events.get(
                timeout=min(milliseconds, 5) / 1000 or None, block=milliseconds > 0
            )
        except queue.Empty:
            raise NVMLError(Code.TIMEOUT) from None
        if isinstance(event, int):
            raise NVMLError(event)
        gpu, code, instance = event
        return SimpleNamespace(
            device=self._handle_of(gpu), eventType=8, eventData=code, gpuInstanceId=instance
        )

    # Performance monitoring

    def c_nvmlGpmMetricsGet_t(self) -> SimpleNamespace:
        room = [SimpleNamespace(metricId=0, nvmlReturn=0, value=0.0) for _ in range(20)]
        return SimpleNamespace(metrics=room)

    def _nvmlGpmSampleAlloc(self) -> SimpleNamespace:
        self.samples_held += 1
        return SimpleNamespace()

    def _nvmlGpmSampleFree(self, _: object) -> None:
        self.samples_held -= 1

    def _nvmlGpmMetricsGet(self, asked: SimpleNamespace) -> SimpleNamespace:
        for metric in asked.metrics[: asked.numMetrics]:
            known = asked.sample1.found and asked.sample2.found
            metric.nvmlReturn = 0 if metric.metricId in known else Code.NOT_SUPPORTED
            metric.value = known.get(metric.metricId, 0.0)
        return asked


class FakeAnswers:
    """What a GPU says to each question: odd numbers, so that each shows where it came from."""

    @staticmethod
    def nvmlDeviceGetUUID(gpu: FakeGpu) -> str:
        return gpu.uuid

    @staticmethod
    def nvmlDeviceGetMinorNumber(gpu: FakeGpu) -> int:
        return gpu.minor

    @staticmethod
    def nvmlDeviceGetPciInfo(gpu: FakeGpu) -> SimpleNamespace:
        return SimpleNamespace(busId=f"00000000:{gpu.minor:02X}:00.0".encode())

    @staticmethod
    def nvmlDeviceGetName(gpu: FakeGpu | FakeSlice) -> str:
        name = "NVIDIA H100"
        return name if isinstance(gpu, FakeGpu) else f"{name} MIG {gpu.profile}"

    @staticmethod
    def nvmlDeviceGetMigMode(gpu: FakeGpu) -> list[int]:
        return [int(gpu.slices is not None)] * 2

    @staticmethod
    def nvmlDeviceGetMaxMigDeviceCount(gpu: FakeGpu) -> int:
        return len(gpu.slices or ())

    @staticmethod
    def nvmlDeviceGetGpuInstanceId(part: FakeSlice) -> int:
        return part.instance

    @staticmethod
    def nvmlDeviceGetUtilizationRates(gpu: FakeGpu) -> SimpleNamespace:
        if gpu.slices is not None:
            raise NVMLError(Code.NOT_SUPPORTED)
        return SimpleNamespace(gpu=37, memory=41)

    @staticmethod
    def nvmlDeviceGetEncoderUtilization(_: FakeGpu) -> list[int]:
        return [3, 1000]

    @staticmethod
    def nvmlDeviceGetDecoderUtilization(_: FakeGpu) -> list[int]:
        return [5, 1000]

    @staticmethod
    def nvmlDeviceGetMemoryInfo(gpu: FakeGpu | FakeSlice, version: int = 0) -> SimpleNamespace:
        if isinstance(gpu, FakeSlice):
            return SimpleNamespace(
                total=2000 * MIB, used=gpu.used, reserved=0, free=2000 * MIB - gpu.used
            )
        if not version:
            return SimpleNamespace(total=80_000 * MIB, used=70_400 * MIB, free=9_600 * MIB)
        if "v2" in gpu.fails:
            raise NVMLError(gpu.fails["v2"])
        return SimpleNamespace(
            total=80_000 * MIB, used=69_960 * MIB, reserved=480 * MIB, free=9_560 * MIB
        )

    @staticmethod
    def nvmlDeviceGetPowerUsage(_: FakeGpu) -> int:
        return 311_500

    @staticmethod
    def nvmlDeviceGetPowerManagementLimit(_: FakeGpu) -> int:
        return 700_000

    @staticmethod
    def nvmlDeviceGetEnforcedPowerLimit(_: FakeGpu) -> int:
        return 650_000

    @staticmethod
    def nvmlDeviceGetTotalEnergyConsumption(_: FakeGpu) -> int:
        return 123_456_789

    @staticmethod
    def nvmlDeviceGetTemperature(_: FakeGpu, sensor: int) -> int:
        return 61 + sensor

    @staticmethod
    def nvmlDeviceGetClockInfo(_: FakeGpu, domain: int) -> int:
        return {1: 1755, 2: 2619}[domain]

    @staticmethod
    def nvmlDeviceGetFanSpeed(_: FakeGpu) -> int:
        return 47

    @staticmethod
    def nvmlDeviceGetPerformanceState(_: FakeGpu) -> int:
        return 2

    @staticmethod
    def nvmlDeviceGetCurrentClocksEventReasons(_: FakeGpu) -> int:
        return 4

    @staticmethod
    def nvmlDeviceGetCurrentClocksThrottleReasons(_: FakeGpu) -> int:
        return 8

    @staticmethod
    def nvmlDeviceGetViolationStatus(_: FakeGpu, policy: int) -> SimpleNamespace:
        return SimpleNamespace(referenceTime=0, violationTime=2_000_000_000 + policy)

    @staticmethod
    def nvmlDeviceGetPcieReplayCounter(_: FakeGpu) -> int:
        return 7

    @staticmethod
    def nvmlDeviceGetPcieThroughput(_: FakeGpu, direction: int) -> int:
        return 1_100 + direction

    @staticmethod
    def nvmlDeviceGetTotalEccErrors(_: FakeGpu, kind: int, since: int) -> int:
        return ECC[kind, since]

    @staticmethod
    def nvmlDeviceGetRemappedRows(_: FakeGpu) -> tuple[int, ...]:
        return 31, 32, 1, 0

    @staticmethod
    def nvmlDeviceGetRetiredPages(_: FakeGpu, cause: int) -> list[int]:
        return [0] * (16 + cause)

    @staticmethod
    def nvmlDeviceGetRetiredPagesPendingStatus(_: FakeGpu) -> int:
        return 1

    @staticmethod
    def nvmlDeviceGetFieldValues(gpu: FakeGpu, asked: list[tuple[int, int]]) -> list[Any]:
        ((number, _),) = asked
        if number not in gpu.fields:
            return [SimpleNamespace(nvmlReturn=Code.INVALID_ARGUMENT)]
        value = SimpleNamespace(ullVal=gpu.fields[number])
        return [SimpleNamespace(nvmlReturn=0, valueType=3, value=value)]

    @staticmethod
    def nvmlGpmQueryDeviceSupport(gpu: FakeGpu) -> SimpleNamespace:
        return SimpleNamespace(isSupportedDevice=int(bool(gpu.gpm)))

    @staticmethod
    def nvmlGpmSampleGet(gpu: FakeGpu, sample: SimpleNamespace) -> None:
        sample.found = dict(gpu.gpm)

    @staticmethod
    def nvmlGpmMigSampleGet(gpu: FakeGpu, instance: int, sample: SimpleNamespace) -> None:
        sample.found = {number: value + instance for number, value in gpu.gpm.items()}

    @staticmethod
    def nvmlDeviceRegisterEvents(gpu: FakeGpu, kinds: int, _: object) -> None:
        assert (True, 8) == (isinstance(gpu, FakeGpu), kinds)


@dataclass
class Bench:
    """A sampler on a fake, asked by hand, and its page."""

    fake: FakeNvml
    settings: Settings = field(default_factory=Settings)
    now: float = 1000.0
    said: list[str] = field(default_factory=list)
    sampler: Sampler = field(init=False)

    def __post_init__(self) -> None:
        self.sampler = Sampler(
            self.fake, self.settings, clock=lambda: self.now, say=self.said.append
        )

    def sample(self, times: int = 1) -> None:
        for _ in range(times):
            self.now += 2
            self.sampler.sample()

    @property
    def text(self) -> str:
        shown = Exposition(self.settings.names, "inn", self.settings.stale_after)
        return shown.text(self.sampler.snapshot, self.now)

    @property
    def families(self) -> dict[str, Family]:
        return read_exposition(self.text)

    def series(self, family: str, *labels: str) -> dict[tuple[str, ...], float]:
        """The values of a family, by the values of some labels."""
        samples: tuple[Sample, ...] = (
            self.families[family].samples if family in self.families else ()
        )
        return {tuple(s.labels.get(name, "") for name in labels): s.value for s in samples}

    def value(self, family: str) -> float | None:
        """The value of a family of which there is one series; None where there is none."""
        found = list(self.series(family).values())
        return found[0] if found else None


def bench(*gpus: FakeGpu, names: Names = Names.LEGACY, pcie_throughput: bool = False) -> Bench:
    settings = Settings(names=names, pcie_throughput=pcie_throughput)
    return Bench(FakeNvml(list(gpus) or [FakeGpu()]), settings)
