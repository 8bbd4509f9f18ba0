"""What tells GPUs and their slices apart: the labels that the DCGM exporter gives them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmstack.gpu_exporter import nvml

_PROFILE = re.compile(r"\bMIG (\S+)$")
_MEBIBYTES_OF_GIBIBYTE = 1024


@dataclass(frozen=True)
class Slice:
    """A GPU instance (MIG): a part of a GPU with memory of its own."""

    handle: Any
    instance: int
    profile: str


@dataclass
class Remembered:
    """A GPU as it outlives the driver: who it is, and what was counted of it."""

    #: Its index when it was seen first; a driver that lost one of its neighbours counts otherwise.
    number: int
    #: Nothing until it says who it is.
    uuid: str = ""
    #: The rest of its labels.
    described: Mapping[str, str] = field(default_factory=dict)
    #: By call and error.
    failures: dict[tuple[str, str], int] = field(default_factory=dict)
    #: How often each clock event set in.
    set_in: dict[str, int] = field(default_factory=dict)
    #: What its slices are called, by instance.
    profiles: dict[int, str] = field(default_factory=dict)

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of all its series."""
        known = {"UUID": self.uuid} if self.uuid else {}
        return {"gpu": str(self.number), **known, **self.described}

    def slice_labels(self, instance: int) -> Mapping[str, str]:
        """Return the labels of the series of one of its slices, which keep its UUID."""
        profile = self.profiles.get(instance)
        named = {} if profile is None else {"GPU_I_PROFILE": profile}
        return {**self.labels, "GPU_I_ID": str(instance), **named}


def uuid_at(library: Any, index: int) -> str:
    """Return the UUID of the GPU that the driver has at an index.

    Raises:
        library.NVMLError: it does not say, because it is lost for instance.
    """
    return nvml.text_of(library.nvmlDeviceGetUUID(library.nvmlDeviceGetHandleByIndex(index)))


def described(library: Any, handle: Any, number: int) -> Mapping[str, str]:
    """Return what a GPU is besides its number and its UUID.

    Raises:
        library.NVMLError: it does not say, because it is lost for instance.
    """
    minor = number
    try:
        # /dev/nvidia3 is its name on the host also where a container sees it alone, as number 0.
        minor = library.nvmlDeviceGetMinorNumber(handle)
    except library.NVMLError as error:
        if nvml.code_of(error) not in nvml.UNSUPPORTED:
            raise
    return {
        "pci_bus_id": nvml.text_of(library.nvmlDeviceGetPciInfo(handle).busId),
        "device": f"nvidia{minor}",
        "modelName": nvml.text_of(library.nvmlDeviceGetName(handle)),
    }


def is_sliced(library: Any, gpu: Any) -> bool:
    """Tell whether MIG is on; a GPU that knows no MIG has it off."""
    try:
        mode, _after_reset = library.nvmlDeviceGetMigMode(gpu)
    except library.NVMLError as error:
        if nvml.code_of(error) in nvml.UNSUPPORTED:
            return False
        raise
    return bool(mode == nvml.MIG_ENABLED)


def slices(library: Any, gpu: Any) -> Iterator[Slice]:
    """Yield the GPU instances of a GPU, each once.

    NVML lists compute instances; those of one GPU instance share its memory.
    """
    seen: set[int] = set()
    for place in range(library.nvmlDeviceGetMaxMigDeviceCount(gpu)):
        try:
            handle = library.nvmlDeviceGetMigDeviceHandleByIndex(gpu, place)
            instance = library.nvmlDeviceGetGpuInstanceId(handle)
        except library.NVMLError as error:
            # There may be fewer than there could be, and one may go while it is asked.
            if nvml.code_of(error) in (nvml.Code.NOT_FOUND, nvml.Code.INVALID_ARGUMENT):
                continue
            raise
        if instance not in seen:
            seen.add(instance)
            yield Slice(handle, instance, _profile(library, handle))


def _profile(library: Any, handle: Any) -> str:
    """Return what a slice is called: `1g.10gb`."""
    named = _PROFILE.search(nvml.text_of(library.nvmlDeviceGetName(handle)))
    if named is not None:
        # A compute instance that is a part of its GPU instance has that part first: 1c.3g.20gb.
        return named[1].split("c.", 1)[-1]
    of = library.nvmlDeviceGetAttributes_v2(handle)
    size = round(of.memorySizeMB / _MEBIBYTES_OF_GIBIBYTE)
    return f"{of.gpuInstanceSliceCount}g.{size}gb"
