"""What Triton Inference Server itself exposes.

Versions are its monthly releases (24.10 is server 2.51). Aggregate by model and version, and divide
cumulative microseconds by requests for a mean.
"""

from __future__ import annotations

from llmdash.metrics.metric import (
    Counter,
    Gauge,
    Histogram,
    Needs,
    Summary,
    Versions,
    all_metrics,
    labels,
)
from llmdash.promql.units import (
    BYTES,
    JOULES,
    MICROSECONDS,
    MILLISECONDS,
    RATIO,
    REQUESTS,
    SECONDS,
    WATTS,
    base,
)

# On a GPU model some series carry gpu_uuid and their twins do not: success, durations and BACKEND
# failures have it; pending requests, load time, first responses and other failures do not. A
# namespace comes with model namespacing (24.05), and metric_tags of a model add labels `_<tag>`.
OPTIONAL = frozenset({"gpu_uuid", "namespace"})
MODEL = labels("model", "version", "gpu_uuid", "namespace")
FAILURE = labels(
    *("model", "version", "gpu_uuid", "namespace"),
    reason=("REJECTED", "CANCELED", "BACKEND", "OTHER"),
)
GPU = labels("gpu_uuid")
# The default of --metrics-config summary_quantiles.
QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)

# The version that a server states, by release.
SERVER_VERSIONS = {
    "22.04": "2.21",
    "22.09": "2.26",
    "23.02": "2.31",
    "23.03": "2.32",
    "23.04": "2.33",
    "23.09": "2.38",
    "24.01": "2.42",
    "24.05": "2.46",
    "24.07": "2.48",
    "24.08": "2.49",
    "24.09": "2.50",
    "24.10": "2.51",
    "24.11": "2.52",
    "24.12": "2.53",
    "25.01": "2.54",
    "26.01": "2.65",
    "26.08": "2.72",
}

# Requests; --metrics-config counter_latencies=false freezes these counters too, not only durations

NV_INFERENCE_REQUEST_SUCCESS = Counter(
    name="nv_inference_request_success",
    unit=REQUESTS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    note=(
        "A batch counts once, and so does a stream; answers from the response cache count. Errors "
        "that a Python model returns as a response count as success."
    ),
)

NV_INFERENCE_REQUEST_FAILURE = Counter(
    name="nv_inference_request_failure",
    unit=REQUESTS,
    labels=FAILURE,
    optional_labels=OPTIONAL,
    note=(
        "No reason before 24.07. An ensemble counts its own failure and that of its step. "
        "Requests that HTTP refuses to parse are not in it."
    ),
)

NV_INFERENCE_COUNT = Counter(
    name="nv_inference_count",
    unit=base("inferences"),
    labels=MODEL,
    optional_labels=OPTIONAL,
    note="Items: a batch of n counts n. Cache hits are left out.",
)

NV_INFERENCE_EXEC_COUNT = Counter(
    name="nv_inference_exec_count",
    unit=base("executions"),
    labels=MODEL,
    optional_labels=OPTIONAL,
    note="Inferences over executions is the mean size of a batch.",
)

NV_INFERENCE_PENDING_REQUEST_COUNT = Gauge(
    name="nv_inference_pending_request_count",
    unit=REQUESTS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    versions=Versions("23.09"),
    note=(
        "Queued and not yet executing. Near 0 for ensembles and for language model backends, "
        "which queue requests themselves. The twin with gpu_uuid stays 0."
    ),
)


# Durations: cumulative microseconds, so a mean and no quantile; a stream ends at its last response

NV_INFERENCE_REQUEST_DURATION_US = Counter(
    name="nv_inference_request_duration_us",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    note="The whole request, queueing and cache hits included.",
)

NV_INFERENCE_QUEUE_DURATION_US = Counter(
    name="nv_inference_queue_duration_us",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    note="In the scheduler, cache hits included.",
)

NV_INFERENCE_COMPUTE_INPUT_DURATION_US = Counter(
    name="nv_inference_compute_input_duration_us",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    note="Copying inputs, without cache hits.",
)

NV_INFERENCE_COMPUTE_INFER_DURATION_US = Counter(
    name="nv_inference_compute_infer_duration_us",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    note="In the backend, without cache hits.",
)

NV_INFERENCE_COMPUTE_OUTPUT_DURATION_US = Counter(
    name="nv_inference_compute_output_duration_us",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    note="Copying outputs, without cache hits.",
)


# First response

NV_INFERENCE_FIRST_RESPONSE_HISTOGRAM_MS = Histogram(
    name="nv_inference_first_response_histogram_ms",
    unit=MILLISECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    edges=(100.0, 500.0, 2000.0, 5000.0),
    counts=REQUESTS,
    versions=Versions("24.11"),
    needs=(Needs.HISTOGRAM_LATENCIES,),
    note=(
        "Whole milliseconds. Only decoupled models before 26.01. model_metrics in config.pbtxt "
        "may replace the edges for a model."
    ),
)


