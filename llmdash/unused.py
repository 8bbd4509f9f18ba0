"""Why some families that exporters show are shown nowhere here.

A family that nobody reads and that has no reason is a gap: the check unused_metric_has_reason finds
it. One that is read by now has no place here any more: a test finds that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from llmdash.metrics.metric import Metric, Needs


@dataclass(frozen=True)
class Reason:
    """Why families of some exporters are left out: by name (`*` is anything), or by a need."""

    text: str
    exporters: tuple[str, ...]
    names: tuple[str, ...] = ()
    needs: frozenset[Needs] = frozenset()

    def holds_for(self, exporter: str, name: str, metric: Metric) -> bool:
        """Tell whether this is why a family, by its name in the catalogue, is left out."""
        if exporter not in self.exporters:
            return False
        named = any(fnmatchcase(name, pattern) for pattern in self.names)
        return named or not self.needs.isdisjoint(metric.needs)


_VLLM = (
    Reason(
        "prompt_tokens_by_source_total says the same, and where the tokens came from.",
        ("vllm",),
        names=("vllm:prompt_tokens_cached_total",),
    ),
    Reason(
        "Lived from 0.16 to 0.19 and counts the last token of prompts that a cache held whole, "
        "which is no waste to watch.",
        ("vllm",),
        names=("vllm:prompt_tokens_recomputed_total",),
    ),
    Reason(
        "Counted blocks up to 0.8.5 and tokens after, so it is not joined with its successor, "
        "which is read from 0.9.2.",
        ("vllm",),
        names=("vllm:gpu_prefix_cache_*",),
    ),
    Reason(
        "Sizes of single transfers: bytes, time and speed are shown, and these follow from them.",
        ("vllm",),
        names=(
            "vllm:kv_offload_load_size",
            "vllm:kv_offload_store_size",
            "vllm:kv_offload_size",
            "vllm:kv_offload_cpu_allocation_size",
        ),
    ),
    Reason(
        "The configuration of a connector as labels; pages show what it does.",
        ("vllm",),
        names=("vllm:kv_offload_config_info", "vllm:simple_kv_offload_info"),
    ),
    Reason(
        "Inner queues and limits of the tiers: what reaches a request is shown as bytes, time, "
        "hits and failures.",
        ("vllm",),
        names=(
            "vllm:kv_offload_tiering_lookup_*",
            "vllm:kv_offload_tiering_primary_*",
            "vllm:kv_offload_tiering_promotion_latency_seconds",
            "vllm:kv_offload_tiering_promotion_allocation_failures_total",
            "vllm:kv_offload_tiering_active_*",
            "vllm:kv_offload_tiering_backpressure_*",
        ),
    ),
    Reason(
        "A tier or connector that few servers have: it is in the catalogue for pages of your own.",
        ("vllm",),
        needs=frozenset({Needs.HISPARSE, Needs.KVCR}),
    ),
)

_TRITON = (
    Reason(
        "A parameter of requests and nothing that the server does; clients know it.",
        ("triton_vllm",),
        names=("vllm:request_params_*",),
    ),
    Reason(
        "The vLLM backend's own time to first token has finer edges and is shown.",
        ("triton_vllm",),
        names=("nv_inference_first_response_histogram_ms",),
    ),
    Reason(
        "The queue of the in-flight batcher is shown in its place: Triton's own is empty as soon "
        "as the backend has taken a request.",
        ("triton_trtllm",),
        names=("nv_inference_pending_request_count",),
    ),
)

_SGLANG = (
    Reason(
        "The engine counts its requests itself, by model and outcome; the web server's counts "
        "know neither.",
        ("sglang",),
        names=("sglang:http_*",),
    ),
    Reason(
        "Of the last step or batch only: counters and histograms say the same over time.",
        ("sglang",),
        names=(
            "sglang:gen_throughput",
            "sglang:cache_hit_rate",
            "sglang:num_retracted_reqs",
            "sglang:is_cuda_graph",
            "sglang:fwd_occupancy",
            "sglang:utilization",
        ),
    ),
    Reason(
        "token_usage says in one number how full the KV cache is.",
        ("sglang",),
        names=(
            "sglang:full_token_usage",
            "sglang:num_used_tokens",
            "sglang:kv_*",
            "sglang:evicted_tokens_total",
        ),
    ),
    Reason(
        "Part of a number that is shown: requests and tokens in total.",
        ("sglang",),
        names=("sglang:num_so_requests_total", "sglang:realtime_tokens_total"),
    ),
    Reason(
        "No question that is asked of every engine; it waits for a page of SGLang's own.",
        ("sglang",),
        names=(
            "sglang:num_paused_reqs",
            "sglang:per_stage_req_latency_seconds",
            "sglang:forward_execution_seconds_total",
            "sglang:scheduler_idle_seconds_total",
            "sglang:startup_time_seconds",
            "sglang:context_len",
        ),
    ),
)

_TENSORRT_LLM = (
    Reason(
        "Of one iteration only: counters and histograms say the same over time.",
        ("trtllm",),
        names=(
            "trtllm_iteration_latency_seconds",
            "trtllm_total_context_tokens",
            "trtllm_avg_decoded_tokens_per_iter",
            "trtllm_kv_cache_iter_*",
            "trtllm_prefill_batch_*",
        ),
    ),
    Reason(
        "Another name or a part of what is shown: requests, cached tokens, drafts, KV use.",
        ("trtllm",),
        names=(
            "trtllm_num_context_requests",
            "trtllm_num_generation_requests",
            "trtllm_num_scheduled_requests",
            "trtllm_num_requests_completed_total",
            "trtllm_prompt_cache_hit_tokens_total",
            "trtllm_prompt_cached_tokens_per_request",
            "trtllm_spec_decode_drafted_tokens_total",
            "trtllm_spec_decode_accepted_tokens_total",
            "trtllm_spec_decode_acceptance_length",
            "trtllm_kv_cache_hit_rate",
            "trtllm_kv_cache_free_blocks",
            "trtllm_kv_cache_used_blocks",
            "trtllm_kv_cache_reused_blocks_total",
            "trtllm_kv_cache_missed_blocks_total",
        ),
    ),
    Reason(
        "Its configuration, which does not move while it runs.",
        ("trtllm",),
        names=("trtllm_*_config_info", "trtllm_max_batch_size_*", "trtllm_max_num_*"),
    ),
    Reason(
        "No question that is asked of every engine; it waits for a page of TensorRT-LLM's own.",
        ("trtllm",),
        names=(
            "trtllm_num_paused_requests",
            "trtllm_request_error_total",
            "trtllm_request_inference_time_seconds",
            "trtllm_*_perplexity",
            "trtllm_spec_decode_draft_overhead",
            "trtllm_kv_cache_host_utilization",
            "trtllm_kv_cache_gen_alloc_blocks_total",
            "trtllm_kv_cache_disk_prefetch_blocks_total",
            "trtllm_kv_cache_*_bytes_total",
            "trtllm_*_memory_usage_bytes",
        ),
    ),
)

_DCGM = (
    Reason(
        "A licence of virtual GPUs, which no model changes.",
        ("dcgm",),
        names=("DCGM_FI_DEV_VGPU_LICENSE_STATUS",),
    ),
    Reason(
        "Used, free and reserved memory are shown, and add up to it.",
        ("dcgm",),
        names=(
            "DCGM_FI_DEV_FB_CAPACITY_BYTES",
            "DCGM_FI_DEV_FB_TOTAL",
            "DCGM_FI_DEV_FB_USED_PERCENT",
            "DCGM_FI_DEV_FB_USED_RATIO",
        ),
    ),
    Reason(
        "GPUs before Ampere retire pages; what serves language models remaps rows, as is shown.",
        ("dcgm",),
        needs=frozenset({Needs.PAGE_RETIREMENT}),
    ),
    Reason(
        "One link or one direction of what is shown for all links together.",
        ("dcgm",),
        names=("DCGM_FI_DEV_NVLINK_*_L0*", "DCGM_FI_PROF_NVLINK_*_BYTES"),
    ),
    Reason(
        "Tensor cores and memory do a model's work, and their activity is shown by default.",
        ("dcgm",),
        names=("DCGM_FI_PROF_SM_*", "DCGM_FI_PROF_PIPE_FP*", "DCGM_FI_PROF_FP*"),
    ),
    Reason(
        "The exporter's own count, in a window of its own, of errors and clock events that are "
        "shown as the driver tells them.",
        ("dcgm",),
        names=("DCGM_EXP_CLOCK_EVENTS_*", "DCGM_EXP_XID_ERRORS_*"),
    ),
    Reason(
        "A verdict of the exporter's own; the facts behind it are shown one by one.",
        ("dcgm",),
        names=("DCGM_EXP_GPU_HEALTH_STATUS", "DCGM_EXP_P2P_STATUS"),
    ),
    Reason(
        "Another reading of power or speed that is shown: draw, enforced limit, clocks.",
        ("dcgm",),
        names=(
            "DCGM_FI_DEV_POWER_USAGE_INSTANT",
            "DCGM_FI_DEV_POWER_MGMT_LIMIT",
            "DCGM_FI_DEV_BOARD_POWER_RAW_WATTS",
            "DCGM_FI_DEV_BOARD_POWER_LIMIT_REQUESTED_WATTS",
            "DCGM_FI_DEV_PSTATE",
            "DCGM_FI_DEV_GPU_PSTATE",
        ),
    ),
    Reason(
        "Cards in servers have no fan; the temperature tells what a fan would.",
        ("dcgm",),
        names=("DCGM_FI_DEV_FAN_SPEED*",),
    ),
)

REASONS: tuple[Reason, ...] = (*_VLLM, *_TRITON, *_SGLANG, *_TENSORRT_LLM, *_DCGM)


def reasons_for(exporter: str, name: str, metric: Metric) -> Iterator[Reason]:
    """Yield the reasons why a family is left out; more than one is one too many."""
    return (reason for reason in REASONS if reason.holds_for(exporter, name, metric))
