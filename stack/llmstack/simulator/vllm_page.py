"""What vLLM's own server shows of its engine: names, labels and edges of the release asked for."""

from __future__ import annotations

from llmdash.metrics import vllm as metrics
from llmdash.metrics.metric import Counter, Gauge, Histogram, Metric, Versions
from llmdash.metrics.vllm_features import (
    ESTIMATED_FLOPS_PER_GPU_TOTAL,
    ESTIMATED_READ_BYTES_PER_GPU_TOTAL,
    ESTIMATED_WRITE_BYTES_PER_GPU_TOTAL,
)
from llmstack.simulator.engine import Engine
from llmstack.simulator.exposition import Distribution, Exposition, Number
from llmstack.simulator.page import About, Answered, Page
from llmstack.simulator.presets import UTILIZATION
from llmstack.simulator.process_page import ProcessPage
from llmstack.simulator.request import Ending, Request
from llmstack.simulator.step import Step
from llmstack.simulator.web_page import WebPage

#: From it on the V1 engine is complete, its families have an `engine`, and their edges are today's.
SINCE = Versions("0.8.4")

#: Families that a release still has and shows to nobody unless told to.
HIDDEN = {
    metrics.GPU_CACHE_USAGE_PERC.name: Versions("0.11.0"),
    metrics.GPU_PREFIX_CACHE_QUERIES_TOTAL.name: Versions("0.11.0"),
    metrics.GPU_PREFIX_CACHE_HITS_TOTAL.name: Versions("0.11.0"),
    metrics.TIME_PER_OUTPUT_TOKEN_SECONDS.name: Versions("0.12.0"),
}
#: Since when a request may end so.
REASONS = {
    "stop": Versions(),
    "length": Versions(),
    "abort": Versions(),
    "error": Versions("0.13.0"),
    "repetition": Versions("0.17.0"),
}
#: Steps count what they compute, without what a cache had.
COUNTS_COMPUTED = Versions("0.23")
#: They counted blocks up to the release before.
PREFIX_IN_TOKENS = Versions("0.9.0")
#: The configuration says what the KV cache holds.
SAYS_CACHE_SIZE = Versions("0.27")
#: Families that move only with what the simulator does not play: they stay at 0.
IDLE = (
    metrics.EXTERNAL_PREFIX_CACHE_QUERIES_TOTAL,
    metrics.EXTERNAL_PREFIX_CACHE_HITS_TOTAL,
    metrics.MM_CACHE_QUERIES_TOTAL,
    metrics.MM_CACHE_HITS_TOTAL,
    ESTIMATED_FLOPS_PER_GPU_TOTAL,
    ESTIMATED_READ_BYTES_PER_GPU_TOTAL,
    ESTIMATED_WRITE_BYTES_PER_GPU_TOTAL,
    metrics.PROMPT_TOKENS_RECOMPUTED_TOTAL,
)


