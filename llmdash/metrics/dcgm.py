"""What the DCGM exporter shows by default, under the names that held until 4.6 (`dcgm_renamed`).

Versions are the first half of the exporter's: 3.3.5 stands for 3.3.5-3.4.0, and 4.7.0 for exporter
4.9.0, whose name has one half. The default set is all that does not need a counters file of your
own; such a file replaces the whole set. DCGM measures every 30 s by default, so a rate needs a
window of two minutes.
"""

from __future__ import annotations

from llmdash.metrics import dcgm_exporter, dcgm_fields, dcgm_opt_in, dcgm_plain_units, dcgm_renamed
from llmdash.metrics.dcgm_labels import GPU, NVLINK_MEGABYTES, OPTIONAL, ROWS, XID, gpu
from llmdash.metrics.metric import Counter, Gauge, Needs, Versions, all_metrics
from llmdash.promql.units import (
    BYTES,
    CELSIUS,
    MEBIBYTES,
    MEGAHERTZ,
    MILLIJOULES,
    PERCENT,
    RATIO,
    STATE,
    WATTS,
    base,
)

# Clocks

DCGM_FI_DEV_SM_CLOCK = Gauge(
    name="DCGM_FI_DEV_SM_CLOCK",
    unit=MEGAHERTZ,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_SM_CLOCK_HERTZ",
    note="Compare with the greatest clock to see throttling.",
)

DCGM_FI_DEV_MEM_CLOCK = Gauge(
    name="DCGM_FI_DEV_MEM_CLOCK",
    unit=MEGAHERTZ,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_MEMORY_CLOCK_HERTZ",
)


# Temperature, power and energy

DCGM_FI_DEV_MEMORY_TEMP = Gauge(
    name="DCGM_FI_DEV_MEMORY_TEMP",
    unit=CELSIUS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_MEMORY_TEMP_CELSIUS",
    needs=(Needs.MEMORY_SENSOR,),
    note="Old releases show 9223372036854775794 where there is no sensor.",
)

DCGM_FI_DEV_GPU_TEMP = Gauge(
    name="DCGM_FI_DEV_GPU_TEMP",
    unit=CELSIUS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_GPU_TEMP_CELSIUS",
)

DCGM_FI_DEV_POWER_USAGE = Gauge(
    name="DCGM_FI_DEV_POWER_USAGE",
    unit=WATTS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_BOARD_POWER_WATTS",
    note="On newer GPUs an average over about a second.",
)

DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION = Counter(
    name="DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
    unit=MILLIJOULES,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL",
    note="Since the driver was loaded: an exporter that restarts does not reset it.",
)


# Utilisation, 0 to 100

DCGM_FI_DEV_GPU_UTIL = Gauge(
    name="DCGM_FI_DEV_GPU_UTIL",
    unit=PERCENT,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_GPU_UTIL_RATIO",
    note=(
        "The share of time that any kernel ran, not how much of the GPU is busy. Missing for MIG "
        "instances; a rare sample is far above 100."
    ),
)

DCGM_FI_DEV_MEM_COPY_UTIL = Gauge(
    name="DCGM_FI_DEV_MEM_COPY_UTIL",
    unit=PERCENT,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_MEMORY_UTIL_RATIO",
    note="How long the memory controller was busy, not how much memory is used.",
)

DCGM_FI_DEV_ENC_UTIL = Gauge(
    name="DCGM_FI_DEV_ENC_UTIL",
    unit=PERCENT,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_ENC_UTIL_RATIO",
)

DCGM_FI_DEV_DEC_UTIL = Gauge(
    name="DCGM_FI_DEV_DEC_UTIL",
    unit=PERCENT,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_DEC_UTIL_RATIO",
)


# Memory

DCGM_FI_DEV_FB_FREE = Gauge(
    name="DCGM_FI_DEV_FB_FREE",
    unit=MEBIBYTES,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_FB_FREE_BYTES",
)

DCGM_FI_DEV_FB_USED = Gauge(
    name="DCGM_FI_DEV_FB_USED",
    unit=MEBIBYTES,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_FB_USED_BYTES",
    note="vLLM takes its share at the start, so this is near full and flat by design.",
)

DCGM_FI_DEV_FB_RESERVED = Gauge(
    name="DCGM_FI_DEV_FB_RESERVED",
    unit=MEBIBYTES,
    labels=GPU,
    optional_labels=OPTIONAL,
    versions=Versions("4.3.1"),
    successor="DCGM_FI_DEV_FB_RESERVED_BYTES",
    note="Free, used and reserved add up to all memory.",
)


