"""Fields that DCGM 4.7 added in plain units: hertz, joules, seconds, bytes and ratios.

Each stands beside a field in megahertz, millijoules, nanoseconds, MiB or percent, so joining the
two converts. The exporter's default set has them since 4.7.0 (exporter 4.9.0).
"""

from __future__ import annotations

from llmdash.metrics.dcgm_labels import GPU_SINCE_4_6, OPTIONAL_SINCE_4_6
from llmdash.metrics.metric import Counter, Gauge, Needs, Versions, all_metrics
from llmdash.promql.units import BYTES, HERTZ, JOULES, RATIO, SECONDS

# Clocks and cooling

DCGM_FI_DEV_SM_CLOCK_HERTZ = Gauge(
    name="DCGM_FI_DEV_SM_CLOCK_HERTZ",
    unit=HERTZ,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
)

DCGM_FI_DEV_MEMORY_CLOCK_HERTZ = Gauge(
    name="DCGM_FI_DEV_MEMORY_CLOCK_HERTZ",
    unit=HERTZ,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
)

DCGM_FI_DEV_FAN_SPEED_RATIO = Gauge(
    name="DCGM_FI_DEV_FAN_SPEED_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    bounds=(0, 2),
    versions=Versions("4.7.0"),
    needs=(Needs.OWN_COUNTERS,),
    note="Of the speed that noise allows, so it may pass 1.",
)


# Energy, and throttling by power and heat; the names for other reasons could not be read in full

DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL = Counter(
    name="DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL",
    unit=JOULES,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
    note="Since the driver was loaded, in whole joules.",
)

DCGM_FI_DEV_GPU_POWER_THROTTLE_SECONDS_TOTAL = Counter(
    name="DCGM_FI_DEV_GPU_POWER_THROTTLE_SECONDS_TOTAL",
    unit=SECONDS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
    needs=(Needs.OWN_COUNTERS,),
)

DCGM_FI_DEV_GPU_THERMAL_THROTTLE_SECONDS_TOTAL = Counter(
    name="DCGM_FI_DEV_GPU_THERMAL_THROTTLE_SECONDS_TOTAL",
    unit=SECONDS,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
    needs=(Needs.OWN_COUNTERS,),
)


# Utilisation, 0 to 1; that of the GPU is in `dcgm_renamed`, for 4.6 had the name already

DCGM_FI_DEV_MEMORY_UTIL_RATIO = Gauge(
    name="DCGM_FI_DEV_MEMORY_UTIL_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
    note="How long the memory controller was busy, not how much memory is used.",
)

DCGM_FI_DEV_ENC_UTIL_RATIO = Gauge(
    name="DCGM_FI_DEV_ENC_UTIL_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
)

DCGM_FI_DEV_DEC_UTIL_RATIO = Gauge(
    name="DCGM_FI_DEV_DEC_UTIL_RATIO",
    unit=RATIO,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
)


# Memory

DCGM_FI_DEV_FB_FREE_BYTES = Gauge(
    name="DCGM_FI_DEV_FB_FREE_BYTES",
    unit=BYTES,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
)

DCGM_FI_DEV_FB_USED_BYTES = Gauge(
    name="DCGM_FI_DEV_FB_USED_BYTES",
    unit=BYTES,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
    note="vLLM takes its share at the start, so this is near full and flat by design.",
)

DCGM_FI_DEV_FB_RESERVED_BYTES = Gauge(
    name="DCGM_FI_DEV_FB_RESERVED_BYTES",
    unit=BYTES,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
)

DCGM_FI_DEV_FB_CAPACITY_BYTES = Gauge(
    name="DCGM_FI_DEV_FB_CAPACITY_BYTES",
    unit=BYTES,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
    note="All memory: free, used and reserved.",
)


# NVLink

DCGM_FI_DEV_NVLINK_THROUGHPUT_BYTES_PER_SECOND = Gauge(
    name="DCGM_FI_DEV_NVLINK_THROUGHPUT_BYTES_PER_SECOND",
    unit=BYTES.per_second,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
    needs=(Needs.NVLINK,),
    note="Over all lanes and both directions.",
)

DCGM_FI_DEV_NVLINK_THROUGHPUT_L0_BYTES_PER_SECOND = Gauge(
    name="DCGM_FI_DEV_NVLINK_THROUGHPUT_L0_BYTES_PER_SECOND",
    unit=BYTES.per_second,
    labels=GPU_SINCE_4_6,
    optional_labels=OPTIONAL_SINCE_4_6,
    versions=Versions("4.7.0"),
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
    note="Lane 0 alone.",
)

METRICS = all_metrics(globals())
