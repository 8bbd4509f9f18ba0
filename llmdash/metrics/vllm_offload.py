"""What vLLM exposes about KV blocks that it keeps outside the GPU: in CPU memory and slower tiers.

None of these families appears without its connector.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, Histogram, Needs, Versions, all_metrics, labels
from llmdash.metrics.vllm_shared import BLOCKS, ENGINE
from llmdash.promql.units import BYTES, COUNT, RATIO, SECONDS, STATE, Unit, base

DIRECTION = labels("model_name", "engine", transfer_type=("CPU_to_GPU", "GPU_to_CPU"))
# Written 0:primary, 1:<type> and so on.
TIER = labels("model_name", "engine", "tier")

MEBIBYTES = Unit(BYTES.factors, 2.0**20)

OFFLOAD_SIZE_EDGES = tuple(1e6 * size for size in (1, 5, 10, 20, 40, 60, 80, 100, 150, 200))
SYNC_LOOKUP_EDGES = (1e-05, 5e-05, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)
ASYNC_LOOKUP_EDGES = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)

# OffloadingConnector

KV_OFFLOAD_LOAD_BYTES_TOTAL = Counter(
    name="vllm:kv_offload_load_bytes_total",
    unit=BYTES,
    labels=ENGINE,
    versions=Versions("0.24.0"),
    needs=(Needs.OFFLOADING,),
)

KV_OFFLOAD_LOAD_TIME_TOTAL = Counter(
    name="vllm:kv_offload_load_time_total",
    unit=SECONDS,
    labels=ENGINE,
    versions=Versions("0.24.0"),
    needs=(Needs.OFFLOADING,),
    note="Seconds, though the name does not say so.",
)

KV_OFFLOAD_LOAD_SIZE = Histogram(
    name="vllm:kv_offload_load_size",
    unit=BYTES,
    labels=ENGINE,
    edges=OFFLOAD_SIZE_EDGES,
    versions=Versions("0.24.0"),
    needs=(Needs.OFFLOADING,),
)

KV_OFFLOAD_STORE_BYTES_TOTAL = Counter(
    name="vllm:kv_offload_store_bytes_total",
    unit=BYTES,
    labels=ENGINE,
    versions=Versions("0.24.0"),
    needs=(Needs.OFFLOADING,),
)

KV_OFFLOAD_STORE_TIME_TOTAL = Counter(
    name="vllm:kv_offload_store_time_total",
    unit=SECONDS,
    labels=ENGINE,
    versions=Versions("0.24.0"),
    needs=(Needs.OFFLOADING,),
    note="Seconds, though the name does not say so.",
)

KV_OFFLOAD_STORE_SIZE = Histogram(
    name="vllm:kv_offload_store_size",
    unit=BYTES,
    labels=ENGINE,
    edges=OFFLOAD_SIZE_EDGES,
    versions=Versions("0.24.0"),
    needs=(Needs.OFFLOADING,),
)

KV_OFFLOAD_STORES_SKIPPED_TOTAL = Counter(
    name="vllm:kv_offload_stores_skipped_total",
    unit=base("stores"),
    labels=ENGINE,
    versions=Versions("0.24.0"),
    needs=(Needs.OFFLOADING,),
    note="Moves only where store_threshold is 2 or more.",
)

KV_OFFLOAD_CPU_CACHE_USAGE_PERC = Gauge(
    name="vllm:kv_offload_cpu_cache_usage_perc",
    unit=RATIO,
    labels=ENGINE,
    versions=Versions("0.24.0"),
    needs=(Needs.OFFLOADING,),
    note="Share of blocks pinned by transfers under way, 0 to 1: not how full it is.",
)

KV_OFFLOAD_CPU_CACHE_WRITE_USAGE_PERC = Gauge(
    name="vllm:kv_offload_cpu_cache_write_usage_perc",
    unit=RATIO,
    labels=ENGINE,
    versions=Versions("0.26.0"),
    needs=(Needs.OFFLOADING,),
    note="0 to 1 despite its name.",
)

KV_OFFLOAD_CPU_CACHE_READ_USAGE_PERC = Gauge(
    name="vllm:kv_offload_cpu_cache_read_usage_perc",
    unit=RATIO,
    labels=ENGINE,
    versions=Versions("0.26.0"),
    needs=(Needs.OFFLOADING,),
    note="0 to 1 despite its name.",
)

KV_OFFLOAD_CPU_ALLOCATION_SIZE = Histogram(
    name="vllm:kv_offload_cpu_allocation_size",
    unit=base("chunks"),
    labels=ENGINE,
    edges=tuple(4.0**step for step in range(10)),
    versions=Versions("0.26.0"),
    needs=(Needs.OFFLOADING,),
)

KV_OFFLOAD_LOOKUP_SYNC_DELAY_SECONDS = Histogram(
    name="vllm:kv_offload_lookup_sync_delay_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=SYNC_LOOKUP_EDGES,
    versions=Versions("0.26.0"),
    needs=(Needs.OFFLOADING,),
)

KV_OFFLOAD_LOOKUP_ASYNC_DELAY_SECONDS = Histogram(
    name="vllm:kv_offload_lookup_async_delay_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=ASYNC_LOOKUP_EDGES,
    versions=Versions("0.26.0"),
    needs=(Needs.OFFLOADING,),
)

KV_OFFLOAD_ALLOCATION_FAILURE_TOTAL = Counter(
    name="vllm:kv_offload_allocation_failure_total",
    unit=base("failures"),
    labels=ENGINE,
    versions=Versions("0.26.0"),
    needs=(Needs.OFFLOADING,),
)

KV_OFFLOAD_CONFIG_INFO = Gauge(
    name="vllm:kv_offload_config_info",
    unit=STATE,
    labels=labels(
        *("model_name", "engine", "cpu_num_chunks", "cpu_blocks_per_chunk"),
        *("cpu_kv_cache_size_bytes", "cpu_kv_cache_size_tokens"),
        is_open=True,
    ),
    bounds=(1, 1),
    versions=Versions("0.33.0"),
    needs=(Needs.OFFLOADING,),
    note="The labels depend on the kind of offloading.",
)


# OffloadingConnector before load and store were told apart; the CPU kind still exposes them

KV_OFFLOAD_TOTAL_BYTES_TOTAL = Counter(
    name="vllm:kv_offload_total_bytes_total",
    unit=BYTES,
    labels=DIRECTION,
    versions=Versions("0.16.0"),
    successor="vllm:kv_offload_load_bytes_total",
    needs=(Needs.OFFLOADING,),
    note="The doubled total is real. Deprecated since 0.24.",
)

KV_OFFLOAD_TOTAL_TIME_TOTAL = Counter(
    name="vllm:kv_offload_total_time_total",
    unit=SECONDS,
    labels=DIRECTION,
    versions=Versions("0.16.0"),
    successor="vllm:kv_offload_load_time_total",
    needs=(Needs.OFFLOADING,),
    note="Seconds, though the name does not say so. Deprecated since 0.24.",
)

KV_OFFLOAD_SIZE = Histogram(
    name="vllm:kv_offload_size",
    unit=BYTES,
    labels=DIRECTION,
    edges=OFFLOAD_SIZE_EDGES,
    versions=Versions("0.16.0"),
    successor="vllm:kv_offload_load_size",
    needs=(Needs.OFFLOADING,),
    note="Deprecated since 0.24.",
)


# OffloadingConnector with tiers

KV_OFFLOAD_TIERING_LOOKUP_SYNC_DELAY_SECONDS = Histogram(
    name="vllm:kv_offload_tiering_lookup_sync_delay_seconds",
    unit=SECONDS,
    labels=TIER,
    edges=SYNC_LOOKUP_EDGES,
    versions=Versions("0.26.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_LOOKUP_ASYNC_DELAY_SECONDS = Histogram(
    name="vllm:kv_offload_tiering_lookup_async_delay_seconds",
    unit=SECONDS,
    labels=TIER,
    edges=ASYNC_LOOKUP_EDGES,
    versions=Versions("0.26.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_READ_BYTES_TOTAL = Counter(
    name="vllm:kv_offload_tiering_read_bytes_total",
    unit=BYTES,
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_READ_TIME_TOTAL = Counter(
    name="vllm:kv_offload_tiering_read_time_total",
    unit=SECONDS,
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
    note="Seconds, though the name does not say so.",
)

KV_OFFLOAD_TIERING_WRITE_BYTES_TOTAL = Counter(
    name="vllm:kv_offload_tiering_write_bytes_total",
    unit=BYTES,
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_WRITE_TIME_TOTAL = Counter(
    name="vllm:kv_offload_tiering_write_time_total",
    unit=SECONDS,
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
    note="Seconds, though the name does not say so.",
)

KV_OFFLOAD_TIERING_CHUNK_QUERIES_TOTAL = Counter(
    name="vllm:kv_offload_tiering_chunk_queries_total",
    unit=base("chunks"),
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_CHUNK_HITS_TOTAL = Counter(
    name="vllm:kv_offload_tiering_chunk_hits_total",
    unit=base("chunks"),
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_PRIMARY_WRITE_USAGE_PERC = Gauge(
    name="vllm:kv_offload_tiering_primary_write_usage_perc",
    unit=RATIO,
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
    note="0 to 1 despite its name.",
)

KV_OFFLOAD_TIERING_PRIMARY_READ_USAGE_PERC = Gauge(
    name="vllm:kv_offload_tiering_primary_read_usage_perc",
    unit=RATIO,
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
    note="0 to 1 despite its name.",
)

KV_OFFLOAD_TIERING_PROMOTION_LATENCY_SECONDS = Histogram(
    name="vllm:kv_offload_tiering_promotion_latency_seconds",
    unit=SECONDS,
    labels=labels("model_name", "engine", "tier", result=("success", "failure")),
    edges=(
        *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
        *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
    ),
    versions=Versions("0.33.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_ACTIVE_PROMOTION_JOBS = Gauge(
    name="vllm:kv_offload_tiering_active_promotion_jobs",
    unit=base("jobs"),
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_ACTIVE_CASCADE_JOBS = Gauge(
    name="vllm:kv_offload_tiering_active_cascade_jobs",
    unit=base("jobs"),
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_PROMOTION_JOB_FAILURES_TOTAL = Counter(
    name="vllm:kv_offload_tiering_promotion_job_failures_total",
    unit=base("jobs"),
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_CASCADE_JOB_FAILURES_TOTAL = Counter(
    name="vllm:kv_offload_tiering_cascade_job_failures_total",
    unit=base("jobs"),
    labels=TIER,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_PROMOTION_ALLOCATION_FAILURES_TOTAL = Counter(
    name="vllm:kv_offload_tiering_promotion_allocation_failures_total",
    unit=base("failures"),
    labels=ENGINE,
    versions=Versions("0.28.0"),
    needs=(Needs.OFFLOADING_TIERS,),
    note="Has no tier.",
)

KV_OFFLOAD_TIERING_BACKPRESSURE_STORE_LATENCY_EMA = Gauge(
    name="vllm:kv_offload_tiering_backpressure_store_latency_ema",
    unit=SECONDS / MEBIBYTES,
    labels=TIER,
    versions=Versions("0.31.0"),
    needs=(Needs.OFFLOADING_TIERS,),
    note="A moving average.",
)

KV_OFFLOAD_TIERING_BACKPRESSURE_STORES_DROPPED_TOTAL = Counter(
    name="vllm:kv_offload_tiering_backpressure_stores_dropped_total",
    unit=base("stores"),
    labels=TIER,
    versions=Versions("0.31.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)

KV_OFFLOAD_TIERING_BACKPRESSURE_BLOCKS_DROPPED_TOTAL = Counter(
    name="vllm:kv_offload_tiering_backpressure_blocks_dropped_total",
    unit=BLOCKS,
    labels=TIER,
    versions=Versions("0.31.0"),
    needs=(Needs.OFFLOADING_TIERS,),
)


# SimpleCPUOffloadConnector

SIMPLE_KV_OFFLOAD_SAVE_OUTCOMES_TOTAL = Counter(
    name="vllm:simple_kv_offload_save_outcomes_total",
    unit=base("stores"),
    labels=labels(
        "model_name",
        "engine",
        outcome=(
            "stored",
            "dropped_cpu_full",
            "dropped_request_gone",
            "dropped_null_block",
            "dropped_not_hashed",
            "skipped_already_cached",
            "skipped_in_flight",
        ),
    ),
    versions=Versions("0.31.0"),
    needs=(Needs.SIMPLE_CPU_OFFLOAD,),
)

SIMPLE_KV_OFFLOAD_LOAD_BLOCKS_TOTAL = Counter(
    name="vllm:simple_kv_offload_load_blocks_total",
    unit=BLOCKS,
    labels=ENGINE,
    versions=Versions("0.31.0"),
    needs=(Needs.SIMPLE_CPU_OFFLOAD,),
)

SIMPLE_KV_OFFLOAD_USED_BLOCKS = Gauge(
    name="vllm:simple_kv_offload_used_blocks",
    unit=BLOCKS,
    labels=ENGINE,
    versions=Versions("0.31.0"),
    needs=(Needs.SIMPLE_CPU_OFFLOAD,),
    note="Out of the capacity_blocks that simple_kv_offload_info has as a label.",
)

SIMPLE_KV_OFFLOAD_PENDING_STORE_BLOCKS = Gauge(
    name="vllm:simple_kv_offload_pending_store_blocks",
    unit=BLOCKS,
    labels=ENGINE,
    versions=Versions("0.31.0"),
    needs=(Needs.SIMPLE_CPU_OFFLOAD,),
)

SIMPLE_KV_OFFLOAD_INFO = Gauge(
    name="vllm:simple_kv_offload_info",
    unit=STATE,
    labels=labels(
        *("model_name", "engine", "backend", "page_cache", "lazy_offload", "capacity_blocks"),
    ),
    bounds=(1, 1),
    versions=Versions("0.31.0"),
    needs=(Needs.SIMPLE_CPU_OFFLOAD,),
)


# KVCR, a secondary tier; the names come from its own package (0.1.1)

KVCR_DURATION_SECONDS = Histogram(
    name="vllm:kvcr_duration_seconds",
    unit=SECONDS,
    labels=labels("model_name", "engine", "result", "scope"),
    edges=(
        *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
        *(1.0, 2.5, 5.0, 7.5, 10.0),
    ),
    versions=Versions("0.30.0"),
    needs=(Needs.KVCR,),
)

KVCR_TRANSFER_BYTES_TOTAL = Counter(
    name="vllm:kvcr_transfer_bytes_total",
    unit=BYTES,
    labels=labels("model_name", "engine", "operation"),
    versions=Versions("0.30.0"),
    needs=(Needs.KVCR,),
)

KVCR_TRANSFER_BLOCKS_TOTAL = Counter(
    name="vllm:kvcr_transfer_blocks_total",
    unit=BLOCKS,
    labels=labels("model_name", "engine", "operation"),
    versions=Versions("0.30.0"),
    needs=(Needs.KVCR,),
)

KVCR_STATE = Gauge(
    name="vllm:kvcr_state",
    unit=COUNT,
    labels=labels("model_name", "engine", "resource"),
    versions=Versions("0.30.0"),
    needs=(Needs.KVCR,),
    keep=frozenset({"resource"}),
    note="The resource says what is counted.",
)

METRICS = all_metrics(globals())
