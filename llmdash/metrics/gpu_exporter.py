"""What our GPU exporter shows beside the names of DCGM: how it fares itself, and clock events.

It is for hosts without DCGM and asks NVML; all else that it shows is in the catalogues of DCGM.
"""

from __future__ import annotations

from llmdash.metrics.clock_events import CLOCK_EVENTS
from llmdash.metrics.dcgm_labels import ERRORS, GPU, OPTIONAL, gpu
from llmdash.metrics.metric import Counter, Gauge, all_metrics
from llmdash.promql.units import SECONDS, STATE, base

#: A GPU that never answered has no more than its number.
_OPTIONAL = OPTIONAL | {"UUID", "device", "modelName"}

GPU_EXPORTER_UP = Gauge(
    name="gpu_exporter_up",
    unit=STATE,
    bounds=(0, 1),
    note="1 while NVML answers and the last sample is young; at 0 no GPU is shown.",
)

GPU_EXPORTER_SNAPSHOT_AGE_SECONDS = Gauge(
    name="gpu_exporter_snapshot_age_seconds",
    unit=SECONDS,
    note="How long ago what is shown was measured; a scrape measures nothing itself.",
)

GPU_EXPORTER_SAMPLE_SECONDS = Gauge(
    name="gpu_exporter_sample_seconds",
    unit=SECONDS,
    note="How long it took to ask all GPUs the last time.",
)

GPU_EXPORTER_CONNECTIONS_TOTAL = Counter(
    name="gpu_exporter_connections_total",
    unit=base("connections"),
    note="How often NVML was begun: again after the driver was reloaded, or all GPUs were lost.",
)

GPU_EXPORTER_GPU_LOST = Gauge(
    name="gpu_exporter_gpu_lost",
    unit=STATE,
    labels=GPU,
    optional_labels=_OPTIONAL,
    bounds=(0, 1),
    note="1 while the GPU cannot be asked: it has fallen off the bus. Nothing else of it is shown "
    "but its XID errors.",
)

GPU_EXPORTER_CALL_FAILURES_TOTAL = Counter(
    name="gpu_exporter_call_failures_total",
    unit=ERRORS,
    labels=gpu("call", "error"),
    optional_labels=_OPTIONAL,
    note="Calls of NVML that failed; not those that a GPU or a driver does not support.",
)

GPU_EXPORTER_CLOCK_EVENT_ACTIVE = Gauge(
    name="gpu_exporter_clock_event_active",
    unit=STATE,
    labels=gpu(clock_event=tuple(event.name for event in CLOCK_EVENTS)),
    optional_labels=OPTIONAL,
    bounds=(0, 1),
    note="The mask of clock events bit by bit: 1 while that reason holds clocks back.",
)

METRICS = all_metrics(globals())