class VllmPage(Page):
    """The page of one engine and its API server."""

    def __init__(self, engine: Engine, about: About) -> None:
        """Make the series that are there from the start."""
        super().__init__(engine, about)
        self._shown = Exposition(
            {"model_name": about.model, "engine": "0"},
            created=about.started,
            model_length=engine.limits.model_length,
        )
        self._process = ProcessPage(self._shown, about.started)
        self._web = WebPage(self._shown, about.version)
        self._make_state()
        self._make_tokens()
        self._make_requests()
        for metric in IDLE:
            self._counter(metric)
        self._make_configuration()

    # --- series ----------------------------------------------------------------------------------

    def _hides(self, metric: Metric) -> bool:
        return metric.name in HIDDEN and HIDDEN[metric.name].includes(self.about.version)

    def _counter(self, metric: Counter, **labels: str) -> Number:
        hidden = self._hides(metric)
        return Number() if hidden else self._shown.counter(metric, self.about.version, **labels)

    def _gauge(self, metric: Gauge, **labels: str) -> Number:
        hidden = self._hides(metric)
        return Number() if hidden else self._shown.gauge(metric, self.about.version, **labels)

    def _histogram(self, metric: Histogram) -> Distribution:
        hidden = self._hides(metric)
        edges = metric.edges
        return Distribution(edges) if hidden else self._shown.histogram(metric, self.about.version)

    def _make_state(self) -> None:
        self._running = self._gauge(metrics.NUM_REQUESTS_RUNNING)
        self._waiting = self._gauge(metrics.NUM_REQUESTS_WAITING)
        by_reason = metrics.NUM_REQUESTS_WAITING_BY_REASON
        self._waiting_for_capacity = self._gauge(by_reason, reason="capacity")
        self._gauge(by_reason, reason="deferred")
        for state in ("awake", "weights_offloaded", "discard_all"):
            shown = self._gauge(metrics.ENGINE_SLEEP_STATE, sleep_state=state)
            shown.set(float(state == "awake"))
        self._usage = self._gauge(metrics.KV_CACHE_USAGE_PERC)
        self._older_usage = self._gauge(metrics.GPU_CACHE_USAGE_PERC)
        self._preemptions = self._counter(metrics.NUM_PREEMPTIONS_TOTAL)

    def _make_tokens(self) -> None:
        self._prompt = self._counter(metrics.PROMPT_TOKENS_TOTAL)
        sources = metrics.PROMPT_TOKENS_BY_SOURCE_TOTAL
        self._computed = self._counter(sources, source="local_compute")
        self._found = self._counter(sources, source="local_cache_hit")
        self._counter(sources, source="external_kv_transfer")
        self._cached = self._counter(metrics.PROMPT_TOKENS_CACHED_TOTAL)
        places = metrics.PROMPT_TOKENS_CACHED_BY_SOURCE_TOTAL
        self._cached_here = self._counter(places, source="device")
        for source in ("host", "disk", "p2p", "external_unspecified"):
            self._counter(places, source=source)
        self._generated = self._counter(metrics.GENERATION_TOKENS_TOTAL)
        self._of_step = self._histogram(metrics.ITERATION_TOKENS_TOTAL)
        self._queries = self._counter(metrics.PREFIX_CACHE_QUERIES_TOTAL)
        self._hits = self._counter(metrics.PREFIX_CACHE_HITS_TOTAL)
        self._older_queries = self._counter(metrics.GPU_PREFIX_CACHE_QUERIES_TOTAL)
        self._older_hits = self._counter(metrics.GPU_PREFIX_CACHE_HITS_TOTAL)
        version = self.about.version
        in_tokens = PREFIX_IN_TOKENS.includes(version)
        self._older_size = 1 if in_tokens else self.engine.blocks.tokens
        self._counts_computed = COUNTS_COMPUTED.includes(version)

    def _make_requests(self) -> None:
        self._ends = {
            reason: self._counter(metrics.REQUEST_SUCCESS_TOTAL, finished_reason=reason)
            for reason, versions in REASONS.items()
            if versions.includes(self.about.version)
        }
        for reason in ("max_num_queued_reqs", "max_num_queued_tokens"):
            self._counter(metrics.ADMISSION_REJECTIONS_TOTAL, reason=reason)
        made = self._histogram
        self._first = made(metrics.TIME_TO_FIRST_TOKEN_SECONDS)
        self._gaps = (
            made(metrics.INTER_TOKEN_LATENCY_SECONDS),
            made(metrics.TIME_PER_OUTPUT_TOKEN_SECONDS),
        )
        self._mean_gap = made(metrics.REQUEST_TIME_PER_OUTPUT_TOKEN_SECONDS)
        self._whole = made(metrics.E2E_REQUEST_LATENCY_SECONDS)
        self._queued = made(metrics.REQUEST_QUEUE_TIME_SECONDS)
        self._prefill = made(metrics.REQUEST_PREFILL_TIME_SECONDS)
        self._decode = made(metrics.REQUEST_DECODE_TIME_SECONDS)
        self._inference = made(metrics.REQUEST_INFERENCE_TIME_SECONDS)
        self._prompt_length = made(metrics.REQUEST_PROMPT_TOKENS)
        self._answer_length = made(metrics.REQUEST_GENERATION_TOKENS)
        self._longest_answer = made(metrics.REQUEST_MAX_NUM_GENERATION_TOKENS)
        self._limit = made(metrics.REQUEST_PARAMS_MAX_TOKENS)
        self._answers = made(metrics.REQUEST_PARAMS_N)
        self._computed_length = made(metrics.REQUEST_PREFILL_KV_COMPUTED_TOKENS)
        self._preempted = made(metrics.REQUEST_NUM_PREEMPTIONS)

    def _make_configuration(self) -> None:
        limits, size = self.engine.limits, self.engine.blocks.tokens
        labels = {
            "block_size": f"{size}",
            "cache_dtype": "auto",
            "enable_prefix_caching": str(self.engine.blocks.remembers),
            "gpu_memory_utilization": f"{UTILIZATION}",
            "num_gpu_blocks": f"{limits.blocks}",
            "num_cpu_blocks": "None",
        }
        if SAYS_CACHE_SIZE.includes(self.about.version):
            tokens = limits.blocks * size
            labels["kv_cache_size_tokens"] = f"{tokens}"
            labels["kv_cache_max_concurrency"] = f"{tokens / limits.model_length}"
        self._gauge(metrics.CACHE_CONFIG_INFO, **labels).set(1)

    # --- what happens ----------------------------------------------------------------------------

    def stepped(self, step: Step) -> None:
        """Count what came out of a step."""
        self._preemptions.add(len(step.preempted))
        for request in step.admitted:
            # One that was preempted is looked up again, and not counted again.
            if not request.preemptions:
                self._looked_up(request)
        prompts = sum(request.prompt_tokens for request in step.first)
        self._prompt.add(prompts)
        for request in step.first:
            self._first.observe(step.ends - request.arrived)
            self._computed.add(request.prompt_tokens - request.cached)
            self._found.add(request.cached)
            self._cached.add(request.cached)
        self._generated.add(len(step.written))
        tokens = step.prefilled + step.decoded
        self._of_step.observe(tokens if self._counts_computed else prompts + len(step.written))
        for seconds, times in step.gaps.items():
            for histogram in self._gaps:
                histogram.observe(seconds, times)
        for request in step.finished:
            self._finished(request, step.ends)

    def _looked_up(self, request: Request) -> None:
        self._queries.add(request.prompt_tokens)
        self._hits.add(request.cached)
        self._cached_here.add(request.cached)
        self._older_queries.add(request.prompt_tokens // self._older_size)
        self._older_hits.add(request.cached // self._older_size)

    def _finished(self, request: Request, now: float) -> None:
        assert request.first_token is not None
        assert request.first_scheduled is not None
        self._ends[request.ending.value].add()
        decode = now - request.first_token
        self._whole.observe(now - request.arrived)
        self._queued.observe(request.first_scheduled - request.arrived)
        self._prefill.observe(request.first_token - request.last_scheduled)
        self._decode.observe(decode)
        self._inference.observe(now - request.last_scheduled)
        self._mean_gap.observe(decode / (request.generated - 1) if request.generated > 1 else 0.0)
        self._prompt_length.observe(request.prompt_tokens)
        self._answer_length.observe(request.generated)
        self._longest_answer.observe(request.generated)
        if request.limit is not None:
            self._limit.observe(request.limit)
        self._answers.observe(1)
        self._computed_length.observe(request.prompt_tokens - request.cached)
        self._preempted.observe(request.preemptions)

    def failed(self, model: str) -> None:
        """Count a request that the engine failed; older releases count none."""
        del model
        if Ending.ERROR.value in self._ends:
            self._ends[Ending.ERROR.value].add()

    def answered(self, answered: Answered) -> None:
        """Count an HTTP request."""
        self._web.answered(answered)

    def _look(self) -> None:
        engine = self.engine
        self._running.set(engine.running)
        for gauge in (self._waiting, self._waiting_for_capacity):
            gauge.set(engine.waiting)
        for gauge in (self._usage, self._older_usage):
            gauge.set(engine.blocks.usage)
        self._process.look()
