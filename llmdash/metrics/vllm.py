"""What a vLLM server exposes about requests, tokens, its scheduler, its cache and latency.

Optional features, the V0 engine, KV transfer and the web server have modules of their own;
`METRICS` joins all that a server can expose.
"""

from __future__ import annotations

from llmdash.metrics import (
    fastapi,
    python_process,
    vllm_features,
    vllm_offload,
    vllm_transfer,
    vllm_v0,
)
from llmdash.metrics.metric import Counter, Gauge, Histogram, Needs, Versions, all_metrics, labels
from llmdash.metrics.vllm_shared import (
    BLOCKS,
    ENGINE,
    FIRST_TOKEN_EDGES,
    FIRST_TOKEN_EDGES_TO_0_8_3,
    REQUEST_LATENCY_EDGES,
    REQUEST_LATENCY_EDGES_TO_0_6_3,
    REQUEST_LATENCY_EDGES_TO_0_8_3,
    REQUEST_PARAMETER_EDGES,
    TOKEN_COUNT_EDGES,
    TOKEN_LATENCY_EDGES,
    TOKEN_LATENCY_EDGES_TO_0_8_3,
)
from llmdash.promql.units import COUNT, RATIO, REQUESTS, SECONDS, STATE, TOKENS, base

BLOCKS_TO_0_8_5 = (("0.8.5", BLOCKS),)

# Requests in flight

NUM_REQUESTS_RUNNING = Gauge(
    name="vllm:num_requests_running",
    unit=REQUESTS,
    labels=ENGINE,
    note="In the running batch. May keep its last value after every request was aborted.",
)

NUM_REQUESTS_WAITING = Gauge(
    name="vllm:num_requests_waiting",
    unit=REQUESTS,
    labels=ENGINE,
    note="Since 0.20 it includes deferred requests, so the value may step up on an upgrade.",
)

NUM_REQUESTS_WAITING_BY_REASON = Gauge(
    name="vllm:num_requests_waiting_by_reason",
    unit=REQUESTS,
    labels=labels("model_name", "engine", reason=("capacity", "deferred")),
    versions=Versions("0.20.0"),
    note="The two reasons add up to num_requests_waiting; only capacity calls for more replicas.",
)

NUM_REQUESTS_KV_FETCH_BY_STAGE = Gauge(
    name="vllm:num_requests_kv_fetch_by_stage",
    unit=REQUESTS,
    labels=labels(
        "model_name", "engine", stage=("waiting_to_start", "in_progress", "completed_waiting")
    ),
    versions=Versions("0.32.0"),
    needs=(Needs.KV_CONSUMER,),
)


# Requests done or refused

REQUEST_SUCCESS_TOTAL = Counter(
    name="vllm:request_success_total",
    unit=REQUESTS,
    labels=labels(
        "model_name", "engine", finished_reason=("stop", "length", "abort", "error", "repetition")
    ),
    note=(
        "Every end of a request, so errors too (since 0.13; repetition since 0.17): no success "
        "rate. Requests whose client went away are counted nowhere. All reasons start at 0."
    ),
)

ADMISSION_REJECTIONS_TOTAL = Counter(
    name="vllm:admission_rejections_total",
    unit=REQUESTS,
    labels=labels("model_name", reason=("max_num_queued_reqs", "max_num_queued_tokens")),
    versions=Versions("0.32.0"),
    idle_without=(Needs.QUEUE_LIMITS,),
    note="Counted by the API server: no engine label.",
)

NUM_PREEMPTIONS_TOTAL = Counter(
    name="vllm:num_preemptions_total",
    unit=base("preemptions"),
    labels=ENGINE,
    note="Requests thrown out of the batch for want of KV blocks; they are computed again.",
)

REQUEST_NUM_PREEMPTIONS = Histogram(
    name="vllm:request_num_preemptions",
    unit=base("preemptions"),
    labels=ENGINE,
    edges=(1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0),
    counts=REQUESTS,
    versions=Versions("0.30.0"),
    note="The first bucket holds 0 and 1 preemptions alike; the sum is the part to use.",
)


# The engine

