"""What vLLM exposes once a feature is in use: speculation, LoRA, block sampling, sleep and others.

They are apart from `vllm` because a plain server shows none of them, or shows them at zero.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, Histogram, Needs, Versions, all_metrics, labels
from llmdash.metrics.vllm_shared import BLOCK_LIFE_EDGES, ENGINE
from llmdash.promql.units import BYTES, REQUESTS, SECONDS, TIMESTAMP, TOKENS, base

SLEEP_OPERATION = labels(operation=("sleep", "release_kv_cache_memory", "wake"))
WEIGHT_OPERATION = labels(
    operation=("init", "shutdown", "start", "start_draft", "update", "finish")
)
OPERATION_EDGES = (0.01, 0.1, 1.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

# Speculative decoding

SPEC_DECODE_NUM_DRAFTS_TOTAL = Counter(
    name="vllm:spec_decode_num_drafts_total",
    unit=base("drafts"),
    labels=ENGINE,
    versions=Versions("0.8.5"),
    needs=(Needs.SPECULATIVE_DECODING,),
    note="1 + accepted tokens / drafts is the mean length accepted.",
)

SPEC_DECODE_NUM_DRAFT_TOKENS_TOTAL = Counter(
    name="vllm:spec_decode_num_draft_tokens_total",
    unit=TOKENS,
    labels=ENGINE,
    needs=(Needs.SPECULATIVE_DECODING,),
    note="Accepted over drafted is the acceptance ratio. The V1 engine has it since 0.8.3.",
)

SPEC_DECODE_NUM_ACCEPTED_TOKENS_TOTAL = Counter(
    name="vllm:spec_decode_num_accepted_tokens_total",
    unit=TOKENS,
    labels=ENGINE,
    needs=(Needs.SPECULATIVE_DECODING,),
    note="The V1 engine has it since 0.8.3.",
)

SPEC_DECODE_NUM_ACCEPTED_TOKENS_PER_POS_TOTAL = Counter(
    name="vllm:spec_decode_num_accepted_tokens_per_pos_total",
    unit=TOKENS,
    labels=labels("model_name", "engine", "position"),
    versions=Versions("0.8.5"),
    needs=(Needs.SPECULATIVE_DECODING,),
    note="position counts from 0 to num_speculative_tokens - 1.",
)


# Diffusion language models, which show these in place of spec_decode_*

DIFFUSION_NUM_DENOISING_STEPS_TOTAL = Counter(
    name="vllm:diffusion_num_denoising_steps_total",
    unit=base("steps"),
    labels=ENGINE,
    versions=Versions("0.24.0"),
    needs=(Needs.DIFFUSION_MODEL,),
)

DIFFUSION_NUM_CANVAS_POSITIONS_TOTAL = Counter(
    name="vllm:diffusion_num_canvas_positions_total",
    unit=base("positions"),
    labels=ENGINE,
    versions=Versions("0.24.0"),
    needs=(Needs.DIFFUSION_MODEL,),
)

DIFFUSION_NUM_COMMITTED_TOKENS_TOTAL = Counter(
    name="vllm:diffusion_num_committed_tokens_total",
    unit=TOKENS,
    labels=ENGINE,
    versions=Versions("0.24.0"),
    needs=(Needs.DIFFUSION_MODEL,),
)


# Model FLOPS utilisation: estimates per GPU, not to be added up over tensor-parallel ranks

ESTIMATED_FLOPS_PER_GPU_TOTAL = Counter(
    name="vllm:estimated_flops_per_gpu_total",
    unit=base("flops"),
    labels=ENGINE,
    versions=Versions("0.17.0"),
    idle_without=(Needs.MFU_METRICS,),
)

ESTIMATED_READ_BYTES_PER_GPU_TOTAL = Counter(
    name="vllm:estimated_read_bytes_per_gpu_total",
    unit=BYTES,
    labels=ENGINE,
    versions=Versions("0.17.0"),
    idle_without=(Needs.MFU_METRICS,),
)

ESTIMATED_WRITE_BYTES_PER_GPU_TOTAL = Counter(
    name="vllm:estimated_write_bytes_per_gpu_total",
    unit=BYTES,
    labels=ENGINE,
    versions=Versions("0.17.0"),
    idle_without=(Needs.MFU_METRICS,),
)


# Life of KV cache blocks: a sample (1 % of them by default), so the count is no count of blocks

KV_BLOCK_LIFETIME_SECONDS = Histogram(
    name="vllm:kv_block_lifetime_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=BLOCK_LIFE_EDGES,
    versions=Versions("0.12.0"),
    needs=(Needs.KV_CACHE_METRICS,),
)

KV_BLOCK_IDLE_BEFORE_EVICT_SECONDS = Histogram(
    name="vllm:kv_block_idle_before_evict_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=BLOCK_LIFE_EDGES,
    versions=Versions("0.12.0"),
    needs=(Needs.KV_CACHE_METRICS,),
)

KV_BLOCK_REUSE_GAP_SECONDS = Histogram(
    name="vllm:kv_block_reuse_gap_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=BLOCK_LIFE_EDGES,
    versions=Versions("0.12.0"),
    needs=(Needs.KV_CACHE_METRICS,),
)


# LoRA

LORA_REQUESTS_INFO = Gauge(
    name="vllm:lora_requests_info",
    unit=TIMESTAMP,
    labels=labels("max_lora", "running_lora_adapters", "waiting_lora_adapters"),
    versions=Versions("0.6.4"),
    needs=(Needs.LORA,),
    note=(
        "The value is when the adapters last changed; adapters are comma lists in labels, and old "
        "label sets never leave: take the newest. No model_name. Wrong with several API servers."
    ),
)


# Quality of answers

CORRUPTED_REQUESTS_TOTAL = Counter(
    name="vllm:corrupted_requests_total",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("0.11.1"),
    needs=(Needs.NAN_DETECTION,),
    note="Requests whose logits held NaN. The Rust frontend always shows it.",
)

WATERMARK_REQUESTS_TOTAL = Counter(
    name="vllm:watermark_requests_total",
    unit=REQUESTS,
    labels=labels("model_name", "engine", status=("watermarked", "skipped", "not_watermarked")),
    versions=Versions("0.32.0"),
    needs=(Needs.WATERMARK,),
)

TOOL_CALL_PARSER_INVOCATIONS_TOTAL = Counter(
    name="vllm:tool_call_parser_invocations_total",
    unit=base("invocations"),
    labels=labels(
        "model_name",
        mode=("streaming", "non_streaming"),
        outcome=("tool_call", "no_tool_call"),
        request_type=("chat_completions", "responses", "other"),
    ),
    versions=Versions("0.24.0"),
    needs=(Needs.TOOL_PARSER,),
    note="A streamed answer counts once per delta. No engine label.",
)


# Sleep, and updates of weights while serving: by the API server, without model_name and engine

SLEEP_MODE_OPERATION_DURATION_SECONDS = Histogram(
    name="vllm:sleep_mode_operation_duration_seconds",
    unit=SECONDS,
    labels=SLEEP_OPERATION,
    edges=OPERATION_EDGES,
    versions=Versions("0.32.0"),
    needs=(Needs.SLEEP_MODE,),
)

SLEEP_MODE_OPERATIONS_IN_FLIGHT = Gauge(
    name="vllm:sleep_mode_operations_in_flight",
    unit=base("operations"),
    labels=SLEEP_OPERATION,
    versions=Versions("0.32.0"),
    needs=(Needs.SLEEP_MODE,),
)

RL_WEIGHT_UPDATE_OPERATION_DURATION_SECONDS = Histogram(
    name="vllm:rl_weight_update_operation_duration_seconds",
    unit=SECONDS,
    labels=WEIGHT_OPERATION,
    edges=OPERATION_EDGES,
    versions=Versions("0.32.0"),
    needs=(Needs.WEIGHT_UPDATE,),
)

RL_WEIGHT_UPDATE_OPERATIONS_IN_FLIGHT = Gauge(
    name="vllm:rl_weight_update_operations_in_flight",
    unit=base("operations"),
    labels=WEIGHT_OPERATION,
    versions=Versions("0.32.0"),
    needs=(Needs.WEIGHT_UPDATE,),
)


# Realtime API: no labels at all

WEBSOCKET_CONNECTIONS_ACTIVE = Gauge(
    name="vllm:websocket_connections_active",
    unit=base("connections"),
    versions=Versions("0.18.0"),
    needs=(Needs.REALTIME_API,),
)

WEBSOCKET_CONNECTIONS_TOTAL = Counter(
    name="vllm:websocket_connections_total",
    unit=base("connections"),
    versions=Versions("0.18.0"),
    needs=(Needs.REALTIME_API,),
)

WEBSOCKET_CONNECTION_DURATION_SECONDS = Histogram(
    name="vllm:websocket_connection_duration_seconds",
    unit=SECONDS,
    edges=(0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0),
    versions=Versions("0.18.0"),
    needs=(Needs.REALTIME_API,),
)

METRICS = all_metrics(globals())
