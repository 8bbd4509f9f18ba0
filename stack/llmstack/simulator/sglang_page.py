"""What SGLang's own server shows, started with --enable-metrics."""

from __future__ import annotations

from llmdash.metrics import sglang as metrics
from llmdash.metrics.metric import Gauge, Versions
from llmstack.simulator.engine import Engine
from llmstack.simulator.exposition import Exposition, Number, Style
from llmstack.simulator.page import About, Answered, Page
from llmstack.simulator.request import Request
from llmstack.simulator.step import Step

#: The first release read that counts aborted requests and has the latency edges of today.
SINCE = Versions("0.5.5")
#: Streams are told apart from it on; every request played here is counted as one.
TELLS_STREAMS = Versions("0.5.23")
#: Its processes share one page, and then nothing says when families were made.
STYLE = Style(has_created=False)
#: Families that move only with what the simulator does not play.
IDLE = (
    metrics.NUM_GRAMMAR_QUEUE_REQS,
    metrics.NUM_RETRACTED_REQS,
    metrics.NUM_PAUSED_REQS,
    metrics.UTILIZATION,
)


class SglangPage(Page):
    """The page of one server with one scheduler."""

    def __init__(self, engine: Engine, about: About) -> None:
        """Make the series that are there from the start."""
        super().__init__(engine, about)
        ranks = {"tp_rank": "0", "pp_rank": "0", "moe_ep_rank": "0"}
        shown = self._shown = Exposition(
            {"model_name": about.model, "engine_type": "unified", **ranks},
            created=about.started,
            model_length=engine.limits.model_length,
            style=STYLE,
        )
        version = about.version
        kind = {"is_streaming": "true"} if TELLS_STREAMS.includes(version) else {}
        self._ended = shown.counter(metrics.NUM_REQUESTS_TOTAL, version, **kind)
        self._aborted = shown.counter(metrics.NUM_ABORTED_REQUESTS_TOTAL, version)
        shown.counter(metrics.NUM_SO_REQUESTS_TOTAL, version)
        self._retracted = shown.counter(metrics.NUM_RETRACTED_REQUESTS_TOTAL, version)
        self._prompt = shown.counter(metrics.PROMPT_TOKENS_TOTAL, version, **kind)
        self._generated = shown.counter(metrics.GENERATION_TOKENS_TOTAL, version, **kind)
        source = "device" if kind else "total"
        self._cached = shown.counter(metrics.CACHED_TOKENS_TOTAL, version, cache_source=source)
        self._first = shown.histogram(metrics.TIME_TO_FIRST_TOKEN_SECONDS, version, **kind)
        self._gaps = shown.histogram(metrics.INTER_TOKEN_LATENCY_SECONDS, version)
        self._mean_gap = shown.histogram(
            metrics.REQUEST_TIME_PER_OUTPUT_TOKEN_SECONDS, version, **kind
        )
        self._whole = shown.histogram(metrics.E2E_REQUEST_LATENCY_SECONDS, version, **kind)
        self._queued = shown.histogram(metrics.QUEUE_TIME_SECONDS, version)
        self._prompt_length = shown.histogram(metrics.PROMPT_TOKENS_HISTOGRAM, version)
        self._uncached = shown.histogram(metrics.UNCACHED_PROMPT_TOKENS_HISTOGRAM, version)
        self._answer_length = shown.histogram(metrics.GENERATION_TOKENS_HISTOGRAM, version)
        realtime = metrics.REALTIME_TOKENS_TOTAL
        self._computed_now = shown.counter(realtime, version, mode="prefill_compute")
        self._found_now = shown.counter(realtime, version, mode="prefill_cache")
        self._decoded_now = shown.counter(realtime, version, mode="decode")
        self._forward = shown.counter(
            metrics.FORWARD_EXECUTION_SECONDS_TOTAL, version, category="mixed"
        )
        self._idle = shown.counter(metrics.SCHEDULER_IDLE_SECONDS_TOTAL, version)
        self._evicted = shown.counter(
            metrics.EVICTED_TOKENS_TOTAL, version, cache_type="RadixCache"
        )
        self._last = Step(0, engine.clock, engine.clock)
        for metric in IDLE:
            self._gauge(metric)
        self._look()

    def stepped(self, step: Step) -> None:
        """Count what came out of a step."""
        self._retracted.add(len(step.preempted))
        for request in step.admitted:
            if not request.preemptions:
                self._queued.observe(step.began - request.arrived)
                self._found_now.add(request.cached)
        self._computed_now.add(step.prefilled)
        self._decoded_now.add(step.decoded)
        self._forward.add(step.seconds)
        self._idle.add(max(0.0, step.began - self._last.ends))
        self._last = step
        for request in step.first:
            self._first.observe(step.ends - request.arrived)
        for seconds, times in step.gaps.items():
            self._gaps.observe(seconds, times)
        for request in step.finished:
            self._finished(request, step.ends)

    def _finished(self, request: Request, now: float) -> None:
        assert request.first_token is not None
        self._ended.add()
        self._whole.observe(now - request.arrived)
        if request.generated > 1:
            self._mean_gap.observe((now - request.first_token) / (request.generated - 1))
        self._prompt.add(request.prompt_tokens)
        self._generated.add(request.generated)
        self._cached.add(request.cached)
        self._prompt_length.observe(request.prompt_tokens)
        self._uncached.observe(request.prompt_tokens - request.cached)
        self._answer_length.observe(request.generated)

    def aborted(self, request: Request) -> None:
        """Count a request whose client went away; if it was worked on, it counts as ended too."""
        self._aborted.add()
        if request.first_scheduled is not None:
            self._ended.add()

    def answered(self, answered: Answered) -> None:
        """Count an HTTP request."""
        version, about = self.about.version, {"endpoint": answered.path, "method": answered.method}
        self._shown.counter(metrics.HTTP_REQUESTS_TOTAL, version, **about).add()
        self._shown.gauge(metrics.HTTP_REQUESTS_ACTIVE, version, **about)
        code = f"{answered.status}"
        answers = metrics.HTTP_RESPONSES_TOTAL
        self._shown.counter(answers, version, status_code=code, **about).add()

    def _look(self) -> None:
        engine, blocks, last = self.engine, self.engine.blocks, self._last
        size = blocks.tokens
        found = sum(request.cached for request in last.admitted)
        asked = sum(request.prompt_tokens for request in last.admitted)
        self._evicted.set(blocks.evicted * size)
        for metric, value in (
            (metrics.NUM_RUNNING_REQS, engine.running),
            (metrics.NUM_QUEUE_REQS, engine.waiting),
            (metrics.TOKEN_USAGE, blocks.usage),
            (metrics.FULL_TOKEN_USAGE, blocks.usage),
            (metrics.NUM_USED_TOKENS, blocks.used * size),
            (metrics.KV_USED_TOKENS, blocks.used * size),
            (metrics.KV_EVICTABLE_TOKENS, blocks.remembered * size),
            (metrics.KV_AVAILABLE_TOKENS, max(0, blocks.available - blocks.remembered) * size),
            (metrics.MAX_TOTAL_NUM_TOKENS, blocks.total * size),
            (metrics.CACHE_HIT_RATE, found / asked if asked else 0.0),
            (metrics.GEN_THROUGHPUT, last.decoded / last.seconds if last.seconds else 0.0),
            (metrics.IS_CUDA_GRAPH, float(last.prefilled == 0)),
            (metrics.CONTEXT_LEN, engine.limits.model_length),
        ):
            self._gauge(metric).set(value)

    def _gauge(self, metric: Gauge) -> Number:
        return self._shown.gauge(metric, self.about.version)
