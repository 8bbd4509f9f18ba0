"""What the DCGM exporter's file of counters names but leaves out: copy the file and take them in.

Throttling, ECC, retired pages, NVLink errors, and more of the profiling module.
"""

from __future__ import annotations

from llmdash.metrics.dcgm_labels import ERRORS, GPU, NVLINK_MEGABYTES, OPTIONAL, PAGES
from llmdash.metrics.metric import Counter, Gauge, Needs, Versions, all_metrics
from llmdash.promql.units import BYTES, NANOSECONDS, RATIO, Unit

# Throttling; the help text said microseconds before 4.5.1, but values are nanoseconds

DCGM_FI_DEV_POWER_VIOLATION = Counter(
    name="DCGM_FI_DEV_POWER_VIOLATION",
    unit=NANOSECONDS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_GPU_POWER_THROTTLE_SECONDS_TOTAL",
    needs=(Needs.OWN_COUNTERS,),
    note="Time held back by the power limit.",
)

DCGM_FI_DEV_THERMAL_VIOLATION = Counter(
    name="DCGM_FI_DEV_THERMAL_VIOLATION",
    unit=NANOSECONDS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_GPU_THERMAL_THROTTLE_SECONDS_TOTAL",
    needs=(Needs.OWN_COUNTERS,),
    note="Time held back by heat.",
)

DCGM_FI_DEV_SYNC_BOOST_VIOLATION = Counter(
    name="DCGM_FI_DEV_SYNC_BOOST_VIOLATION",
    unit=NANOSECONDS,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.OWN_COUNTERS,),
    note="Time held back by the sync boost group.",
)

DCGM_FI_DEV_BOARD_LIMIT_VIOLATION = Counter(
    name="DCGM_FI_DEV_BOARD_LIMIT_VIOLATION",
    unit=NANOSECONDS,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.OWN_COUNTERS,),
    note="Time held back by a limit of the board.",
)

DCGM_FI_DEV_LOW_UTIL_VIOLATION = Counter(
    name="DCGM_FI_DEV_LOW_UTIL_VIOLATION",
    unit=NANOSECONDS,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.OWN_COUNTERS,),
    note="Time at lower clocks for want of work.",
)

DCGM_FI_DEV_RELIABILITY_VIOLATION = Counter(
    name="DCGM_FI_DEV_RELIABILITY_VIOLATION",
    unit=NANOSECONDS,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.OWN_COUNTERS,),
    note="Time held back by the board's reliability limit.",
)


# PCIe as NVML samples it

DCGM_FI_DEV_PCIE_TX_THROUGHPUT = Gauge(
    name="DCGM_FI_DEV_PCIE_TX_THROUGHPUT",
    unit=Unit(BYTES.per_second.factors, 1e3),
    typed="counter",
    labels=GPU,
    optional_labels=OPTIONAL,
    versions=Versions(last="3.3.6"),
    successor="DCGM_FI_PROF_PCIE_TX_BYTES",
    needs=(Needs.OWN_COUNTERS,),
    note="Already per second: a sample of 20 ms. In the default set while it lasted.",
)

DCGM_FI_DEV_PCIE_RX_THROUGHPUT = Gauge(
    name="DCGM_FI_DEV_PCIE_RX_THROUGHPUT",
    unit=Unit(BYTES.per_second.factors, 1e3),
    typed="counter",
    labels=GPU,
    optional_labels=OPTIONAL,
    versions=Versions(last="3.3.6"),
    successor="DCGM_FI_PROF_PCIE_RX_BYTES",
    needs=(Needs.OWN_COUNTERS,),
    note="Already per second: a sample of 20 ms. In the default set while it lasted.",
)


# ECC: SBE is corrected, DBE is not; VOL is since the driver was loaded, AGG over the whole life

DCGM_FI_DEV_ECC_SBE_VOL_TOTAL = Counter(
    name="DCGM_FI_DEV_ECC_SBE_VOL_TOTAL",
    unit=ERRORS,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.OWN_COUNTERS, Needs.ECC_MEMORY),
)

DCGM_FI_DEV_ECC_DBE_VOL_TOTAL = Counter(
    name="DCGM_FI_DEV_ECC_DBE_VOL_TOTAL",
    unit=ERRORS,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.OWN_COUNTERS, Needs.ECC_MEMORY),
)