# Quantiles over a sliding window of one instance: NaN when idle, never to be combined. Models with
# a response cache have none, and turning them on may cost a third of the throughput

NV_INFERENCE_REQUEST_SUMMARY_US = Summary(
    name="nv_inference_request_summary_us",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    quantiles=QUANTILES,
    counts=REQUESTS,
    versions=Versions("23.04"),
    needs=(Needs.SUMMARY_LATENCIES,),
)

NV_INFERENCE_QUEUE_SUMMARY_US = Summary(
    name="nv_inference_queue_summary_us",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    quantiles=QUANTILES,
    counts=REQUESTS,
    versions=Versions("23.04"),
    needs=(Needs.SUMMARY_LATENCIES,),
)

NV_INFERENCE_COMPUTE_INPUT_SUMMARY_US = Summary(
    name="nv_inference_compute_input_summary_us",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    quantiles=QUANTILES,
    counts=REQUESTS,
    versions=Versions("23.04"),
    needs=(Needs.SUMMARY_LATENCIES,),
)

NV_INFERENCE_COMPUTE_INFER_SUMMARY_US = Summary(
    name="nv_inference_compute_infer_summary_us",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    quantiles=QUANTILES,
    counts=REQUESTS,
    versions=Versions("23.04"),
    needs=(Needs.SUMMARY_LATENCIES,),
)

NV_INFERENCE_COMPUTE_OUTPUT_SUMMARY_US = Summary(
    name="nv_inference_compute_output_summary_us",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    quantiles=QUANTILES,
    counts=REQUESTS,
    versions=Versions("23.04"),
    needs=(Needs.SUMMARY_LATENCIES,),
)


# Models

NV_MODEL_LOAD_DURATION_SECS = Gauge(
    name="nv_model_load_duration_secs",
    unit=SECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    versions=Versions("24.11"),
    note="How long the last load took. The twin with gpu_uuid stays 0.",
)


# Response cache, by model; moves only while counter latencies are on

NV_CACHE_NUM_HITS_PER_MODEL = Counter(
    name="nv_cache_num_hits_per_model",
    unit=base("lookups"),
    labels=MODEL,
    optional_labels=OPTIONAL,
    needs=(Needs.RESPONSE_CACHE,),
)

NV_CACHE_NUM_MISSES_PER_MODEL = Counter(
    name="nv_cache_num_misses_per_model",
    unit=base("lookups"),
    labels=MODEL,
    optional_labels=OPTIONAL,
    needs=(Needs.RESPONSE_CACHE,),
)

NV_CACHE_HIT_DURATION_PER_MODEL = Counter(
    name="nv_cache_hit_duration_per_model",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    versions=Versions("23.03"),
    needs=(Needs.RESPONSE_CACHE,),
    note="Microseconds, though the name does not say so.",
)

NV_CACHE_MISS_DURATION_PER_MODEL = Counter(
    name="nv_cache_miss_duration_per_model",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    versions=Versions("23.03"),
    needs=(Needs.RESPONSE_CACHE,),
    note="Microseconds, though the name does not say so; insertion included.",
)

NV_CACHE_HIT_SUMMARY_PER_MODEL = Summary(
    name="nv_cache_hit_summary_per_model",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    quantiles=QUANTILES,
    counts=REQUESTS,
    versions=Versions("23.04"),
    needs=(Needs.RESPONSE_CACHE, Needs.SUMMARY_LATENCIES),
    note="Microseconds, though the name does not say so.",
)

NV_CACHE_MISS_SUMMARY_PER_MODEL = Summary(
    name="nv_cache_miss_summary_per_model",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    quantiles=QUANTILES,
    counts=REQUESTS,
    versions=Versions("23.04"),
    needs=(Needs.RESPONSE_CACHE, Needs.SUMMARY_LATENCIES),
    note="Microseconds, though the name does not say so.",
)


# Response cache before 23.03, when caches became plugins; a plugin may publish families of its own

NV_CACHE_NUM_ENTRIES = Gauge(
    name="nv_cache_num_entries",
    unit=base("entries"),
    versions=Versions(last="23.02"),
    needs=(Needs.RESPONSE_CACHE,),
)

NV_CACHE_NUM_LOOKUPS = Gauge(
    name="nv_cache_num_lookups",
    unit=base("lookups"),
    versions=Versions(last="23.02"),
    needs=(Needs.RESPONSE_CACHE,),
)

NV_CACHE_NUM_HITS = Gauge(
    name="nv_cache_num_hits",
    unit=base("lookups"),
    versions=Versions(last="23.02"),
    successor="nv_cache_num_hits_per_model",
    needs=(Needs.RESPONSE_CACHE,),
)

