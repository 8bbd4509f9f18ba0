"""The names that DCGM 4.6 gave its fields: aliases, so values are those of the old name.

The exporter's default set has them since 4.7.0 (exporter 4.9.0); in 4.6 they, and later the old
ones, are for a counters file of your own. What got another unit too is in `dcgm_plain_units`.
"""

from __future__ import annotations

from llmdash.metrics.dcgm_labels import (
    ERRORS,
    GPU_SINCE_4_6,
    NVLINK_MEGABYTES,
    OPTIONAL_SINCE_4_6,
    PAGES,
    ROWS,
    STATUS,
    XID,
)
from llmdash.metrics.metric import Counter, Gauge, Needs, Versions, all_metrics, labels
from llmdash.promql.units import CELSIUS, PERCENT, RATIO, STATE, WATTS, base

# Clocks and cooling

DCGM_FI_DEV_GPU_PSTATE = Gauge(
    name="DCGM_FI_DEV_GPU_PSTATE",
    unit=STATUS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    bounds=(0, 15),
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS,),
    note="0 is the fastest, 15 the slowest.",
)


# Temperature, power and energy

DCGM_FI_DEV_MEMORY_TEMP_CELSIUS = Gauge(
    name="DCGM_FI_DEV_MEMORY_TEMP_CELSIUS",
    unit=CELSIUS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.MEMORY_SENSOR,),
)

DCGM_FI_DEV_GPU_TEMP_CELSIUS = Gauge(
    name="DCGM_FI_DEV_GPU_TEMP_CELSIUS",
    unit=CELSIUS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
)

DCGM_FI_DEV_BOARD_POWER_WATTS = Gauge(
    name="DCGM_FI_DEV_BOARD_POWER_WATTS",
    unit=WATTS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    note="On newer GPUs an average over about a second.",
)

DCGM_FI_DEV_BOARD_POWER_RAW_WATTS = Gauge(
    name="DCGM_FI_DEV_BOARD_POWER_RAW_WATTS",
    unit=WATTS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS,),
    note="The moment, where BOARD_POWER_WATTS is an average.",
)

DCGM_FI_DEV_BOARD_POWER_LIMIT_REQUESTED_WATTS = Gauge(
    name="DCGM_FI_DEV_BOARD_POWER_LIMIT_REQUESTED_WATTS",
    unit=WATTS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS,),
)

DCGM_FI_DEV_BOARD_POWER_LIMIT_ENFORCED_WATTS = Gauge(
    name="DCGM_FI_DEV_BOARD_POWER_LIMIT_ENFORCED_WATTS",
    unit=WATTS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS,),
)


# Utilisation, 0 to 1

DCGM_FI_DEV_GPU_UTIL_RATIO = Gauge(
    name="DCGM_FI_DEV_GPU_UTIL_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    older_units=(("4.6", PERCENT),),
    note=(
        "0 to 100 in 4.6, where it is an alias of GPU_UTIL; a field of its own, 0 to 1, since "
        "4.7.0."
    ),
)


# Memory

DCGM_FI_DEV_FB_USED_RATIO = Gauge(
    name="DCGM_FI_DEV_FB_USED_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS,),
    note="Used, of what is not reserved.",
)


# Links

DCGM_FI_DEV_PCIE_REPLAY_TOTAL = Counter(
    name="DCGM_FI_DEV_PCIE_REPLAY_TOTAL",
    unit=base("retries"),
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
)

DCGM_FI_DEV_NVLINK_THROUGHPUT_TOTAL = Gauge(
    name="DCGM_FI_DEV_NVLINK_THROUGHPUT_TOTAL",
    unit=NVLINK_MEGABYTES,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    successor="DCGM_FI_DEV_NVLINK_THROUGHPUT_BYTES_PER_SECOND",
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
    note="Already per second, over all lanes and both directions.",
)

DCGM_FI_DEV_NVLINK_THROUGHPUT_L0 = Gauge(
    name="DCGM_FI_DEV_NVLINK_THROUGHPUT_L0",
    unit=NVLINK_MEGABYTES,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    successor="DCGM_FI_DEV_NVLINK_THROUGHPUT_L0_BYTES_PER_SECOND",
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
    note="Lane 0 alone, and already per second.",
)

DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_TOTAL = Counter(
    name="DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_TOTAL",
    unit=ERRORS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
    note="Flow control.",
)

DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_TOTAL = Counter(
    name="DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_TOTAL",
    unit=ERRORS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
    note="Data.",
)

DCGM_FI_DEV_NVLINK_REPLAY_ERROR_TOTAL = Counter(
    name="DCGM_FI_DEV_NVLINK_REPLAY_ERROR_TOTAL",
    unit=ERRORS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
    note="Retries.",
)

DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_TOTAL = Counter(
    name="DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_TOTAL",
    unit=ERRORS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
)


# Profiling, 0 to 1

DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO = Gauge(
    name="DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.PROFILING_MODULE,),
    note="Works for MIG instances.",
)

DCGM_FI_PROF_TENSOR_UTIL_RATIO = Gauge(
    name="DCGM_FI_PROF_TENSOR_UTIL_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.PROFILING_MODULE,),
    note="Near 0 while tokens are decoded.",
)

DCGM_FI_PROF_DRAM_UTIL_RATIO = Gauge(
    name="DCGM_FI_PROF_DRAM_UTIL_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.PROFILING_MODULE,),
    note="Use of the memory's bandwidth, which limits decoding.",
)

DCGM_FI_PROF_SM_UTIL_RATIO = Gauge(
    name="DCGM_FI_PROF_SM_UTIL_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE),
)

DCGM_FI_PROF_SM_OCCUPANCY_RATIO = Gauge(
    name="DCGM_FI_PROF_SM_OCCUPANCY_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE),
)

DCGM_FI_PROF_FP64_UTIL_RATIO = Gauge(
    name="DCGM_FI_PROF_FP64_UTIL_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE),
)

DCGM_FI_PROF_FP32_UTIL_RATIO = Gauge(
    name="DCGM_FI_PROF_FP32_UTIL_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE),
)

DCGM_FI_PROF_FP16_UTIL_RATIO = Gauge(
    name="DCGM_FI_PROF_FP16_UTIL_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE),
)


# Errors

DCGM_FI_DEV_XID_ERROR = Gauge(
    name="DCGM_FI_DEV_XID_ERROR",
    unit=XID,
    labels=labels(*GPU_SINCE_4_6.names, "err_code", "err_msg"),
    optional_labels=OPTIONAL_SINCE_4_6 | {"err_code", "err_msg"},
    versions=Versions("4.6.0"),
    note=(
        "The last code, kept until the exporter or the driver restarts; a repeat is not seen. 0 "
        "or absent before the first. A new code is a new series."
    ),
)

DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL = Counter(
    name="DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL",
    unit=ROWS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.ROW_REMAPPING,),
    note="Over the GPU's whole life.",
)

DCGM_FI_DEV_ROW_REMAP_CORRECTABLE_TOTAL = Counter(
    name="DCGM_FI_DEV_ROW_REMAP_CORRECTABLE_TOTAL",
    unit=ROWS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.ROW_REMAPPING,),
    note="Over the GPU's whole life.",
)

DCGM_FI_DEV_ROW_REMAP_FAILED = Gauge(
    name="DCGM_FI_DEV_ROW_REMAP_FAILED",
    unit=STATE,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    bounds=(0, 1),
    versions=Versions("4.6.0"),
    needs=(Needs.ROW_REMAPPING,),
    note="1 means that the GPU should be replaced.",
)

DCGM_FI_DEV_PAGE_RETIRED_SBE_TOTAL = Counter(
    name="DCGM_FI_DEV_PAGE_RETIRED_SBE_TOTAL",
    unit=PAGES,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.PAGE_RETIREMENT),
)

DCGM_FI_DEV_PAGE_RETIRED_DBE_TOTAL = Counter(
    name="DCGM_FI_DEV_PAGE_RETIRED_DBE_TOTAL",
    unit=PAGES,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.PAGE_RETIREMENT),
)

DCGM_FI_DEV_PAGE_RETIRED_PENDING = Gauge(
    name="DCGM_FI_DEV_PAGE_RETIRED_PENDING",
    unit=PAGES,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS, Needs.PAGE_RETIREMENT),
    note="Retired at the next reset, so it falls back to 0.",
)

METRICS = all_metrics(globals())
