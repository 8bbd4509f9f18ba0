"""Fields of DCGM that the exporter's own file of counters does not name: a file of yours can.

Limits, the clock event mask and pending row remaps are worth it. Releases are not looked up, and
nobody has seen these on a server.
"""

from __future__ import annotations

from llmdash.metrics.dcgm_labels import GPU, OPTIONAL, STATUS
from llmdash.metrics.metric import Gauge, Needs, all_metrics
from llmdash.promql.units import BYTES, MEBIBYTES, PERCENT, RATIO, STATE, WATTS, base

# Power

DCGM_FI_DEV_POWER_USAGE_INSTANT = Gauge(
    name="DCGM_FI_DEV_POWER_USAGE_INSTANT",
    unit=WATTS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_BOARD_POWER_RAW_WATTS",
    needs=(Needs.OWN_COUNTERS,),
    note="The moment, where POWER_USAGE is an average.",
)

DCGM_FI_DEV_POWER_MGMT_LIMIT = Gauge(
    name="DCGM_FI_DEV_POWER_MGMT_LIMIT",
    unit=WATTS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_BOARD_POWER_LIMIT_REQUESTED_WATTS",
    needs=(Needs.OWN_COUNTERS,),
    note="What was asked for. The exporter's file names it since 4.6.1.",
)

DCGM_FI_DEV_ENFORCED_POWER_LIMIT = Gauge(
    name="DCGM_FI_DEV_ENFORCED_POWER_LIMIT",
    unit=WATTS,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_BOARD_POWER_LIMIT_ENFORCED_WATTS",
    needs=(Needs.OWN_COUNTERS,),
    note="What holds, after all limits. The exporter's file names it since 4.6.1.",
)


# Memory

DCGM_FI_DEV_FB_TOTAL = Gauge(
    name="DCGM_FI_DEV_FB_TOTAL",
    unit=MEBIBYTES,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_FB_CAPACITY_BYTES",
    needs=(Needs.OWN_COUNTERS,),
)

DCGM_FI_DEV_FB_USED_PERCENT = Gauge(
    name="DCGM_FI_DEV_FB_USED_PERCENT",
    unit=RATIO,
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_FB_USED_RATIO",
    needs=(Needs.OWN_COUNTERS,),
    note="0 to 1 in spite of its name: used, of what is not reserved.",
)

DCGM_FI_DEV_ROW_REMAP_PENDING = Gauge(
    name="DCGM_FI_DEV_ROW_REMAP_PENDING",
    unit=STATE,
    labels=GPU,
    optional_labels=OPTIONAL,
    bounds=(0, 1),
    needs=(Needs.OWN_COUNTERS, Needs.ROW_REMAPPING),
    note="1 until a reset remaps a bad row.",
)


# Clocks and cooling

DCGM_FI_DEV_CLOCK_THROTTLE_REASONS = Gauge(
    name="DCGM_FI_DEV_CLOCK_THROTTLE_REASONS",
    unit=base("mask"),
    labels=GPU,
    optional_labels=OPTIONAL,
    successor="DCGM_FI_DEV_CLOCKS_EVENT_REASONS",
    needs=(Needs.OWN_COUNTERS,),
    note="A mask of bits (`clock_events`): never add up, and test bits by remainders.",
)

DCGM_FI_DEV_CLOCKS_EVENT_REASONS = Gauge(
    name="DCGM_FI_DEV_CLOCKS_EVENT_REASONS",
    unit=base("mask"),
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.OWN_COUNTERS,),
    note="A mask of bits (`clock_events`): never add up, and test bits by remainders.",
)

DCGM_FI_DEV_PSTATE = Gauge(
    name="DCGM_FI_DEV_PSTATE",
    unit=STATUS,
    labels=GPU,
    optional_labels=OPTIONAL,
    bounds=(0, 15),
    successor="DCGM_FI_DEV_GPU_PSTATE",
    needs=(Needs.OWN_COUNTERS,),
    note="0 is the fastest, 15 the slowest.",
)

DCGM_FI_DEV_FAN_SPEED = Gauge(
    name="DCGM_FI_DEV_FAN_SPEED",
    unit=PERCENT,
    labels=GPU,
    optional_labels=OPTIONAL,
    bounds=(0, 200),
    successor="DCGM_FI_DEV_FAN_SPEED_RATIO",
    needs=(Needs.OWN_COUNTERS,),
    note=("Of the speed that noise allows, so it may pass 100. Many datacenter GPUs have no fan."),
)


# NVLink as the profiling module measures it

DCGM_FI_PROF_NVLINK_TX_BYTES = Gauge(
    name="DCGM_FI_PROF_NVLINK_TX_BYTES",
    unit=BYTES.per_second,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE, Needs.NVLINK),
    note="Already per second, with headers.",
)

DCGM_FI_PROF_NVLINK_RX_BYTES = Gauge(
    name="DCGM_FI_PROF_NVLINK_RX_BYTES",
    unit=BYTES.per_second,
    labels=GPU,
    optional_labels=OPTIONAL,
    needs=(Needs.OWN_COUNTERS, Needs.PROFILING_MODULE, Needs.NVLINK),
    note="Already per second, with headers.",
)

METRICS = all_metrics(globals())
