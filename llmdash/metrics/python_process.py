"""What the Python client for Prometheus exposes about its own process.

On vLLM that is the API server, not the engine and its workers; with several API servers these
families vanish.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, Needs, all_metrics, labels
from llmdash.promql.units import BYTES, SECONDS, STATE, TIMESTAMP, base

GENERATION = labels(generation=("0", "1", "2"))
IN_ONE_PROCESS = (Needs.SINGLE_API_SERVER,)

# The process

PROCESS_CPU_SECONDS_TOTAL = Counter(
    name="process_cpu_seconds_total", unit=SECONDS, needs=IN_ONE_PROCESS
)

PROCESS_RESIDENT_MEMORY_BYTES = Gauge(
    name="process_resident_memory_bytes", unit=BYTES, needs=IN_ONE_PROCESS
)

PROCESS_VIRTUAL_MEMORY_BYTES = Gauge(
    name="process_virtual_memory_bytes", unit=BYTES, needs=IN_ONE_PROCESS
)

PROCESS_START_TIME_SECONDS = Gauge(
    name="process_start_time_seconds", unit=TIMESTAMP, needs=IN_ONE_PROCESS
)

PROCESS_OPEN_FDS = Gauge(
    name="process_open_fds", unit=base("file descriptors"), needs=IN_ONE_PROCESS
)

PROCESS_MAX_FDS = Gauge(name="process_max_fds", unit=base("file descriptors"), needs=IN_ONE_PROCESS)


# Python

PYTHON_GC_OBJECTS_COLLECTED_TOTAL = Counter(
    name="python_gc_objects_collected_total",
    unit=base("objects"),
    labels=GENERATION,
    needs=IN_ONE_PROCESS,
)

PYTHON_GC_OBJECTS_UNCOLLECTABLE_TOTAL = Counter(
    name="python_gc_objects_uncollectable_total",
    unit=base("objects"),
    labels=GENERATION,
    needs=IN_ONE_PROCESS,
)

PYTHON_GC_COLLECTIONS_TOTAL = Counter(
    name="python_gc_collections_total",
    unit=base("collections"),
    labels=GENERATION,
    needs=IN_ONE_PROCESS,
)

PYTHON_INFO = Gauge(
    name="python_info",
    unit=STATE,
    labels=labels("implementation", "major", "minor", "patchlevel", "version"),
    bounds=(1, 1),
    needs=IN_ONE_PROCESS,
)

METRICS = all_metrics(globals())
