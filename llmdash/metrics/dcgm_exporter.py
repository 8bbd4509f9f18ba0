"""What the DCGM exporter counts itself: DCGM_EXP_…, commented out in its file of counters.

What counts a window, or says a state, behaves as a gauge: typed so up to 3.3.9 and since 4.6.0, and
counter between.
"""

from __future__ import annotations

from llmdash.metrics.clock_events import CLOCK_EVENTS
from llmdash.metrics.dcgm_labels import ERRORS, OPTIONAL, STATUS, gpu
from llmdash.metrics.metric import Counter, Gauge, Needs, Versions, all_metrics
from llmdash.promql.units import base

CLOCK_EVENT = tuple(event.name for event in CLOCK_EVENTS)
EVENTS = base("events")

# Events

DCGM_EXP_CLOCK_EVENTS_COUNT = Gauge(
    name="DCGM_EXP_CLOCK_EVENTS_COUNT",
    unit=EVENTS,
    typed="counter",
    labels=gpu("window_size_in_ms", clock_event=CLOCK_EVENT),
    optional_labels=OPTIONAL,
    versions=Versions("3.3.5"),
    needs=(Needs.OWN_COUNTERS,),
    note="Samples of the last window in which clocks were held back for that reason.",
)

DCGM_EXP_CLOCK_EVENTS_TOTAL = Counter(
    name="DCGM_EXP_CLOCK_EVENTS_TOTAL",
    unit=EVENTS,
    labels=gpu(clock_event=CLOCK_EVENT),
    optional_labels=OPTIONAL,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS,),
    note="Counts when a reason sets in, from the start of the exporter; gone with its restart.",
)

DCGM_EXP_XID_ERRORS_COUNT = Gauge(
    name="DCGM_EXP_XID_ERRORS_COUNT",
    unit=ERRORS,
    typed="counter",
    labels=gpu("window_size_in_ms", "xid"),
    optional_labels=OPTIONAL | {"xid"},
    versions=Versions("3.3.5"),
    needs=(Needs.OWN_COUNTERS,),
    note=(
        "XID errors of the last window (5 minutes by default), so it falls back. Without errors "
        "one series without xid, at 0."
    ),
)

DCGM_EXP_XID_ERRORS_TOTAL = Counter(
    name="DCGM_EXP_XID_ERRORS_TOTAL",
    unit=ERRORS,
    labels=gpu("xid"),
    optional_labels=OPTIONAL,
    versions=Versions("4.6.0"),
    needs=(Needs.OWN_COUNTERS,),
    note="From the start of the exporter. A series is born with the first error of its code.",
)


# States

DCGM_EXP_GPU_HEALTH_STATUS = Gauge(
    name="DCGM_EXP_GPU_HEALTH_STATUS",
    unit=STATUS,
    typed="counter",
    labels=gpu("health_watch", "health_error_code"),
    optional_labels=OPTIONAL | {"health_error_code"},
    versions=Versions("4.0.0"),
    needs=(Needs.OWN_COUNTERS,),
    note="0 passes, 10 warns, 20 fails: codes of DCGM's interface, not seen on a server.",
)

DCGM_EXP_P2P_STATUS = Gauge(
    name="DCGM_EXP_P2P_STATUS",
    unit=STATUS,
    typed="counter",
    labels=gpu("peer_gpu", "link_status"),
    optional_labels=OPTIONAL,
    versions=Versions("4.3.1"),
    needs=(Needs.OWN_COUNTERS, Needs.NVLINK),
    note="0 is well; a series for each pair of GPUs.",
)

METRICS = all_metrics(globals())