DCGM_FI_DEV_ECC_SBE_AGG_TOTAL = Counter(
    name="DCGM_FI_DEV_ECC_SBE_AGG_TOTAL",
    unit=ERRORS,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.OWN_COUNTERS, Needs.ECC_MEMORY),
)

DCGM_FI_DEV_ECC_DBE_AGG_TOTAL = Counter(
    name="DCGM_FI_DEV_ECC_DBE_AGG_TOTAL",
    unit=ERRORS,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.OWN_COUNTERS, Needs.ECC_MEMORY),
)


# Retired pages; newer GPUs remap rows

DCGM_FI_DEV_RETIRED_SBE = Counter(
    name="DCGM_FI_DEV_RETIRED_SBE",
    unit=PAGES,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_PAGE_RETIRED_SBE_TOTAL",
    needs=(Needs.OWN_COUNTERS, Needs.PAGE_RETIREMENT),
    note="For corrected errors.",
)

DCGM_FI_DEV_RETIRED_DBE = Counter(
    name="DCGM_FI_DEV_RETIRED_DBE",
    unit=PAGES,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_PAGE_RETIRED_DBE_TOTAL",
    needs=(Needs.OWN_COUNTERS, Needs.PAGE_RETIREMENT),
    note="For errors that were not corrected.",
)

DCGM_FI_DEV_RETIRED_PENDING = Gauge(
    name="DCGM_FI_DEV_RETIRED_PENDING",
    unit=PAGES,
    typed="counter",
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_PAGE_RETIRED_PENDING",
    needs=(Needs.OWN_COUNTERS, Needs.PAGE_RETIREMENT),
    note="Retired at the next reset, so it falls back to 0.",
)


# NVLink, over all lanes unless it says L0

DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL = Counter(
    name="DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL",
    unit=ERRORS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_TOTAL",
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
    note="Flow control.",
)

DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL = Counter(
    name="DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL",
    unit=ERRORS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_TOTAL",
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
    note="Data.",
)

DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL = Counter(
    name="DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL",
    unit=ERRORS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_NVLINK_REPLAY_ERROR_TOTAL",
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
    note="Retries.",
)

DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL = Counter(
    name="DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL",
    unit=ERRORS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_TOTAL",
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
)

DCGM_FI_DEV_NVLINK_BANDWIDTH_L0 = Gauge(
    name="DCGM_FI_DEV_NVLINK_BANDWIDTH_L0",
    unit=NVLINK_MEGABYTES,
    typed="counter",
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_NVLINK_THROUGHPUT_L0",
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
    note="Lane 0 alone, and already per second.",
)


# Profiling, 0 to 1

DCGM_FI_PROF_SM_ACTIVE = Gauge(
    name="DCGM_FI_PROF_SM_ACTIVE",
    unit=RATIO,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_PROF_SM_UTIL_RATIO",
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE),
    note="Cycles in which a multiprocessor held a warp, over all of them.",
)

DCGM_FI_PROF_SM_OCCUPANCY = Gauge(
    name="DCGM_FI_PROF_SM_OCCUPANCY",
    unit=RATIO,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_PROF_SM_OCCUPANCY_RATIO",
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE),
    note="Warps held, of those that would fit.",
)

DCGM_FI_PROF_PIPE_FP64_ACTIVE = Gauge(
    name="DCGM_FI_PROF_PIPE_FP64_ACTIVE",
    unit=RATIO,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_PROF_FP64_UTIL_RATIO",
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE),
)

DCGM_FI_PROF_PIPE_FP32_ACTIVE = Gauge(
    name="DCGM_FI_PROF_PIPE_FP32_ACTIVE",
    unit=RATIO,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_PROF_FP32_UTIL_RATIO",
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE),
)

DCGM_FI_PROF_PIPE_FP16_ACTIVE = Gauge(
    name="DCGM_FI_PROF_PIPE_FP16_ACTIVE",
    unit=RATIO,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_PROF_FP16_UTIL_RATIO",
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE),
    note="Without the tensor cores.",
)

METRICS = all_metrics(globals())
