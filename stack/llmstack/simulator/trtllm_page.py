"""What TensorRT-LLM's own server (trtllm-serve) shows, with all that can be measured turned on."""

from __future__ import annotations

from llmdash.metrics import trtllm as metrics
from llmdash.metrics.metric import Gauge, Versions
from llmstack.simulator.engine import Engine
from llmstack.simulator.exposition import Exposition, Number
from llmstack.simulator.page import About, Answered, Page
from llmstack.simulator.request import Request
from llmstack.simulator.step import Step

#: Gauges, tokens and the name of the model came with it.
SINCE = Versions("1.3")
#: Families whose first release is not known, and that move only with what is not played.
IDLE = (
    metrics.TRTLLM_NUM_PAUSED_REQUESTS,
    metrics.TRTLLM_KV_CACHE_HOST_UTILIZATION,
    metrics.TRTLLM_CPU_MEMORY_USAGE_BYTES,
    metrics.TRTLLM_GPU_MEMORY_USAGE_BYTES,
    metrics.TRTLLM_PINNED_MEMORY_USAGE_BYTES,
    metrics.TRTLLM_SPEC_DECODE_ACCEPTANCE_LENGTH,
    metrics.TRTLLM_SPEC_DECODE_DRAFT_OVERHEAD,
)
IDLE_COUNTERS = (
    metrics.TRTLLM_SPEC_DECODE_NUM_DRAFT_TOKENS_TOTAL,
    metrics.TRTLLM_SPEC_DECODE_NUM_ACCEPTED_TOKENS_TOTAL,
)
CONFIGURATION = (
    metrics.TRTLLM_MODEL_CONFIG_INFO,
    metrics.TRTLLM_PARALLEL_CONFIG_INFO,
    metrics.TRTLLM_SPECULATIVE_CONFIG_INFO,
    metrics.TRTLLM_KV_CACHE_CONFIG_INFO,
)


