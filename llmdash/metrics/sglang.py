"""What SGLang exposes when it is started with --enable-metrics and without special features.

Read from releases 0.4.6, 0.5.5 and 0.5.23: a first release is the first of these that has the
family. Left out are LoRA, speculative decoding, other cache tiers and memory pools, grammars,
encoders, data parallel attention, disaggregation, and most of what a start writes once. All
processes share one page, and process_* families are not on it.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, Histogram, Versions, all_metrics, labels
from llmdash.promql.units import BYTES, PERCENT, RATIO, REQUESTS, SECONDS, STATE, TOKENS, Unit, base

V0_5_5 = Versions("0.5.5")
V0_5_23 = Versions("0.5.23")

# Written by the process that takes requests in.
SERVER = labels("model_name", "engine_type")
BY_STREAMING = labels("model_name", "engine_type", is_streaming=("true", "false"))
STREAMING = frozenset({"is_streaming"})

# Written by schedulers: the first rank of each attention group, or every rank with
# --enable-metrics-for-all-schedulers. A sum over ranks multiplies; dp_rank alone divides the work.
RANKS = ("model_name", "engine_type", "tp_rank", "pp_rank", "moe_ep_rank", "dp_rank", "priority")
SCHEDULER = labels(*RANKS)
SOMETIMES = frozenset({"moe_ep_rank", "dp_rank", "priority"})

GIGABYTES = Unit(BYTES.factors, 2**30)
PREEMPTIONS = base("preemptions")

TOKEN_LATENCY_EDGES = (
    *(0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04),
    *(0.06, 0.08, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 6.0, 8.0),
)
REQUEST_LATENCY_EDGES = (
    *(0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 6.0, 8.0),
    *(10.0, 20.0, 40.0, 60.0, 80.0, 100.0, 200.0, 400.0),
)
WHOLE_SECOND_EDGES = (
    *(1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0),
    *(100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0, 1000.0),
    *(1200.0, 1400.0, 1600.0, 1800.0, 2000.0, 2500.0, 3000.0),
)
LENGTH_EDGES = (
    *(100.0, 300.0, 500.0, 700.0, 1000.0, 1500.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0, 7000.0),
    *(8000.0, 9000.0, 10000.0, 12500.0, 15000.0, 17500.0, 20000.0, 22500.0, 25000.0, 27500.0),
    *(30000.0, 35000.0, 40000.0, 60000.0, 80000.0, 100000.0, 200000.0, 300000.0, 400000.0),
    *(600000.0, 800000.0, 1000000.0, 1100000.0),
)
OLDER_LENGTH_EDGES = (
    *(100.0, 300.0, 500.0, 700.0, 1000.0, 1500.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0, 7000.0),
    *(8000.0, 9000.0, 10000.0, 12000.0, 15000.0, 20000.0, 22000.0, 25000.0, 30000.0, 35000.0),
    *(40000.0, 66000.0, 99000.0, 132000.0, 300000.0, 600000.0, 900000.0, 1100000.0),
)


# Requests

NUM_REQUESTS_TOTAL = Counter(
    name="sglang:num_requests_total",
    unit=REQUESTS,
    labels=BY_STREAMING,
    optional_labels=STREAMING,
    note=(
        "Written when a request ends, aborted ones included if work on them had begun. Of n "
        "answers, n + 1 are counted."
    ),
)

NUM_ABORTED_REQUESTS_TOTAL = Counter(
    name="sglang:num_aborted_requests_total",
    unit=REQUESTS,
    labels=SERVER,
    versions=V0_5_5,
    note=(
        "Orders to abort, most of them for clients that have gone; one that aborts all requests "
        "counts once."
    ),
)

NUM_SO_REQUESTS_TOTAL = Counter(
    name="sglang:num_so_requests_total",
    unit=REQUESTS,
    labels=SERVER,
    versions=V0_5_5,
    note="Those with structured output; also in num_requests_total.",
)

NUM_RUNNING_REQS = Gauge(
    name="sglang:num_running_reqs",
    unit=REQUESTS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    note="With priority scheduling the total is the series without a priority.",
)

NUM_QUEUE_REQS = Gauge(
    name="sglang:num_queue_reqs",
    unit=REQUESTS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    note="With priority scheduling the total is the series without a priority.",
)

NUM_GRAMMAR_QUEUE_REQS = Gauge(
    name="sglang:num_grammar_queue_reqs",
    unit=REQUESTS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_5,
    note="They wait until their grammar is compiled.",
)

NUM_RETRACTED_REQS = Gauge(
    name="sglang:num_retracted_reqs",
    unit=REQUESTS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_5,
    note="In the last step, not in total. A label pid may come with it.",
)

NUM_PAUSED_REQS = Gauge(
    name="sglang:num_paused_reqs",
    unit=REQUESTS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_5,
    note="For an update of weights. A label pid may come with it.",
)

NUM_RETRACTED_REQUESTS_TOTAL = Counter(
    name="sglang:num_retracted_requests_total",
    unit=PREEMPTIONS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_23,
)

HTTP_REQUESTS_TOTAL = Counter(
    name="sglang:http_requests_total",
    unit=REQUESTS,
    labels=labels("endpoint", "method"),
    versions=V0_5_23,
)

HTTP_RESPONSES_TOTAL = Counter(
    name="sglang:http_responses_total",
    unit=REQUESTS,
    labels=labels("endpoint", "status_code", "method"),
    versions=V0_5_23,
)

HTTP_REQUESTS_ACTIVE = Gauge(
    name="sglang:http_requests_active",
    unit=REQUESTS,
    labels=labels("endpoint", "method"),
    versions=V0_5_23,
)


# Latency

TIME_TO_FIRST_TOKEN_SECONDS = Histogram(
    name="sglang:time_to_first_token_seconds",
    unit=SECONDS,
    labels=BY_STREAMING,
    optional_labels=STREAMING,
    edges=REQUEST_LATENCY_EDGES,
    counts=REQUESTS,
    note=(
        "Without streaming a first chunk of many tokens ends it; no release before 0.5.23 tells "
        "the two apart."
    ),
)

INTER_TOKEN_LATENCY_SECONDS = Histogram(
    name="sglang:inter_token_latency_seconds",
    unit=SECONDS,
    labels=SERVER,
    edges=TOKEN_LATENCY_EDGES,
    note="One observation a token: a chunk of several counts as many times, each with its share.",
)

REQUEST_TIME_PER_OUTPUT_TOKEN_SECONDS = Histogram(
    name="sglang:request_time_per_output_token_seconds",
    unit=SECONDS,
    labels=BY_STREAMING,
    optional_labels=STREAMING,
    edges=TOKEN_LATENCY_EDGES,
    counts=REQUESTS,
    versions=V0_5_23,
    note="Aborted requests are left out.",
)

E2E_REQUEST_LATENCY_SECONDS = Histogram(
    name="sglang:e2e_request_latency_seconds",
    unit=SECONDS,
    labels=BY_STREAMING,
    optional_labels=STREAMING,
    edges=(*REQUEST_LATENCY_EDGES, 600.0, 1200.0, 1800.0, 2400.0),
    older_edges=(("0.4.6", (*REQUEST_LATENCY_EDGES, 800.0)),),
    counts=REQUESTS,
)

QUEUE_TIME_SECONDS = Histogram(
    name="sglang:queue_time_seconds",
    unit=SECONDS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    edges=(*(0.0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5), *WHOLE_SECOND_EDGES),
    older_edges=(("0.5.5", (0.0, 0.1, 0.2, 0.5, *WHOLE_SECOND_EDGES)),),
    counts=REQUESTS,
    versions=V0_5_5,
    note="Written when a request leaves the queue.",
)

AVG_REQUEST_QUEUE_LATENCY = Gauge(
    name="sglang:avg_request_queue_latency",
    unit=SECONDS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=Versions(last="0.4.6"),
    successor="sglang:queue_time_seconds",
)

PER_STAGE_REQ_LATENCY_SECONDS = Histogram(
    name="sglang:per_stage_req_latency_seconds",
    unit=SECONDS,
    labels=labels(*RANKS, "stage"),
    optional_labels=SOMETIMES,
    edges=tuple(round(0.001 * 1.62**step, 6) for step in range(30)),
    versions=V0_5_5,
)


# Tokens

PROMPT_TOKENS_TOTAL = Counter(
    name="sglang:prompt_tokens_total",
    unit=TOKENS,
    labels=BY_STREAMING,
    optional_labels=STREAMING,
    note="Written when a request ends, cached tokens included.",
)

GENERATION_TOKENS_TOTAL = Counter(
    name="sglang:generation_tokens_total",
    unit=TOKENS,
    labels=BY_STREAMING,
    optional_labels=STREAMING,
    note="Written when a request ends.",
)

CACHED_TOKENS_TOTAL = Counter(
    name="sglang:cached_tokens_total",
    unit=TOKENS,
    labels=labels("model_name", "engine_type", "cache_source"),
    optional_labels=frozenset({"cache_source"}),
    note=(
        "Part of prompt_tokens_total: on the device, on the host, in storage, or total where the "
        "release does not say."
    ),
)

PROMPT_TOKENS_HISTOGRAM = Histogram(
    name="sglang:prompt_tokens_histogram",
    unit=TOKENS,
    labels=SERVER,
    edges=LENGTH_EDGES,
    older_edges=(("0.5.5", OLDER_LENGTH_EDGES),),
    counts=REQUESTS,
    versions=V0_5_5,
    note="In 0.5.5 only with --collect-tokens-histogram.",
)

UNCACHED_PROMPT_TOKENS_HISTOGRAM = Histogram(
    name="sglang:uncached_prompt_tokens_histogram",
    unit=TOKENS,
    labels=SERVER,
    edges=LENGTH_EDGES,
    counts=REQUESTS,
    versions=V0_5_23,
)

GENERATION_TOKENS_HISTOGRAM = Histogram(
    name="sglang:generation_tokens_histogram",
    unit=TOKENS,
    labels=SERVER,
    edges=LENGTH_EDGES,
    older_edges=(("0.5.5", OLDER_LENGTH_EDGES),),
    counts=REQUESTS,
    versions=V0_5_5,
    note="In 0.5.5 only with --collect-tokens-histogram.",
)

REALTIME_TOKENS_TOTAL = Counter(
    name="sglang:realtime_tokens_total",
    unit=TOKENS,
    labels=labels(*RANKS, mode=("prefill_compute", "prefill_cache", "decode")),
    optional_labels=SOMETIMES,
    versions=V0_5_23,
    note="While requests run, a step of the log at a time.",
)

GEN_THROUGHPUT = Gauge(
    name="sglang:gen_throughput",
    unit=TOKENS.per_second,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    note="Over the last step of the log; a counter is better.",
)


# KV cache

TOKEN_USAGE = Gauge(
    name="sglang:token_usage",
    unit=RATIO,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    note="Of the fullest pool; tokens that only the prefix cache holds count as free.",
)

FULL_TOKEN_USAGE = Gauge(
    name="sglang:full_token_usage",
    unit=RATIO,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_23,
    note="Of full attention layers.",
)

NUM_USED_TOKENS = Gauge(
    name="sglang:num_used_tokens", unit=TOKENS, labels=SCHEDULER, optional_labels=SOMETIMES
)

KV_AVAILABLE_TOKENS = Gauge(
    name="sglang:kv_available_tokens",
    unit=TOKENS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_23,
)

KV_EVICTABLE_TOKENS = Gauge(
    name="sglang:kv_evictable_tokens",
    unit=TOKENS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_23,
)

KV_USED_TOKENS = Gauge(
    name="sglang:kv_used_tokens",
    unit=TOKENS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_23,
)

MAX_TOTAL_NUM_TOKENS = Gauge(
    name="sglang:max_total_num_tokens",
    unit=TOKENS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_23,
    note="What the cache holds when it is full.",
)

CACHE_HIT_RATE = Gauge(
    name="sglang:cache_hit_rate",
    unit=RATIO,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    note="Of the last batch: do not average it.",
)

EVICTED_TOKENS_TOTAL = Counter(
    name="sglang:evicted_tokens_total",
    unit=TOKENS,
    labels=labels("cache_type", "tp_rank", "pp_rank", "dp_rank"),
    optional_labels=frozenset({"dp_rank"}),
    versions=V0_5_23,
)


# Scheduler

UTILIZATION = Gauge(
    name="sglang:utilization",
    unit=RATIO,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_5,
    bounds=(0, None),
    note="Stays at 0 in 0.5.23.",
)

FWD_OCCUPANCY = Gauge(
    name="sglang:fwd_occupancy",
    unit=PERCENT,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_23,
    note="Of the GPU by forward passes, in percent; NaN unless it is measured.",
)

IS_CUDA_GRAPH = Gauge(
    name="sglang:is_cuda_graph",
    unit=STATE,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_5,
    bounds=(0, 1),
)

FORWARD_EXECUTION_SECONDS_TOTAL = Counter(
    name="sglang:forward_execution_seconds_total",
    unit=SECONDS,
    labels=labels(*RANKS, "category"),
    optional_labels=SOMETIMES,
    versions=V0_5_23,
)

SCHEDULER_IDLE_SECONDS_TOTAL = Counter(
    name="sglang:scheduler_idle_seconds_total",
    unit=SECONDS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_23,
)


# Start and configuration

STARTUP_TIME_SECONDS = Gauge(
    name="sglang:startup_time_seconds",
    unit=SECONDS,
    labels=labels("model_name", "engine_type", "phase"),
    versions=V0_5_23,
)

CONTEXT_LEN = Gauge(
    name="sglang:context_len",
    unit=TOKENS,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_23,
)

KV_CACHE_MEMORY_USAGE_GB = Gauge(
    name="sglang:kv_cache_memory_usage_gb",
    unit=GIGABYTES,
    labels=SCHEDULER,
    optional_labels=SOMETIMES,
    versions=V0_5_23,
)

METRICS = all_metrics(globals())
