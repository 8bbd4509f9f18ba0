"""What TensorRT-LLM's own server (trtllm-serve) exposes, at /prometheus/metrics; /metrics is JSON.

Labels read "undefined" before 1.3. Gauges hold the value of the last iteration.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, Histogram, Needs, Versions, all_metrics, labels
from llmdash.promql.units import BYTES, RATIO, REQUESTS, SECONDS, STATE, TOKENS, base

ENGINE = labels("model_name", "engine_type")
POSITION = labels("model_name", "engine_type", "token_position")
CONFIGURATION = labels("model_name", "engine_type", is_open=True)
MEASURED = (Needs.PERFORMANCE_METRICS,)

BLOCKS = base("blocks")

# As in vLLM, from which they were taken.
REQUEST_LATENCY_EDGES = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0),
    *(120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0),
)

# Requests

TRTLLM_NUM_REQUESTS_RUNNING = Gauge(
    name="trtllm_num_requests_running",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_NUM_REQUESTS_WAITING = Gauge(
    name="trtllm_num_requests_waiting",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_MAX_NUM_ACTIVE_REQUESTS = Gauge(
    name="trtllm_max_num_active_requests",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_NUM_CONTEXT_REQUESTS = Gauge(
    name="trtllm_num_context_requests",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_NUM_GENERATION_REQUESTS = Gauge(
    name="trtllm_num_generation_requests",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_NUM_PAUSED_REQUESTS = Gauge(
    name="trtllm_num_paused_requests",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_NUM_SCHEDULED_REQUESTS = Gauge(
    name="trtllm_num_scheduled_requests",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_REQUEST_SUCCESS_TOTAL = Counter(
    name="trtllm_request_success_total",
    unit=REQUESTS,
    labels=labels("model_name", "engine_type", "finished_reason"),
    needs=MEASURED,
    note=(
        "The prefix trtllm_ came in 1.2 or 1.3; 1.0 had the name without it. Early builds wrote "
        "finish_reason."
    ),
)

TRTLLM_REQUEST_ERROR_TOTAL = Counter(
    name="trtllm_request_error_total",
    unit=REQUESTS,
    labels=labels("model_name", "engine_type", "http_code"),
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_NUM_REQUESTS_COMPLETED_TOTAL = Counter(
    name="trtllm_num_requests_completed_total",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)


# Latency

TRTLLM_TIME_TO_FIRST_TOKEN_SECONDS = Histogram(
    name="trtllm_time_to_first_token_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=(
        *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75),
        *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
    ),
    counts=REQUESTS,
    needs=MEASURED,
    note="The prefix trtllm_ came in 1.2 or 1.3; 1.0 had the name without it.",
)

TRTLLM_TIME_PER_OUTPUT_TOKEN_SECONDS = Histogram(
    name="trtllm_time_per_output_token_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=(
        *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75),
        *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
    ),
    counts=REQUESTS,
    needs=MEASURED,
    note=(
        "The prefix trtllm_ came in 1.2 or 1.3; 1.0 had the name without it. The mean of a "
        "request, not the time between two tokens."
    ),
)

TRTLLM_E2E_REQUEST_LATENCY_SECONDS = Histogram(
    name="trtllm_e2e_request_latency_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=REQUEST_LATENCY_EDGES,
    counts=REQUESTS,
    needs=MEASURED,
    note="The prefix trtllm_ came in 1.2 or 1.3; 1.0 had the name without it.",
)

TRTLLM_REQUEST_QUEUE_TIME_SECONDS = Histogram(
    name="trtllm_request_queue_time_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=REQUEST_LATENCY_EDGES,
    counts=REQUESTS,
    needs=MEASURED,
    note="The prefix trtllm_ came in 1.2 or 1.3; 1.0 had the name without it.",
)

TRTLLM_REQUEST_PREFILL_TIME_SECONDS = Histogram(
    name="trtllm_request_prefill_time_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=(
        *(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
        *(1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
    ),
    counts=REQUESTS,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_REQUEST_DECODE_TIME_SECONDS = Histogram(
    name="trtllm_request_decode_time_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=REQUEST_LATENCY_EDGES,
    counts=REQUESTS,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_REQUEST_INFERENCE_TIME_SECONDS = Histogram(
    name="trtllm_request_inference_time_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=REQUEST_LATENCY_EDGES,
    counts=REQUESTS,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_ITERATION_LATENCY_SECONDS = Gauge(
    name="trtllm_iteration_latency_seconds",
    unit=SECONDS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)


# Tokens

TRTLLM_PROMPT_TOKENS_TOTAL = Counter(
    name="trtllm_prompt_tokens_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_GENERATION_TOKENS_TOTAL = Counter(
    name="trtllm_generation_tokens_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_PROMPT_CACHED_TOKENS_TOTAL = Counter(
    name="trtllm_prompt_cached_tokens_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_PROMPT_CACHE_HIT_TOKENS_TOTAL = Counter(
    name="trtllm_prompt_cache_hit_tokens_total",
    unit=TOKENS,
    labels=labels("model_name", "engine_type", "cache_level", "cache_tier"),
    needs=MEASURED,
    note="On the main branch after 1.3; the first release is not known.",
)

TRTLLM_PROMPT_CACHED_TOKENS_PER_REQUEST = Histogram(
    name="trtllm_prompt_cached_tokens_per_request",
    unit=TOKENS,
    labels=ENGINE,
    edges=(0.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0),
    counts=REQUESTS,
    needs=MEASURED,
    note="On the main branch after 1.3; the first release is not known.",
)

TRTLLM_TOTAL_CONTEXT_TOKENS = Gauge(
    name="trtllm_total_context_tokens",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
    note="Of one iteration: no counter.",
)

TRTLLM_AVG_DECODED_TOKENS_PER_ITER = Gauge(
    name="trtllm_avg_decoded_tokens_per_iter",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_PREFILL_PERPLEXITY = Histogram(
    name="trtllm_prefill_perplexity",
    unit=base("perplexity"),
    labels=ENGINE,
    edges=(1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 500.0, 1000.0),
    counts=REQUESTS,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_GENERATION_PERPLEXITY = Histogram(
    name="trtllm_generation_perplexity",
    unit=base("perplexity"),
    labels=ENGINE,
    edges=(1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 500.0, 1000.0),
    counts=REQUESTS,
    versions=Versions("1.3"),
    needs=MEASURED,
)


# Speculative decoding

TRTLLM_SPEC_DECODE_DRAFTED_TOKENS_TOTAL = Counter(
    name="trtllm_spec_decode_drafted_tokens_total",
    unit=TOKENS,
    labels=POSITION,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_SPEC_DECODE_ACCEPTED_TOKENS_TOTAL = Counter(
    name="trtllm_spec_decode_accepted_tokens_total",
    unit=TOKENS,
    labels=POSITION,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_SPEC_DECODE_NUM_DRAFT_TOKENS_TOTAL = Counter(
    name="trtllm_spec_decode_num_draft_tokens_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_SPEC_DECODE_NUM_ACCEPTED_TOKENS_TOTAL = Counter(
    name="trtllm_spec_decode_num_accepted_tokens_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_SPEC_DECODE_ACCEPTANCE_LENGTH = Gauge(
    name="trtllm_spec_decode_acceptance_length",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_SPEC_DECODE_DRAFT_OVERHEAD = Gauge(
    name="trtllm_spec_decode_draft_overhead",
    unit=RATIO,
    labels=ENGINE,
    bounds=(0, None),
    versions=Versions("1.3"),
    needs=MEASURED,
    note="May be above 1.",
)


# Batches

TRTLLM_MAX_BATCH_SIZE_STATIC = Gauge(
    name="trtllm_max_batch_size_static",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_MAX_BATCH_SIZE_RUNTIME = Gauge(
    name="trtllm_max_batch_size_runtime",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_MAX_NUM_TOKENS_RUNTIME = Gauge(
    name="trtllm_max_num_tokens_runtime",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_PREFILL_BATCH_OCCUPANCY = Gauge(
    name="trtllm_prefill_batch_occupancy",
    unit=RATIO,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_PREFILL_BATCH_TOKENS = Histogram(
    name="trtllm_prefill_batch_tokens",
    unit=TOKENS,
    labels=ENGINE,
    edges=(
        *(64.0, 128.0, 256.0, 512.0, 1024.0),
        *(2048.0, 4096.0, 8192.0, 16384.0, 32768.0),
    ),
    versions=Versions("1.3"),
    needs=MEASURED,
)


# KV cache now

TRTLLM_KV_CACHE_UTILIZATION = Gauge(
    name="trtllm_kv_cache_utilization",
    unit=RATIO,
    labels=ENGINE,
    needs=MEASURED,
    note="Came in 1.2 or 1.3.",
)

TRTLLM_KV_CACHE_HIT_RATE = Gauge(
    name="trtllm_kv_cache_hit_rate",
    unit=RATIO,
    labels=ENGINE,
    needs=MEASURED,
    note="Came in 1.2 or 1.3.",
)

TRTLLM_KV_CACHE_HOST_UTILIZATION = Gauge(
    name="trtllm_kv_cache_host_utilization",
    unit=RATIO,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_KV_CACHE_ITER_REUSE_RATE = Gauge(
    name="trtllm_kv_cache_iter_reuse_rate",
    unit=RATIO,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_KV_CACHE_MAX_BLOCKS = Gauge(
    name="trtllm_kv_cache_max_blocks",
    unit=BLOCKS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_KV_CACHE_FREE_BLOCKS = Gauge(
    name="trtllm_kv_cache_free_blocks",
    unit=BLOCKS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_KV_CACHE_USED_BLOCKS = Gauge(
    name="trtllm_kv_cache_used_blocks",
    unit=BLOCKS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_KV_CACHE_TOKENS_PER_BLOCK = Gauge(
    name="trtllm_kv_cache_tokens_per_block",
    unit=TOKENS / BLOCKS,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)


# KV cache over time

TRTLLM_KV_CACHE_REUSED_BLOCKS_TOTAL = Counter(
    name="trtllm_kv_cache_reused_blocks_total",
    unit=BLOCKS,
    labels=ENGINE,
    needs=MEASURED,
    note="Came in 1.2 or 1.3.",
)

TRTLLM_KV_CACHE_MISSED_BLOCKS_TOTAL = Counter(
    name="trtllm_kv_cache_missed_blocks_total",
    unit=BLOCKS,
    labels=ENGINE,
    needs=MEASURED,
    note="Came in 1.2 or 1.3.",
)

TRTLLM_KV_CACHE_ITER_REUSED_BLOCKS_TOTAL = Counter(
    name="trtllm_kv_cache_iter_reused_blocks_total",
    unit=BLOCKS,
    labels=ENGINE,
    needs=MEASURED,
    note="On the main branch after 1.3; the first release is not known.",
)

TRTLLM_KV_CACHE_ITER_FULL_REUSED_BLOCKS_TOTAL = Counter(
    name="trtllm_kv_cache_iter_full_reused_blocks_total",
    unit=BLOCKS,
    labels=ENGINE,
    needs=MEASURED,
    note="On the main branch after 1.3; the first release is not known.",
)

TRTLLM_KV_CACHE_ITER_PARTIAL_REUSED_BLOCKS_TOTAL = Counter(
    name="trtllm_kv_cache_iter_partial_reused_blocks_total",
    unit=BLOCKS,
    labels=ENGINE,
    needs=MEASURED,
    note="On the main branch after 1.3; the first release is not known.",
)

TRTLLM_KV_CACHE_ITER_MISSED_BLOCKS_TOTAL = Counter(
    name="trtllm_kv_cache_iter_missed_blocks_total",
    unit=BLOCKS,
    labels=ENGINE,
    needs=MEASURED,
    note="On the main branch after 1.3; the first release is not known.",
)

TRTLLM_KV_CACHE_GEN_ALLOC_BLOCKS_TOTAL = Counter(
    name="trtllm_kv_cache_gen_alloc_blocks_total",
    unit=BLOCKS,
    labels=ENGINE,
    needs=MEASURED,
    note="On the main branch after 1.3; the first release is not known.",
)

TRTLLM_KV_CACHE_DISK_PREFETCH_BLOCKS_TOTAL = Counter(
    name="trtllm_kv_cache_disk_prefetch_blocks_total",
    unit=BLOCKS,
    labels=ENGINE,
    needs=MEASURED,
    note="On the main branch after 1.3; the first release is not known.",
)

TRTLLM_KV_CACHE_ONBOARD_BYTES_TOTAL = Counter(
    name="trtllm_kv_cache_onboard_bytes_total",
    unit=BYTES,
    labels=ENGINE,
    needs=MEASURED,
    note="On the main branch after 1.3; the first release is not known.",
)

TRTLLM_KV_CACHE_OFFLOAD_BYTES_TOTAL = Counter(
    name="trtllm_kv_cache_offload_bytes_total",
    unit=BYTES,
    labels=ENGINE,
    needs=MEASURED,
    note="On the main branch after 1.3; the first release is not known.",
)

TRTLLM_KV_CACHE_INTRA_DEVICE_COPY_BYTES_TOTAL = Counter(
    name="trtllm_kv_cache_intra_device_copy_bytes_total",
    unit=BYTES,
    labels=ENGINE,
    needs=MEASURED,
    note="On the main branch after 1.3; the first release is not known.",
)


# Memory

TRTLLM_GPU_MEMORY_USAGE_BYTES = Gauge(
    name="trtllm_gpu_memory_usage_bytes",
    unit=BYTES,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_CPU_MEMORY_USAGE_BYTES = Gauge(
    name="trtllm_cpu_memory_usage_bytes",
    unit=BYTES,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_PINNED_MEMORY_USAGE_BYTES = Gauge(
    name="trtllm_pinned_memory_usage_bytes",
    unit=BYTES,
    labels=ENGINE,
    versions=Versions("1.3"),
    needs=MEASURED,
)


# Configuration as labels

TRTLLM_MODEL_CONFIG_INFO = Gauge(
    name="trtllm_model_config_info",
    unit=STATE,
    labels=CONFIGURATION,
    bounds=(1, 1),
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_PARALLEL_CONFIG_INFO = Gauge(
    name="trtllm_parallel_config_info",
    unit=STATE,
    labels=CONFIGURATION,
    bounds=(1, 1),
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_SPECULATIVE_CONFIG_INFO = Gauge(
    name="trtllm_speculative_config_info",
    unit=STATE,
    labels=CONFIGURATION,
    bounds=(1, 1),
    versions=Versions("1.3"),
    needs=MEASURED,
)

TRTLLM_KV_CACHE_CONFIG_INFO = Gauge(
    name="trtllm_kv_cache_config_info",
    unit=STATE,
    labels=CONFIGURATION,
    bounds=(1, 1),
    versions=Versions("1.3"),
    needs=MEASURED,
)

METRICS = all_metrics(globals())
