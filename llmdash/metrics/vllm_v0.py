"""Families that only vLLM's V0 engine exposed, and what took their place.

They carry no `engine`; most are hidden since 0.8.3, and all are gone since 0.9.3.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, Histogram, Needs, Versions, all_metrics, labels
from llmdash.metrics.vllm_shared import REQUEST_LATENCY_EDGES_TO_0_8_3, REQUEST_PARAMETER_EDGES
from llmdash.promql.units import COUNT, MILLISECONDS, RATIO, REQUESTS, SECONDS, TOKENS

MODEL = labels("model_name")
# 1, 2, 3, 5, 8 times powers of ten.
DETAILED_TRACE_EDGES = (
    *(1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 20.0, 30.0, 50.0, 80.0),
    *(100.0, 200.0, 300.0, 500.0, 800.0, 1000.0, 2000.0, 3000.0),
)

# Requests and cache

NUM_REQUESTS_SWAPPED = Gauge(
    name="vllm:num_requests_swapped",
    unit=REQUESTS,
    labels=MODEL,
    versions=Versions(last="0.9.0"),
    needs=(Needs.V0_ENGINE,),
    note="Swapped out to CPU memory.",
)

CPU_CACHE_USAGE_PERC = Gauge(
    name="vllm:cpu_cache_usage_perc",
    unit=RATIO,
    labels=MODEL,
    versions=Versions(last="0.9.0"),
    needs=(Needs.V0_ENGINE,),
)

GPU_PREFIX_CACHE_HIT_RATE = Gauge(
    name="vllm:gpu_prefix_cache_hit_rate",
    unit=RATIO,
    labels=MODEL,
    versions=Versions(last="0.9.0"),
    successor="vllm:prefix_cache_hits_total",
    needs=(Needs.V0_ENGINE,),
    note="Divide the rates of hits and queries instead.",
)

CPU_PREFIX_CACHE_HIT_RATE = Gauge(
    name="vllm:cpu_prefix_cache_hit_rate",
    unit=RATIO,
    labels=MODEL,
    versions=Versions(last="0.9.0"),
    needs=(Needs.V0_ENGINE,),
)

REQUEST_PARAMS_BEST_OF = Histogram(
    name="vllm:request_params_best_of",
    unit=COUNT,
    labels=MODEL,
    edges=REQUEST_PARAMETER_EDGES,
    counts=REQUESTS,
    versions=Versions(last="0.6.2"),
    needs=(Needs.V0_ENGINE,),
)


# Throughput

AVG_PROMPT_THROUGHPUT_TOKS_PER_S = Gauge(
    name="vllm:avg_prompt_throughput_toks_per_s",
    unit=TOKENS.per_second,
    labels=MODEL,
    versions=Versions(last="0.6.6"),
    successor="vllm:prompt_tokens_total",
    needs=(Needs.V0_ENGINE,),
    note="Take the rate of its successor.",
)

AVG_GENERATION_THROUGHPUT_TOKS_PER_S = Gauge(
    name="vllm:avg_generation_throughput_toks_per_s",
    unit=TOKENS.per_second,
    labels=MODEL,
    versions=Versions(last="0.6.6"),
    successor="vllm:generation_tokens_total",
    needs=(Needs.V0_ENGINE,),
    note="Take the rate of its successor.",
)

TOKENS_TOTAL = Counter(
    name="vllm:tokens_total",
    unit=TOKENS,
    labels=MODEL,
    versions=Versions("0.6.4", "0.7.3"),
    needs=(Needs.V0_ENGINE,),
    note="Prompt and generation together.",
)


# Latency

TIME_IN_QUEUE_REQUESTS = Histogram(
    name="vllm:time_in_queue_requests",
    unit=SECONDS,
    labels=MODEL,
    edges=REQUEST_LATENCY_EDGES_TO_0_8_3,
    counts=REQUESTS,
    versions=Versions("0.6.4", "0.9.0"),
    successor="vllm:request_queue_time_seconds",
    needs=(Needs.V0_ENGINE,),
    note="Seconds, though the name says requests.",
)

MODEL_FORWARD_TIME_MILLISECONDS = Histogram(
    name="vllm:model_forward_time_milliseconds",
    unit=MILLISECONDS,
    labels=MODEL,
    edges=DETAILED_TRACE_EDGES,
    counts=REQUESTS,
    versions=Versions("0.6.4", "0.9.0"),
    successor="vllm:request_inference_time_seconds",
    needs=(Needs.V0_ENGINE, Needs.DETAILED_TRACES),
)

MODEL_EXECUTE_TIME_MILLISECONDS = Histogram(
    name="vllm:model_execute_time_milliseconds",
    unit=MILLISECONDS,
    labels=MODEL,
    edges=DETAILED_TRACE_EDGES,
    counts=REQUESTS,
    versions=Versions("0.6.4", "0.9.0"),
    successor="vllm:request_inference_time_seconds",
    needs=(Needs.V0_ENGINE, Needs.DETAILED_TRACES),
)


# Speculative decoding

SPEC_DECODE_NUM_EMITTED_TOKENS_TOTAL = Counter(
    name="vllm:spec_decode_num_emitted_tokens_total",
    unit=TOKENS,
    labels=MODEL,
    versions=Versions(last="0.9.2"),
    needs=(Needs.V0_ENGINE, Needs.SPECULATIVE_DECODING),
)

SPEC_DECODE_DRAFT_ACCEPTANCE_RATE = Gauge(
    name="vllm:spec_decode_draft_acceptance_rate",
    unit=RATIO,
    labels=MODEL,
    versions=Versions(last="0.9.2"),
    successor="vllm:spec_decode_num_accepted_tokens_total",
    needs=(Needs.V0_ENGINE, Needs.SPECULATIVE_DECODING),
    note="Divide the rates of accepted and drafted tokens instead.",
)

SPEC_DECODE_EFFICIENCY = Gauge(
    name="vllm:spec_decode_efficiency",
    unit=RATIO,
    labels=MODEL,
    versions=Versions(last="0.9.2"),
    needs=(Needs.V0_ENGINE, Needs.SPECULATIVE_DECODING),
)

METRICS = all_metrics(globals())
