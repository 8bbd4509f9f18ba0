"""NVML's numbers, and what its errors mean to us. The library itself is handed in: `import pynvml`.

nvidia-ml-py carries no types, so it is Any here. Whatever has these functions and an `NVMLError`
can take its place: the simulated one, and the fake of the tests. Numbers are those of nvml.h,
which never change; a test compares them with the library's.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class Code(IntEnum):
    """What a call returned (nvmlReturn_t), as far as it matters here."""

    UNINITIALIZED = 1
    INVALID_ARGUMENT = 2
    NOT_SUPPORTED = 3
    NO_PERMISSION = 4
    NOT_FOUND = 6
    DRIVER_NOT_LOADED = 9
    TIMEOUT = 10
    LIBRARY_NOT_FOUND = 12
    FUNCTION_NOT_FOUND = 13
    GPU_IS_LOST = 15
    RESET_REQUIRED = 16
    LIB_RM_VERSION_MISMATCH = 18
    VGPU_ECC_NOT_SUPPORTED = 22
    ARGUMENT_VERSION_MISMATCH = 25
    DEPRECATED = 26
    UNKNOWN = 999


#: This GPU or this driver will never answer that.
UNSUPPORTED = frozenset(
    {
        Code.NOT_SUPPORTED,
        Code.FUNCTION_NOT_FOUND,
        Code.VGPU_ECC_NOT_SUPPORTED,
        Code.ARGUMENT_VERSION_MISMATCH,
        Code.DEPRECATED,
    }
)
#: NVML itself has to be begun anew: the driver was unloaded, or replaced under a running program.
GONE = frozenset(
    {
        Code.UNINITIALIZED,
        Code.DRIVER_NOT_LOADED,
        Code.LIBRARY_NOT_FOUND,
        Code.LIB_RM_VERSION_MISMATCH,
    }
)

MEMORY_V2 = 0x02000028
TEMPERATURE_GPU = 0
CLOCK_SM, CLOCK_MEMORY = 1, 2
CORRECTED, UNCORRECTED = 0, 1
VOLATILE, AGGREGATE = 0, 1
RETIRED_SINGLE_BIT, RETIRED_DOUBLE_BIT = 0, 1
PCIE_SENT, PCIE_RECEIVED = 0, 1
#: nvmlPerfPolicyType_t, in its order.
POWER, THERMAL, SYNC_BOOST, BOARD_LIMIT, LOW_UTILIZATION, RELIABILITY = range(6)
#: What a GPU says whose performance state is not known.
PSTATE_UNKNOWN = 32
MIG_ENABLED = 1
XID_EVENT = 0x8
#: What an event says that belongs to no slice of a GPU.
NO_INSTANCE = 0xFFFFFFFF

FIELD_MEMORY_TEMPERATURE = 82
FIELD_POWER_INSTANT = 186
FIELD_NVLINK_SENT, FIELD_NVLINK_RECEIVED = 138, 139
FIELD_NVLINK_CRC_FLIT, FIELD_NVLINK_CRC_DATA = 38, 45
FIELD_NVLINK_REPLAY, FIELD_NVLINK_RECOVERY = 52, 59
#: As the scope of a field that exists for each NVLink: all of them together.
ALL_LINKS = 0xFFFFFFFF

#: Members of nvmlValue_t by nvmlValueType_t.
_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")


def code_of(error: Exception) -> int:
    """Return the number of an NVMLError."""
    return int(getattr(error, "value", Code.UNKNOWN))


def error_name(code: int) -> str:
    """Return what an error is called in a label."""
    return Code(code).name.lower() if code in Code.__members__.values() else f"error_{code}"


def field(library: Any, gpu: Any, number: int, scope: int = 0) -> float:
    """Return a field value of a GPU.

    Raises:
        library.NVMLError: the GPU does not answer, or not for this field; one that the driver does
            not know is not supported.
    """
    (found,) = library.nvmlDeviceGetFieldValues(gpu, [(number, scope)])
    if found.nvmlReturn:
        is_unknown = found.nvmlReturn == Code.INVALID_ARGUMENT
        raise library.NVMLError(Code.NOT_SUPPORTED if is_unknown else found.nvmlReturn)
    return float(getattr(found.value, _MEMBERS[found.valueType]))


def text_of(value: str | bytes) -> str:
    """Return a text of NVML: members of its structures are bytes, answers of its calls are not."""
    return value.decode() if isinstance(value, bytes) else value