ENGINE_SLEEP_STATE = Gauge(
    name="vllm:engine_sleep_state",
    unit=STATE,
    labels=labels(
        "model_name", "engine", sleep_state=("awake", "weights_offloaded", "discard_all")
    ),
    bounds=(0, 1),
    versions=Versions("0.11.1"),
    keep=frozenset({"sleep_state"}),
    note="Exactly one state is 1.",
)


# Tokens

PROMPT_TOKENS_TOTAL = Counter(
    name="vllm:prompt_tokens_total",
    unit=TOKENS,
    labels=ENGINE,
    note="Jumps by the whole prompt when its prefill ends, tokens from the prefix cache included.",
)

PROMPT_TOKENS_BY_SOURCE_TOTAL = Counter(
    name="vllm:prompt_tokens_by_source_total",
    unit=TOKENS,
    labels=labels(
        "model_name", "engine", source=("local_compute", "local_cache_hit", "external_kv_transfer")
    ),
    versions=Versions("0.16.0"),
    note=(
        "The sources add up to prompt_tokens_total; local_compute is the prefill work really done."
    ),
)

PROMPT_TOKENS_CACHED_TOTAL = Counter(
    name="vllm:prompt_tokens_cached_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("0.16.0"),
    note="Prompt tokens from the local cache or from another instance.",
)

PROMPT_TOKENS_CACHED_BY_SOURCE_TOTAL = Counter(
    name="vllm:prompt_tokens_cached_by_source_total",
    unit=TOKENS,
    labels=labels(
        "model_name", "engine", source=("device", "host", "disk", "p2p", "external_unspecified")
    ),
    versions=Versions("0.32.0"),
    note="Counted when a request is admitted, so earlier than prompt_tokens_cached_total.",
)

PROMPT_TOKENS_RECOMPUTED_TOTAL = Counter(
    name="vllm:prompt_tokens_recomputed_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("0.16.0", "0.19"),
    note="Short-lived: 0.16 to 0.19.",
)

GENERATION_TOKENS_TOTAL = Counter(
    name="vllm:generation_tokens_total",
    unit=TOKENS,
    labels=ENGINE,
    note="Grows while requests run: the best live measure of throughput.",
)

ITERATION_TOKENS_TOTAL = Histogram(
    name="vllm:iteration_tokens_total",
    unit=TOKENS,
    labels=ENGINE,
    edges=(
        *(1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0),
        *(1024.0, 2048.0, 4096.0, 8192.0, 16384.0),
    ),
    older_edges=(("0.8.4", ()),),
    versions=Versions("0.6.4"),
    note=(
        "A histogram despite its name: tokens per step of the engine. Since 0.23 cached prompt "
        "tokens are left out. May be wrong with several API servers."
    ),
)


# Sizes of requests, written when they finish

REQUEST_PROMPT_TOKENS = Histogram(
    name="vllm:request_prompt_tokens",
    unit=TOKENS,
    labels=ENGINE,
    edges=TOKEN_COUNT_EDGES,
    edges_vary_by=frozenset({"model_name"}),
    counts=REQUESTS,
    note="Long requests weigh later here than in prompt_tokens_total.",
)

REQUEST_GENERATION_TOKENS = Histogram(
    name="vllm:request_generation_tokens",
    unit=TOKENS,
    labels=ENGINE,
    edges=TOKEN_COUNT_EDGES,
    edges_vary_by=frozenset({"model_name"}),
    counts=REQUESTS,
    note="Long requests weigh later here than in generation_tokens_total.",
)

REQUEST_MAX_NUM_GENERATION_TOKENS = Histogram(
    name="vllm:request_max_num_generation_tokens",
    unit=TOKENS,
    labels=ENGINE,
    edges=TOKEN_COUNT_EDGES,
    edges_vary_by=frozenset({"model_name"}),
    counts=REQUESTS,
    versions=Versions("0.6.4"),
    note="The longest of the n answers to a request.",
)

REQUEST_PARAMS_MAX_TOKENS = Histogram(
    name="vllm:request_params_max_tokens",
    unit=TOKENS,
    labels=ENGINE,
    edges=TOKEN_COUNT_EDGES,
    edges_vary_by=frozenset({"model_name"}),
    counts=REQUESTS,
    versions=Versions("0.6.4"),
    note="Requests that name no max_tokens are left out.",
)