class TrtllmPage(Page):
    """The page of one server."""

    path = "/prometheus/metrics"

    def __init__(self, engine: Engine, about: About) -> None:
        """Make the series that are there from the start."""
        super().__init__(engine, about)
        shown = self._shown = Exposition(
            {"model_name": about.model, "engine_type": "TensorRT"},
            created=about.started,
            model_length=engine.limits.model_length,
        )
        version = about.version
        self._ends = {
            reason: shown.counter(
                metrics.TRTLLM_REQUEST_SUCCESS_TOTAL, version, finished_reason=reason
            )
            for reason in ("stop", "length", "timeout")
        }
        self._completed = shown.counter(metrics.TRTLLM_NUM_REQUESTS_COMPLETED_TOTAL, version)
        self._prompt = shown.counter(metrics.TRTLLM_PROMPT_TOKENS_TOTAL, version)
        self._cached = shown.counter(metrics.TRTLLM_PROMPT_CACHED_TOKENS_TOTAL, version)
        self._generated = shown.counter(metrics.TRTLLM_GENERATION_TOKENS_TOTAL, version)
        self._first = shown.histogram(metrics.TRTLLM_TIME_TO_FIRST_TOKEN_SECONDS, version)
        self._mean_gap = shown.histogram(metrics.TRTLLM_TIME_PER_OUTPUT_TOKEN_SECONDS, version)
        self._whole = shown.histogram(metrics.TRTLLM_E2E_REQUEST_LATENCY_SECONDS, version)
        self._queued = shown.histogram(metrics.TRTLLM_REQUEST_QUEUE_TIME_SECONDS, version)
        self._prefill = shown.histogram(metrics.TRTLLM_REQUEST_PREFILL_TIME_SECONDS, version)
        self._decode = shown.histogram(metrics.TRTLLM_REQUEST_DECODE_TIME_SECONDS, version)
        self._inference = shown.histogram(metrics.TRTLLM_REQUEST_INFERENCE_TIME_SECONDS, version)
        self._read = shown.histogram(metrics.TRTLLM_PREFILL_BATCH_TOKENS, version)
        self._reused = shown.counter(metrics.TRTLLM_KV_CACHE_REUSED_BLOCKS_TOTAL, version)
        self._missed = shown.counter(metrics.TRTLLM_KV_CACHE_MISSED_BLOCKS_TOTAL, version)
        self._last = Step(0, engine.clock, engine.clock)
        for metric in IDLE:
            self._gauge(metric)
        for counter in IDLE_COUNTERS:
            shown.counter(counter, version)
        for info in CONFIGURATION:
            self._gauge(info).set(1)
        self._look()

    def stepped(self, step: Step) -> None:
        """Count what came out of a step."""
        self._last = step
        size = self.engine.blocks.tokens
        if step.prefilled:
            self._read.observe(step.prefilled)
        for request in step.admitted:
            if not request.preemptions:
                self._reused.add(request.cached // size)
                self._missed.add(request.prompt_tokens // size - request.cached // size)
        for request in step.first:
            self._first.observe(step.ends - request.arrived)
        for request in step.finished:
            self._finished(request, step.ends)

    def _finished(self, request: Request, now: float) -> None:
        assert request.first_token is not None
        assert request.first_scheduled is not None
        self._ends[request.ending.value].add()
        self._completed.add()
        decode = now - request.first_token
        self._whole.observe(now - request.arrived)
        self._queued.observe(request.first_scheduled - request.arrived)
        self._prefill.observe(request.first_token - request.last_scheduled)
        self._decode.observe(decode)
        self._inference.observe(now - request.last_scheduled)
        if request.generated > 1:
            self._mean_gap.observe(decode / (request.generated - 1))
        self._prompt.add(request.prompt_tokens)
        self._cached.add(request.cached)
        self._generated.add(request.generated)

    def answered(self, answered: Answered) -> None:
        """Count a request that was malformed."""
        if 400 <= answered.status < 500:
            errors = metrics.TRTLLM_REQUEST_ERROR_TOTAL
            code = f"{answered.status}"
            self._shown.counter(errors, self.about.version, http_code=code).add()

    def _look(self) -> None:
        engine, blocks, last = self.engine, self.engine.blocks, self._last
        looked_up = self._reused.value + self._missed.value
        limits = engine.limits
        for metric, value in (
            (metrics.TRTLLM_NUM_REQUESTS_RUNNING, engine.running),
            (metrics.TRTLLM_NUM_REQUESTS_WAITING, engine.waiting),
            (metrics.TRTLLM_MAX_NUM_ACTIVE_REQUESTS, limits.sequences),
            (metrics.TRTLLM_NUM_CONTEXT_REQUESTS, len(engine.batch.reading)),
            (metrics.TRTLLM_NUM_GENERATION_REQUESTS, len(engine.batch.writing)),
            (metrics.TRTLLM_NUM_SCHEDULED_REQUESTS, engine.running),
            (metrics.TRTLLM_ITERATION_LATENCY_SECONDS, last.seconds),
            (metrics.TRTLLM_TOTAL_CONTEXT_TOKENS, last.prefilled),
            (metrics.TRTLLM_AVG_DECODED_TOKENS_PER_ITER, 1.0),
            (metrics.TRTLLM_MAX_BATCH_SIZE_STATIC, limits.sequences),
            (metrics.TRTLLM_MAX_BATCH_SIZE_RUNTIME, limits.sequences),
            (metrics.TRTLLM_MAX_NUM_TOKENS_RUNTIME, limits.batched_tokens),
            (metrics.TRTLLM_PREFILL_BATCH_OCCUPANCY, last.prefilled / limits.batched_tokens),
            (metrics.TRTLLM_KV_CACHE_UTILIZATION, blocks.usage),
            (metrics.TRTLLM_KV_CACHE_HIT_RATE, self._reused.value / max(1.0, looked_up)),
            (metrics.TRTLLM_KV_CACHE_ITER_REUSE_RATE, 0.0),
            (metrics.TRTLLM_KV_CACHE_MAX_BLOCKS, blocks.total),
            (metrics.TRTLLM_KV_CACHE_FREE_BLOCKS, blocks.available),
            (metrics.TRTLLM_KV_CACHE_USED_BLOCKS, blocks.used),
            (metrics.TRTLLM_KV_CACHE_TOKENS_PER_BLOCK, blocks.tokens),
        ):
            self._gauge(metric).set(value)

    def _gauge(self, metric: Gauge) -> Number:
        return self._shown.gauge(metric, self.about.version)
