"""What Triton's TensorRT-LLM backend exposes: few names, each with a label that says what it is.

Never add up across that label. Versions are the backend's. Gauges are refreshed by a poll, so
short spikes are lost.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, Histogram, Needs, Versions, all_metrics, labels
from llmdash.promql.units import (
    BYTES,
    COUNT,
    MILLISECONDS,
    RATIO,
    REQUESTS,
    TIMESTAMP,
    TOKENS,
    Unit,
    base,
)

BLOCKS = base("blocks")
MIXED = base("mixed")

# The C++ reporter fills values by position: one that is missing shifts those after it. The Python
# model of the backend has no reused blocks and no disaggregated family, and other edges.

# Requests

NV_TRT_LLM_REQUEST_METRICS = Gauge(
    name="nv_trt_llm_request_metrics",
    unit=REQUESTS,
    labels=labels(
        "model", "version", request_type=("active", "max", "scheduled", "context", "waiting")
    ),
    versions=Versions("0.7.0"),
    needs=(Needs.TENSORRT_LLM,),
    keep=frozenset({"request_type"}),
    note=(
        "waiting since 0.18; before, active less scheduled says the same. max is the configured "
        "capacity."
    ),
)


# Memory and KV cache

NV_TRT_LLM_RUNTIME_MEMORY_METRICS = Gauge(
    name="nv_trt_llm_runtime_memory_metrics",
    unit=BYTES,
    labels=labels("model", "version", memory_type=("cpu", "gpu", "pinned")),
    versions=Versions("0.7.0"),
    needs=(Needs.TENSORRT_LLM,),
    keep=frozenset({"memory_type"}),
    note="Buffers of the runtime only, not all that the GPU holds.",
)

NV_TRT_LLM_KV_CACHE_BLOCK_METRICS = Gauge(
    name="nv_trt_llm_kv_cache_block_metrics",
    unit=MIXED,
    labels=labels(
        "model",
        "version",
        kv_cache_block_type=("max", "free", "used", "tokens_per", "reused", "fraction"),
    ),
    versions=Versions("0.7.0"),
    needs=(Needs.TENSORRT_LLM,),
    keep=frozenset({"kv_cache_block_type"}),
    units=(
        ("max", BLOCKS),
        ("free", BLOCKS),
        ("used", BLOCKS),
        ("tokens_per", TOKENS / BLOCKS),
        ("reused", BLOCKS),
        ("fraction", RATIO),
    ),
    note=(
        "fraction (0 to 1) since 0.18; before, divide used by max. reused (since 0.13) only "
        "grows, though the type is gauge. tokens_per is tokens per block."
    ),
)


# Batches of the last iteration

NV_TRT_LLM_INFLIGHT_BATCHER_METRICS = Gauge(
    name="nv_trt_llm_inflight_batcher_metrics",
    unit=MIXED,
    labels=labels(
        "model",
        "version",
        inflight_batcher_specific_metric=(
            "total_context_tokens",
            "generation_requests",
            "micro_batch_id",
            "terminated_requests",
            "paused_requests",
        ),
    ),
    versions=Versions("0.7.0"),
    needs=(Needs.TENSORRT_LLM,),
    keep=frozenset({"inflight_batcher_specific_metric"}),
    units=(
        ("total_context_tokens", TOKENS),
        ("generation_requests", REQUESTS),
        ("micro_batch_id", COUNT),
        ("terminated_requests", REQUESTS),
        ("paused_requests", REQUESTS),
    ),
    note="terminated_requests only in 0.8, paused_requests since 0.9.",
)

NV_TRT_LLM_V1_METRICS = Gauge(
    name="nv_trt_llm_v1_metrics",
    unit=MIXED,
    labels=labels(
        "model",
        "version",
        v1_specific_metric=(
            "total_context_tokens",
            "total_generation_tokens",
            "empty_generation_slots",
        ),
    ),
    versions=Versions("0.7.0"),
    needs=(Needs.TENSORRT_LLM, Needs.STATIC_BATCHING),
    keep=frozenset({"v1_specific_metric"}),
    units=(
        ("total_context_tokens", TOKENS),
        ("total_generation_tokens", TOKENS),
        ("empty_generation_slots", base("slots")),
    ),
)

NV_TRT_LLM_GENERAL_METRICS = Gauge(
    name="nv_trt_llm_general_metrics",
    unit=MIXED,
    labels=labels("model", "version", general_type=("timestamp", "iteration_counter")),
    versions=Versions("0.7.0"),
    needs=(Needs.TENSORRT_LLM,),
    keep=frozenset({"general_type"}),
    units=(("timestamp", Unit(TIMESTAMP.factors, 1e-6)), ("iteration_counter", base("iterations"))),
    note=(
        "The timestamp is in microseconds. iteration_counter only grows, though the type is gauge."
    ),
)


# Transfer between prefill and decode

NV_TRT_LLM_DISAGGREGATED_SERVING_METRICS = Counter(
    name="nv_trt_llm_disaggregated_serving_metrics",
    unit=MIXED,
    labels=labels(
        "model", "version", disaggregated_serving_type=("kv_cache_transfer_ms", "request_count")
    ),
    versions=Versions("0.15.0"),
    needs=(Needs.TENSORRT_LLM, Needs.DISAGGREGATED_SERVING),
    keep=frozenset({"disaggregated_serving_type"}),
    units=(("kv_cache_transfer_ms", MILLISECONDS), ("request_count", REQUESTS)),
    note="Milliseconds over requests is the mean transfer.",
)


# Lengths; the Python model has the edges 1, 2, 5 … 1000, which hold all of these

NV_LLM_INPUT_TOKEN_LEN = Histogram(
    name="nv_llm_input_token_len",
    unit=TOKENS,
    labels=labels("model", "version", response_metric_type=("total_input_tokens",)),
    edges=(10.0, 50.0, 100.0, 500.0, 1000.0),
    counts=REQUESTS,
    versions=Versions("0.16.0"),
    needs=(Needs.TENSORRT_LLM,),
    keep=frozenset({"response_metric_type"}),
    note="Everything above 1000 tokens is in one bucket.",
)

NV_LLM_OUTPUT_TOKEN_LEN = Histogram(
    name="nv_llm_output_token_len",
    unit=TOKENS,
    labels=labels("model", "version", response_metric_type=("total_output_tokens",)),
    edges=(10.0, 50.0, 100.0, 500.0, 1000.0),
    counts=REQUESTS,
    versions=Versions("0.16.0"),
    needs=(Needs.TENSORRT_LLM,),
    keep=frozenset({"response_metric_type"}),
    note="Everything above 1000 tokens is in one bucket.",
)

METRICS = all_metrics(globals())