# Links

DCGM_FI_DEV_PCIE_REPLAY_COUNTER = Counter(
    name="DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
    unit=base("retries"),
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_PCIE_REPLAY_TOTAL",
)

DCGM_FI_PROF_PCIE_TX_BYTES = Gauge(
    name="DCGM_FI_PROF_PCIE_TX_BYTES",
    unit=BYTES.per_second,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.PROFILING_MODULE,),
    note=(
        "Already per second, with headers. Typed counter up to 2.4.6 and from 3.3.7 to 3.3.9; in "
        "the default set since 3.3.7."
    ),
)

DCGM_FI_PROF_PCIE_RX_BYTES = Gauge(
    name="DCGM_FI_PROF_PCIE_RX_BYTES",
    unit=BYTES.per_second,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.PROFILING_MODULE,),
    note=(
        "Already per second, with headers. Typed counter up to 2.4.6 and from 3.3.7 to 3.3.9; in "
        "the default set since 3.3.7."
    ),
)

DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL = Gauge(
    name="DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL",
    unit=NVLINK_MEGABYTES,
    typed="counter",
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_NVLINK_THROUGHPUT_TOTAL",
    needs=(Needs.NVLINK,),
    note="Already per second, over all lanes and both directions; typed gauge since 4.6.0.",
)


# Profiling, 0 to 1; absent without its module, or while another profiler holds the counters

DCGM_FI_PROF_GR_ENGINE_ACTIVE = Gauge(
    name="DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    unit=RATIO,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO",
    needs=(Needs.PROFILING_MODULE,),
    note="Works for MIG instances, where GPU_UTIL does not. In the default set since 4.0.0.",
)

DCGM_FI_PROF_PIPE_TENSOR_ACTIVE = Gauge(
    name="DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
    unit=RATIO,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_PROF_TENSOR_UTIL_RATIO",
    needs=(Needs.PROFILING_MODULE,),
    note="Near 0 while tokens are decoded. In the default set since 4.0.0.",
)

DCGM_FI_PROF_DRAM_ACTIVE = Gauge(
    name="DCGM_FI_PROF_DRAM_ACTIVE",
    unit=RATIO,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_PROF_DRAM_UTIL_RATIO",
    needs=(Needs.PROFILING_MODULE,),
    note="Use of the memory's bandwidth, which limits decoding. In the default set since 4.0.0.",
)


# Errors

DCGM_FI_DEV_XID_ERRORS = Gauge(
    name="DCGM_FI_DEV_XID_ERRORS",
    unit=XID,
    labels=gpu("err_code", "err_msg"),
    optional_labels=OPTIONAL | {"err_code", "err_msg"},
    successor="DCGM_FI_DEV_XID_ERROR",
    note=(
        "The last code, kept until the exporter or the driver restarts; a repeat is not seen. 0 or "
        "absent before the first. err_code and err_msg since 3.3.6: a new code is a new series."
    ),
)

DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS = Counter(
    name="DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
    unit=ROWS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL",
    needs=(Needs.ROW_REMAPPING,),
    note="Over the GPU's whole life.",
)

DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS = Counter(
    name="DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
    unit=ROWS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_ROW_REMAP_CORRECTABLE_TOTAL",
    needs=(Needs.ROW_REMAPPING,),
    note="Over the GPU's whole life.",
)

DCGM_FI_DEV_ROW_REMAP_FAILURE = Gauge(
    name="DCGM_FI_DEV_ROW_REMAP_FAILURE",
    unit=STATE,
    labels=GPU,
    optional_labels=OPTIONAL,
    bounds=(0, 1),
    successor="DCGM_FI_DEV_ROW_REMAP_FAILED",
    needs=(Needs.ROW_REMAPPING,),
    note="1 means that the GPU should be replaced.",
)


# Licences

DCGM_FI_DEV_VGPU_LICENSE_STATUS = Gauge(
    name="DCGM_FI_DEV_VGPU_LICENSE_STATUS",
    unit=STATE,
    labels=GPU,
    optional_labels=OPTIONAL,
    bounds=(0, 1),
    idle_without=(Needs.VGPU,),
)

METRICS = (
    *all_metrics(globals()),
    *dcgm_opt_in.METRICS,
    *dcgm_exporter.METRICS,
    *dcgm_fields.METRICS,
    *dcgm_renamed.METRICS,
    *dcgm_plain_units.METRICS,
)