REQUEST_PREFILL_KV_COMPUTED_TOKENS = Histogram(
    name="vllm:request_prefill_kv_computed_tokens",
    unit=TOKENS,
    labels=ENGINE,
    edges=TOKEN_COUNT_EDGES,
    edges_vary_by=frozenset({"model_name"}),
    counts=REQUESTS,
    versions=Versions("0.13.0"),
    note="Prompt tokens that no cache held.",
)

REQUEST_PARAMS_N = Histogram(
    name="vllm:request_params_n",
    unit=COUNT,
    labels=ENGINE,
    edges=REQUEST_PARAMETER_EDGES,
    counts=REQUESTS,
    note="How many answers a request asked for.",
)


# KV and prefix cache

KV_CACHE_USAGE_PERC = Gauge(
    name="vllm:kv_cache_usage_perc",
    unit=RATIO,
    labels=ENGINE,
    versions=Versions("0.9.2"),
    note=(
        "0 to 1 despite its name, per engine. Blocks that only the prefix cache holds count as "
        "free, so a value that stays near 1 is real pressure."
    ),
)

PREFIX_CACHE_QUERIES_TOTAL = Counter(
    name="vllm:prefix_cache_queries_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("0.9.2"),
    note="Tokens looked up when the scheduler admits a request.",
)

PREFIX_CACHE_HITS_TOTAL = Counter(
    name="vllm:prefix_cache_hits_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("0.9.2"),
    note="Tokens found; hits over queries is the hit ratio by tokens.",
)

EXTERNAL_PREFIX_CACHE_QUERIES_TOTAL = Counter(
    name="vllm:external_prefix_cache_queries_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("0.11.1"),
    idle_without=(Needs.KV_CONNECTOR,),
    note="Tokens looked up through a KV connector.",
)

EXTERNAL_PREFIX_CACHE_HITS_TOTAL = Counter(
    name="vllm:external_prefix_cache_hits_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("0.11.1"),
    idle_without=(Needs.KV_CONNECTOR,),
    note="Tokens found through a KV connector.",
)

MM_CACHE_QUERIES_TOTAL = Counter(
    name="vllm:mm_cache_queries_total",
    unit=base("items"),
    labels=ENGINE,
    versions=Versions("0.11.1"),
    idle_without=(Needs.MULTIMODAL_MODEL,),
    note="Inputs, not tokens, looked up in the processor cache. Not in the Rust frontend.",
)

MM_CACHE_HITS_TOTAL = Counter(
    name="vllm:mm_cache_hits_total",
    unit=base("items"),
    labels=ENGINE,
    versions=Versions("0.11.1"),
    idle_without=(Needs.MULTIMODAL_MODEL,),
    note="Inputs, not tokens, found in the processor cache. Not in the Rust frontend.",
)

CACHE_CONFIG_INFO = Gauge(
    name="vllm:cache_config_info",
    unit=STATE,
    labels=labels(
        *("engine", "block_size", "cache_dtype", "enable_prefix_caching", "gpu_memory_utilization"),
        *("num_gpu_blocks", "num_cpu_blocks", "kv_cache_size_tokens", "kv_cache_max_concurrency"),
        is_open=True,
    ),
    # Since a release that nobody has looked up; 0.27 has them.
    optional_labels=frozenset({"kv_cache_size_tokens", "kv_cache_max_concurrency"}),
    bounds=(1, 1),
    note=(
        "The configuration as labels, values as Python writes them; no model_name, so join on "
        "instance and engine. The labels change with every release."
    ),
)


# Latency that a client feels

TIME_TO_FIRST_TOKEN_SECONDS = Histogram(
    name="vllm:time_to_first_token_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=FIRST_TOKEN_EDGES,
    older_edges=(("0.8.3", FIRST_TOKEN_EDGES_TO_0_8_3),),
    counts=REQUESTS,
    note=(
        "Starts when the API takes the request, so queueing counts; written at the first token, "
        "so requests that are aborted later count too."
    ),
)

INTER_TOKEN_LATENCY_SECONDS = Histogram(
    name="vllm:inter_token_latency_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=TOKEN_LATENCY_EDGES,
    versions=Versions("0.10.2"),
    note=(
        "One observation per output of the engine after the first; with speculative decoding an "
        "output carries several tokens."
    ),
)

