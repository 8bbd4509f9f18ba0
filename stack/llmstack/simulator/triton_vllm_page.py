"""What Triton with its vLLM backend shows: Triton's own families, and a few of vLLM's.

The model is served with REPORT_CUSTOM_METRICS, and Triton with histogram_latencies=true.
"""

from __future__ import annotations

from llmdash.metrics import triton_vllm as metrics
from llmdash.metrics.metric import Versions
from llmstack.simulator.engine import Engine
from llmstack.simulator.page import About
from llmstack.simulator.step import Step
from llmstack.simulator.triton_page import TritonPage

#: It brought the end-to-end latency and the lengths.
SINCE = Versions("24.09")


class TritonVllmPage(TritonPage):
    """The page of one Triton and the one model that it serves."""

    def __init__(self, engine: Engine, about: About) -> None:
        """Make the series that are there from the start."""
        super().__init__(engine, about, about.model, {about.model: (about.model,)})
        shown, version = self._shown, about.version
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
