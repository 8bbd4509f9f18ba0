"""What each GPU is asked, one NVML call a line, and the families that the answer fills.

Answers are in the units of the families' old names. Each call stands alone: what one GPU or driver
does not know takes nothing else with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from llmdash.metrics import dcgm, dcgm_fields, dcgm_opt_in
from llmdash.metrics.metric import Metric
from llmstack.gpu_exporter import nvml

MEBIBYTE = 2**20
#: Powers are given in thousandths of a watt.
_MILLI = 1000

#: One value a family; None for one that the GPU does not know at the moment.
Answer = Sequence[float | None]
Read = Callable[[Any, Any], Answer]


@dataclass(frozen=True)
class Probe:
    """One question to a GPU: how it is asked, and the families that it answers."""

    #: The call, as failures are counted.
    call: str
    families: tuple[Metric, ...]
    #: Asks with the library and the handle of a GPU.
    read: Read


def _number(call: str, family: Metric, *arguments: int, per: float = 1) -> Probe:
    """Return the question of a call that answers with one number."""

    def read(library: Any, gpu: Any) -> Answer:
        return (getattr(library, call)(gpu, *arguments) / per,)

    return Probe(call, (family,), read)


def _field(number: int, family: Metric, scope: int = 0, per: float = 1) -> Probe:
    def read(library: Any, gpu: Any) -> Answer:
        return (nvml.field(library, gpu, number, scope) / per,)

    return Probe("nvmlDeviceGetFieldValues", (family,), read)


def _utilisation(library: Any, gpu: Any) -> Answer:
    rates = library.nvmlDeviceGetUtilizationRates(gpu)
    return rates.gpu, rates.memory


def _engine(call: str, library: Any, gpu: Any) -> Answer:
    utilisation, _sampling_period = getattr(library, call)(gpu)
    return (utilisation,)


def read_memory(library: Any, gpu: Any) -> Answer:
    """Return used, free, reserved and all memory in MiB, and the used share of what is usable.

    Drivers before 510 know the first version alone, whose used memory contains what is reserved.
    """
    try:
        memory = library.nvmlDeviceGetMemoryInfo(gpu, version=nvml.MEMORY_V2)
        reserved = memory.reserved
    except library.NVMLError as error:
        if nvml.code_of(error) not in nvml.UNSUPPORTED:
            raise
        memory, reserved = library.nvmlDeviceGetMemoryInfo(gpu), None
    usable = memory.total - (reserved or 0)
    return (
        memory.used / MEBIBYTE,
        memory.free / MEBIBYTE,
        None if reserved is None else reserved / MEBIBYTE,
        memory.total / MEBIBYTE,
        memory.used / usable if usable else None,
    )


def _performance_state(library: Any, gpu: Any) -> Answer:
    state = library.nvmlDeviceGetPerformanceState(gpu)
    return (None if state == nvml.PSTATE_UNKNOWN else state,)


def read_clock_events(library: Any, gpu: Any) -> Answer:
    """Return the mask of reasons that hold clocks back; drivers before 535 know the old call."""
    try:
        return (library.nvmlDeviceGetCurrentClocksEventReasons(gpu),)
    except library.NVMLError as error:
        if nvml.code_of(error) != nvml.Code.FUNCTION_NOT_FOUND:
            raise
    return (library.nvmlDeviceGetCurrentClocksThrottleReasons(gpu),)


def _violation(policy: int, family: Metric) -> Probe:
    def read(library: Any, gpu: Any) -> Answer:
        return (library.nvmlDeviceGetViolationStatus(gpu, policy).violationTime,)

    return Probe("nvmlDeviceGetViolationStatus", (family,), read)


def _remapped_rows(library: Any, gpu: Any) -> Answer:
    corrected, uncorrected, is_pending, has_failed = library.nvmlDeviceGetRemappedRows(gpu)
    return corrected, uncorrected, is_pending, has_failed


def _retired_pages(cause: int, family: Metric) -> Probe:
    def read(library: Any, gpu: Any) -> Answer:
        return (len(library.nvmlDeviceGetRetiredPages(gpu, cause)),)

    return Probe("nvmlDeviceGetRetiredPages", (family,), read)


_ECC = "nvmlDeviceGetTotalEccErrors"
_CLOCK = "nvmlDeviceGetClockInfo"

MEMORY = Probe(
    "nvmlDeviceGetMemoryInfo",
    (
        dcgm.DCGM_FI_DEV_FB_USED,
        dcgm.DCGM_FI_DEV_FB_FREE,
        dcgm.DCGM_FI_DEV_FB_RESERVED,
        dcgm_fields.DCGM_FI_DEV_FB_TOTAL,
        dcgm_fields.DCGM_FI_DEV_FB_USED_PERCENT,
    ),
    read_memory,
)

CLOCK_EVENTS = Probe(
    "nvmlDeviceGetCurrentClocksEventReasons",
    (dcgm_fields.DCGM_FI_DEV_CLOCK_THROTTLE_REASONS,),
    read_clock_events,
)

#: What every GPU is asked, in the order of the page; memory and clock events are asked apart.
PROBES: tuple[Probe, ...] = (
    Probe(
        "nvmlDeviceGetUtilizationRates",
        (dcgm.DCGM_FI_DEV_GPU_UTIL, dcgm.DCGM_FI_DEV_MEM_COPY_UTIL),
        _utilisation,
    ),
    Probe(
        "nvmlDeviceGetEncoderUtilization",
        (dcgm.DCGM_FI_DEV_ENC_UTIL,),
        partial(_engine, "nvmlDeviceGetEncoderUtilization"),
    ),
    Probe(
        "nvmlDeviceGetDecoderUtilization",
        (dcgm.DCGM_FI_DEV_DEC_UTIL,),
        partial(_engine, "nvmlDeviceGetDecoderUtilization"),
    ),
    _number(_CLOCK, dcgm.DCGM_FI_DEV_SM_CLOCK, nvml.CLOCK_SM),
    _number(_CLOCK, dcgm.DCGM_FI_DEV_MEM_CLOCK, nvml.CLOCK_MEMORY),
    _number("nvmlDeviceGetTemperature", dcgm.DCGM_FI_DEV_GPU_TEMP, nvml.TEMPERATURE_GPU),
    _field(nvml.FIELD_MEMORY_TEMPERATURE, dcgm.DCGM_FI_DEV_MEMORY_TEMP),
    _number("nvmlDeviceGetPowerUsage", dcgm.DCGM_FI_DEV_POWER_USAGE, per=_MILLI),
    _field(nvml.FIELD_POWER_INSTANT, dcgm_fields.DCGM_FI_DEV_POWER_USAGE_INSTANT, per=_MILLI),
    _number(
        "nvmlDeviceGetPowerManagementLimit", dcgm_fields.DCGM_FI_DEV_POWER_MGMT_LIMIT, per=_MILLI
    ),
    _number(
        "nvmlDeviceGetEnforcedPowerLimit", dcgm_fields.DCGM_FI_DEV_ENFORCED_POWER_LIMIT, per=_MILLI
    ),
    _number("nvmlDeviceGetTotalEnergyConsumption", dcgm.DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION),
    _number("nvmlDeviceGetFanSpeed", dcgm_fields.DCGM_FI_DEV_FAN_SPEED),
    Probe("nvmlDeviceGetPerformanceState", (dcgm_fields.DCGM_FI_DEV_PSTATE,), _performance_state),
    _violation(nvml.POWER, dcgm_opt_in.DCGM_FI_DEV_POWER_VIOLATION),
    _violation(nvml.THERMAL, dcgm_opt_in.DCGM_FI_DEV_THERMAL_VIOLATION),
    _violation(nvml.SYNC_BOOST, dcgm_opt_in.DCGM_FI_DEV_SYNC_BOOST_VIOLATION),
    _violation(nvml.BOARD_LIMIT, dcgm_opt_in.DCGM_FI_DEV_BOARD_LIMIT_VIOLATION),
    _violation(nvml.LOW_UTILIZATION, dcgm_opt_in.DCGM_FI_DEV_LOW_UTIL_VIOLATION),
    _violation(nvml.RELIABILITY, dcgm_opt_in.DCGM_FI_DEV_RELIABILITY_VIOLATION),
    _number("nvmlDeviceGetPcieReplayCounter", dcgm.DCGM_FI_DEV_PCIE_REPLAY_COUNTER),
    _number(_ECC, dcgm_opt_in.DCGM_FI_DEV_ECC_SBE_VOL_TOTAL, nvml.CORRECTED, nvml.VOLATILE),
    _number(_ECC, dcgm_opt_in.DCGM_FI_DEV_ECC_DBE_VOL_TOTAL, nvml.UNCORRECTED, nvml.VOLATILE),
    _number(_ECC, dcgm_opt_in.DCGM_FI_DEV_ECC_SBE_AGG_TOTAL, nvml.CORRECTED, nvml.AGGREGATE),
    _number(_ECC, dcgm_opt_in.DCGM_FI_DEV_ECC_DBE_AGG_TOTAL, nvml.UNCORRECTED, nvml.AGGREGATE),
    Probe(
        "nvmlDeviceGetRemappedRows",
        (
            dcgm.DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS,
            dcgm.DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS,
            dcgm_fields.DCGM_FI_DEV_ROW_REMAP_PENDING,
            dcgm.DCGM_FI_DEV_ROW_REMAP_FAILURE,
        ),
        _remapped_rows,
    ),
    _retired_pages(nvml.RETIRED_SINGLE_BIT, dcgm_opt_in.DCGM_FI_DEV_RETIRED_SBE),
    _retired_pages(nvml.RETIRED_DOUBLE_BIT, dcgm_opt_in.DCGM_FI_DEV_RETIRED_DBE),
    _number("nvmlDeviceGetRetiredPagesPendingStatus", dcgm_opt_in.DCGM_FI_DEV_RETIRED_PENDING),
    _field(nvml.FIELD_NVLINK_CRC_FLIT, dcgm_opt_in.DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL),
    _field(nvml.FIELD_NVLINK_CRC_DATA, dcgm_opt_in.DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL),
    _field(nvml.FIELD_NVLINK_REPLAY, dcgm_opt_in.DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL),
    _field(nvml.FIELD_NVLINK_RECOVERY, dcgm_opt_in.DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL),
)

#: In thousands of bytes a second; each call blocks for the 20 ms that it measures.
PCIE_THROUGHPUT: tuple[Probe, ...] = (
    _number(
        "nvmlDeviceGetPcieThroughput",
        dcgm_opt_in.DCGM_FI_DEV_PCIE_TX_THROUGHPUT,
        nvml.PCIE_SENT,
    ),
    _number(
        "nvmlDeviceGetPcieThroughput",
        dcgm_opt_in.DCGM_FI_DEV_PCIE_RX_THROUGHPUT,
        nvml.PCIE_RECEIVED,
    ),
)
