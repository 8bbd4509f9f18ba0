"""Families that a real server has shown us; the rest of the catalogues is read from source code.

Made from the captured pages in `tests/expositions/`; a test holds the two together. What a test
made up, in a model of a real Triton or out of a catalogue, was never seen; nor was what our GPU
exporter shows of GPUs that it plays.
"""

from __future__ import annotations

from collections.abc import Mapping

#: What Prometheus' own library for Python shows of the process, and of its interpreter.
_PROCESS = (
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
)
_PYTHON = (
    "python_gc_collections_total",
    "python_gc_objects_collected_total",
    "python_gc_objects_uncollectable_total",
    "python_info",
)

#: By kind of exporter: two may use one name and mean their own.
SEEN: Mapping[str, frozenset[str]] = {
    "app": frozenset(
        {
            "llm_active_requests",
            "llm_request_duration_seconds",
            "llm_request_size_bytes",
            "llm_requests_total",
            "llm_tokens_generated_total",
            *_PROCESS,
            *_PYTHON,
        }
    ),
    "gateway": frozenset(
        {
            "gateway_active_requests",
            "gateway_auth_failures_total",
            "gateway_inter_token_latency_seconds",
            "gateway_limits_shared",
            "gateway_rate_limited_total",
            "gateway_request_duration_seconds",
            "gateway_requests_total",
            "gateway_time_to_first_token_seconds",
            "gateway_tokens_generated_total",
            "gateway_tokens_prompted_total",
            "gateway_upstream_errors_total",
            *_PROCESS,
        }
    ),
    "load": frozenset(
        {
            "load_active_requests",
            "load_bytes_received_total",
            "load_bytes_sent_total",
            "load_failures_total",
            "load_inter_token_latency_seconds",
            "load_read_lag_seconds",
            "load_request_duration_seconds",
            "load_requests_offered_total",
            "load_requests_sent_total",
            "load_requests_total",
            "load_run_end_time_seconds",
            "load_run_info",
            "load_run_start_time_seconds",
            "load_send_delay_seconds",
            "load_time_per_output_token_seconds",
            "load_time_to_first_token_seconds",
            "load_tokens_generated_total",
            "load_tokens_offered_total",
            "load_tokens_prompted_total",
        }
    ),
    "triton": frozenset(
        {
            "nv_cpu_memory_total_bytes",
            "nv_cpu_memory_used_bytes",
            "nv_cpu_utilization",
            "nv_inference_compute_infer_duration_us",
            "nv_inference_compute_infer_summary_us",
            "nv_inference_compute_input_duration_us",
            "nv_inference_compute_input_summary_us",
            "nv_inference_compute_output_duration_us",
            "nv_inference_compute_output_summary_us",
            "nv_inference_count",
            "nv_inference_exec_count",
            "nv_inference_pending_request_count",
            "nv_inference_queue_duration_us",
            "nv_inference_queue_summary_us",
            "nv_inference_request_duration_us",
            "nv_inference_request_failure",
            "nv_inference_request_success",
            "nv_inference_request_summary_us",
            "nv_pinned_memory_pool_total_bytes",
            "nv_pinned_memory_pool_used_bytes",
        }
    ),
    "vllm": frozenset(
        {
            "http_request_duration_highr_seconds",
            "http_request_duration_seconds",
            "http_request_size_bytes",
            "http_requests_total",
            "http_response_size_bytes",
            *_PROCESS,
            *_PYTHON,
            "vllm:admission_rejections_total",
            "vllm:cache_config_info",
            "vllm:e2e_request_latency_seconds",
            "vllm:engine_sleep_state",
            "vllm:estimated_flops_per_gpu_total",
            "vllm:estimated_read_bytes_per_gpu_total",
            "vllm:estimated_write_bytes_per_gpu_total",
            "vllm:external_prefix_cache_hits_total",
            "vllm:external_prefix_cache_queries_total",
            "vllm:generation_tokens_total",
            "vllm:inter_token_latency_seconds",
            "vllm:iteration_tokens_total",
            "vllm:kv_block_idle_before_evict_seconds",
            "vllm:kv_block_lifetime_seconds",
            "vllm:kv_block_reuse_gap_seconds",
            "vllm:kv_cache_usage_perc",
            "vllm:mm_cache_hits_total",
            "vllm:mm_cache_queries_total",
            "vllm:num_preemptions_total",
            "vllm:num_requests_running",
            "vllm:num_requests_waiting",
            "vllm:num_requests_waiting_by_reason",
            "vllm:prefix_cache_hits_total",
            "vllm:prefix_cache_queries_total",
            "vllm:prompt_tokens_by_source_total",
            "vllm:prompt_tokens_cached_by_source_total",
            "vllm:prompt_tokens_cached_total",
            "vllm:prompt_tokens_total",
            "vllm:request_decode_time_seconds",
            "vllm:request_generation_tokens",
            "vllm:request_inference_time_seconds",
            "vllm:request_max_num_generation_tokens",
            "vllm:request_num_preemptions",
            "vllm:request_params_max_tokens",
            "vllm:request_params_n",
            "vllm:request_prefill_kv_computed_tokens",
            "vllm:request_prefill_time_seconds",
            "vllm:request_prompt_tokens",
            "vllm:request_queue_time_seconds",
            "vllm:request_success_total",
            "vllm:request_time_per_output_token_seconds",
            "vllm:spec_decode_num_accepted_tokens_per_pos_total",
            "vllm:spec_decode_num_accepted_tokens_total",
            "vllm:spec_decode_num_draft_tokens_total",
            "vllm:spec_decode_num_drafts_total",
            "vllm:time_to_first_token_seconds",
        }
    ),
}

#: Exporters that are another one with something added: what they share was seen there.
EXTENDED: Mapping[str, str] = {"triton_trtllm": "triton", "triton_vllm": "triton"}


def seen_of(exporter: str) -> frozenset[str]:
    """Return the families that a real exporter of this kind has shown."""
    return SEEN.get(EXTENDED.get(exporter, exporter), frozenset())
