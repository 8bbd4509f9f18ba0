"""What Triton with its vLLM backend shows: Triton's own families, and a few of vLLM's.

The model is served with REPORT_CUSTOM_METRICS, and Triton with histogram_latencies=true.
"""

from __future__ import annotations

from llmdash.metrics import triton_vllm as metrics
from llmdash.metrics.metric import Versions
from llmstack.simulator.engine import Engine
from llmstack.simulator.exposition import TRITON, Exposition
from llmstack.simulator.page import About, Page
from llmstack.simulator.request import Request
from llmstack.simulator.step import Step
from llmstack.simulator.triton_core import MODEL_VERSION, TritonCore

#: It brought the end-to-end latency and the lengths.
SINCE = Versions("24.09")


class TritonVllmPage(Page):
    """The page of one Triton and the one model that it serves."""

    content_type = "text/plain; charset=utf-8"

    def __init__(self, engine: Engine, about: About) -> None:
        """Make the series that are there from the start."""
        super().__init__(engine, about)
        shown = self._shown = Exposition(
            {"model": about.model, "version": MODEL_VERSION},
            created=about.started,
            model_length=engine.limits.model_length,
            style=TRITON,
        )
        version = about.version
        self._core = TritonCore(shown, version, {about.model: (about.model,)})
        self._prompt = shown.counter(metrics.PROMPT_TOKENS_TOTAL, version)
        self._generated = shown.counter(metrics.GENERATION_TOKENS_TOTAL, version)
        self._first = shown.histogram(metrics.TIME_TO_FIRST_TOKEN_SECONDS, version)
        self._gaps = shown.histogram(metrics.TIME_PER_OUTPUT_TOKEN_SECONDS, version)
        self._whole = shown.histogram(metrics.E2E_REQUEST_LATENCY_SECONDS, version)
        self._prompt_length = shown.histogram(metrics.REQUEST_PROMPT_TOKENS, version)
        self._answer_length = shown.histogram(metrics.REQUEST_GENERATION_TOKENS, version)
        self._answers = (
            shown.histogram(metrics.REQUEST_PARAMS_N, version),
            shown.histogram(metrics.REQUEST_PARAMS_BEST_OF, version),
        )

    def stepped(self, step: Step) -> None:
        """Count what came out of a step."""
        for request in step.first:
            seconds = step.ends - request.arrived
            self._prompt.add(request.prompt_tokens)
            self._first.observe(seconds)
            self._core.first_response(request.model, seconds)
        self._generated.add(len(step.written))
        for seconds, times in step.gaps.items():
            self._gaps.observe(seconds, times)
        for request in step.finished:
            self._core.finished(request, step.ends)
            self._whole.observe(step.ends - request.arrived)
            self._prompt_length.observe(request.prompt_tokens)
            self._answer_length.observe(request.generated)
            for histogram in self._answers:
                histogram.observe(1)

    def failed(self, model: str) -> None:
        """Count a request that the engine failed."""
        self._core.failed(model, "BACKEND")

    def aborted(self, request: Request) -> None:
        """Count a request whose client went away."""
        self._core.failed(request.model, "CANCELED")

    def text(self, now: float) -> str:
        """Return the page."""
        del now
        self._core.look()
        return self._shown.text()