NV_CACHE_NUM_MISSES = Gauge(
    name="nv_cache_num_misses",
    unit=base("lookups"),
    versions=Versions(last="23.02"),
    successor="nv_cache_num_misses_per_model",
    needs=(Needs.RESPONSE_CACHE,),
)

NV_CACHE_NUM_EVICTIONS = Gauge(
    name="nv_cache_num_evictions",
    unit=base("evictions"),
    versions=Versions(last="23.02"),
    needs=(Needs.RESPONSE_CACHE,),
)

NV_CACHE_LOOKUP_DURATION = Gauge(
    name="nv_cache_lookup_duration",
    unit=MICROSECONDS,
    versions=Versions(last="23.02"),
    needs=(Needs.RESPONSE_CACHE,),
)

NV_CACHE_INSERTION_DURATION = Gauge(
    name="nv_cache_insertion_duration",
    unit=MICROSECONDS,
    versions=Versions(last="23.02"),
    needs=(Needs.RESPONSE_CACHE,),
)

NV_CACHE_UTIL = Gauge(
    name="nv_cache_util", unit=RATIO, versions=Versions(last="23.02"), needs=(Needs.RESPONSE_CACHE,)
)

NV_CACHE_HIT_LOOKUP_DURATION_PER_MODEL = Counter(
    name="nv_cache_hit_lookup_duration_per_model",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    versions=Versions(last="23.02"),
    successor="nv_cache_hit_duration_per_model",
    needs=(Needs.RESPONSE_CACHE,),
)

NV_CACHE_MISS_LOOKUP_DURATION_PER_MODEL = Counter(
    name="nv_cache_miss_lookup_duration_per_model",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    versions=Versions(last="23.02"),
    successor="nv_cache_miss_duration_per_model",
    needs=(Needs.RESPONSE_CACHE,),
)

NV_CACHE_MISS_INSERTION_DURATION_PER_MODEL = Counter(
    name="nv_cache_miss_insertion_duration_per_model",
    unit=MICROSECONDS,
    labels=MODEL,
    optional_labels=OPTIONAL,
    versions=Versions(last="23.02"),
    successor="nv_cache_miss_duration_per_model",
    needs=(Needs.RESPONSE_CACHE,),
)


# GPUs that Triton sees: read every two seconds (--metrics-interval-ms), and joined by gpu_uuid only

NV_GPU_UTILIZATION = Gauge(
    name="nv_gpu_utilization",
    unit=RATIO,
    labels=GPU,
    needs=(Needs.GPU,),
    note="0 to 1, where the DCGM exporter says percent.",
)

NV_GPU_MEMORY_TOTAL_BYTES = Gauge(
    name="nv_gpu_memory_total_bytes",
    unit=BYTES,
    labels=GPU,
    needs=(Needs.GPU,),
    note="Bytes, where the DCGM exporter says MiB.",
)

NV_GPU_MEMORY_USED_BYTES = Gauge(
    name="nv_gpu_memory_used_bytes",
    unit=BYTES,
    labels=GPU,
    needs=(Needs.GPU,),
    note="Bytes, where the DCGM exporter says MiB.",
)

NV_GPU_POWER_USAGE = Gauge(name="nv_gpu_power_usage", unit=WATTS, labels=GPU, needs=(Needs.GPU,))

NV_GPU_POWER_LIMIT = Gauge(name="nv_gpu_power_limit", unit=WATTS, labels=GPU, needs=(Needs.GPU,))

NV_ENERGY_CONSUMPTION = Counter(
    name="nv_energy_consumption",
    unit=JOULES,
    labels=GPU,
    needs=(Needs.GPU,),
    note="Joules since Triton started, where the DCGM exporter says millijoules.",
)


# The host, not the container; all read 0 on the first scrape

NV_CPU_UTILIZATION = Gauge(
    name="nv_cpu_utilization",
    unit=RATIO,
    versions=Versions("22.09"),
    note="Over all cores of the host.",
)

NV_CPU_MEMORY_TOTAL_BYTES = Gauge(
    name="nv_cpu_memory_total_bytes", unit=BYTES, versions=Versions("22.09")
)

NV_CPU_MEMORY_USED_BYTES = Gauge(
    name="nv_cpu_memory_used_bytes", unit=BYTES, versions=Versions("22.09")
)


# Pinned memory pool

NV_PINNED_MEMORY_POOL_TOTAL_BYTES = Gauge(
    name="nv_pinned_memory_pool_total_bytes", unit=BYTES, versions=Versions("24.01")
)

NV_PINNED_MEMORY_POOL_USED_BYTES = Gauge(
    name="nv_pinned_memory_pool_used_bytes", unit=BYTES, versions=Versions("24.01")
)

METRICS = all_metrics(globals())