REQUEST_TIME_PER_OUTPUT_TOKEN_SECONDS = Histogram(
    name="vllm:request_time_per_output_token_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=TOKEN_LATENCY_EDGES,
    counts=REQUESTS,
    versions=Versions("0.11.0"),
    note="Mean of a finished request. One-token answers are written as 0 and pull quantiles down.",
)

E2E_REQUEST_LATENCY_SECONDS = Histogram(
    name="vllm:e2e_request_latency_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=REQUEST_LATENCY_EDGES,
    older_edges=(
        ("0.8.3", REQUEST_LATENCY_EDGES_TO_0_8_3),
        ("0.6.3", REQUEST_LATENCY_EDGES_TO_0_6_3),
    ),
    counts=REQUESTS,
    note="Written at the end; aborted requests are missing.",
)


# Latency by phase, written when a request finishes: silent during a stall, and
# whatever is faster than the first edge of 0.3 s is hidden

REQUEST_QUEUE_TIME_SECONDS = Histogram(
    name="vllm:request_queue_time_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=REQUEST_LATENCY_EDGES,
    older_edges=(("0.8.3", REQUEST_LATENCY_EDGES_TO_0_8_3),),
    counts=REQUESTS,
    versions=Versions("0.6.4"),
    note="A queue that is stuck shows only after it drains.",
)

REQUEST_PREFILL_TIME_SECONDS = Histogram(
    name="vllm:request_prefill_time_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=REQUEST_LATENCY_EDGES,
    older_edges=(("0.8.3", REQUEST_LATENCY_EDGES_TO_0_8_3),),
    counts=REQUESTS,
    versions=Versions("0.6.4"),
    note="From the last scheduling to the first token.",
)

REQUEST_DECODE_TIME_SECONDS = Histogram(
    name="vllm:request_decode_time_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=REQUEST_LATENCY_EDGES,
    older_edges=(("0.8.3", REQUEST_LATENCY_EDGES_TO_0_8_3),),
    counts=REQUESTS,
    versions=Versions("0.6.4"),
    note="From the first token to the last.",
)

REQUEST_INFERENCE_TIME_SECONDS = Histogram(
    name="vllm:request_inference_time_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=REQUEST_LATENCY_EDGES,
    older_edges=(("0.8.3", REQUEST_LATENCY_EDGES_TO_0_8_3),),
    counts=REQUESTS,
    versions=Versions("0.6.4"),
    note="From the last scheduling to the last token.",
)


# Renamed; for some releases both names are exposed together

GPU_CACHE_USAGE_PERC = Gauge(
    name="vllm:gpu_cache_usage_perc",
    unit=RATIO,
    labels=ENGINE,
    versions=Versions(last="0.11.2"),
    successor="vllm:kv_cache_usage_perc",
    note="Hidden since 0.11; beside its successor from 0.9.2. 0 to 1 despite its name.",
)

GPU_PREFIX_CACHE_QUERIES_TOTAL = Counter(
    name="vllm:gpu_prefix_cache_queries_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("0.7.3", "0.11.2"),
    successor="vllm:prefix_cache_queries_total",
    older_units=BLOCKS_TO_0_8_5,
    note="Counted blocks up to 0.8.5: the hit ratio stays comparable, rates do not.",
)

GPU_PREFIX_CACHE_HITS_TOTAL = Counter(
    name="vllm:gpu_prefix_cache_hits_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("0.7.3", "0.11.2"),
    successor="vllm:prefix_cache_hits_total",
    older_units=BLOCKS_TO_0_8_5,
    note="Counted blocks up to 0.8.5: the hit ratio stays comparable, rates do not.",
)

TIME_PER_OUTPUT_TOKEN_SECONDS = Histogram(
    name="vllm:time_per_output_token_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=TOKEN_LATENCY_EDGES,
    older_edges=(("0.8.3", TOKEN_LATENCY_EDGES_TO_0_8_3),),
    versions=Versions(last="0.14"),
    successor="vllm:inter_token_latency_seconds",
    note="The same data as its successor; hidden since 0.12.",
)

METRICS = (
    *all_metrics(globals()),
    *vllm_features.METRICS,
    *vllm_transfer.METRICS,
    *vllm_offload.METRICS,
    *vllm_v0.METRICS,
    *fastapi.METRICS,
    *python_process.METRICS,
)
