"""What Triton with its TensorRT-LLM backend shows: Triton's own families, and nv_trt_llm_*.

Four models take part in a request: the ensemble, and its steps. Triton is started with
histogram_latencies=true, and gauges are those of the last iteration, as the backend polls them.
"""

from __future__ import annotations

import time

from llmdash.metrics import triton_trtllm as metrics
from llmdash.metrics.metric import Gauge, Versions, version_key
from llmstack.simulator.engine import Engine
from llmstack.simulator.exposition import Number
from llmstack.simulator.page import About
from llmstack.simulator.step import Step
from llmstack.simulator.triton_page import TritonPage

#: The release of the backend by the release of Triton that came with it.
BACKENDS = (("25.04", "0.18.0"), ("25.01", "0.17.0"), ("24.12", "0.16.0"))
SINCE = Versions(BACKENDS[-1][0])

#: The step of the ensemble that runs the engine.
ENGINE_MODEL = "tensorrt_llm"
#: Waiting requests, and the share of the KV cache that is in use.
SAYS_WAITING = Versions("0.18.0")
#: Bytes of the runtime's own buffers, which do not grow: of the size that its README shows.
BUFFERS = {"cpu": 0, "gpu": 1_610_236, "pinned": 0}


def backend_version(version: str) -> str:
    """Return the backend's release that came with a release of Triton."""
    asked = version_key(version)
    return next(own for first, own in BACKENDS if version_key(first) <= asked)


class TritonTrtllmPage(TritonPage):
    """The page of one Triton, its ensemble and its engine."""

    def __init__(self, engine: Engine, about: About) -> None:
        """Make the series that are there from the start."""
        steps = ("preprocessing", ENGINE_MODEL, "postprocessing")
        parts = {about.model: (about.model, *steps), ENGINE_MODEL: (ENGINE_MODEL,)}
        super().__init__(engine, about, ENGINE_MODEL, parts, beside=(steps[0], steps[2]))
        shown = self._shown
        self._own = backend_version(about.version)
        self._last = Step(0, 0.0)
        self._reused = 0
        self._read = shown.histogram(
            metrics.NV_LLM_INPUT_TOKEN_LEN, self._own, response_metric_type="total_input_tokens"
        )
        self._written = shown.histogram(
            metrics.NV_LLM_OUTPUT_TOKEN_LEN, self._own, response_metric_type="total_output_tokens"
        )
        self._look()

    def stepped(self, step: Step) -> None:
        """Count what came out of a step."""
        self._last = step
        for request in step.admitted:
            if not request.preemptions:
                self._reused += request.cached // self.engine.blocks.tokens
        for request in step.first:
            self._core.first_response(request.model, step.ends - request.arrived)
        for request in step.finished:
            self._core.finished(request, step.ends)
            self._read.observe(request.prompt_tokens)
            self._written.observe(request.generated)

    def _look(self) -> None:
        super()._look()
        engine, last = self.engine, self._last
        blocks, is_idle = engine.blocks, engine.is_idle
        says_waiting = SAYS_WAITING.includes(self._own)
        requests = {
            "active": engine.running + engine.waiting,
            "max": engine.limits.sequences,
            "scheduled": engine.running,
            "context": len(engine.batch.reading),
            **({"waiting": engine.waiting} if says_waiting else {}),
        }
        for kind, value in requests.items():
            self._gauge(metrics.NV_TRT_LLM_REQUEST_METRICS, request_type=kind).set(value)
        for kind, size in BUFFERS.items():
            self._gauge(metrics.NV_TRT_LLM_RUNTIME_MEMORY_METRICS, memory_type=kind).set(size)
        cache = {
            "max": blocks.total,
            "free": blocks.available,
            "used": blocks.used,
            "tokens_per": blocks.tokens,
            "reused": self._reused,
            **({"fraction": blocks.usage} if says_waiting else {}),
        }
        for kind, number in cache.items():
            family = metrics.NV_TRT_LLM_KV_CACHE_BLOCK_METRICS
            self._gauge(family, kv_cache_block_type=kind).set(number)
        batch = {
            "total_context_tokens": 0 if is_idle else last.prefilled,
            "generation_requests": 0 if is_idle else last.decoded,
            "micro_batch_id": 0,
            "paused_requests": 0 if is_idle else len(last.preempted),
        }
        for kind, value in batch.items():
            family = metrics.NV_TRT_LLM_INFLIGHT_BATCHER_METRICS
            self._gauge(family, inflight_batcher_specific_metric=kind).set(value)
        general = {
            "timestamp": round(time.time() * 1_000_000),
            "iteration_counter": last.number,
        }
        for kind, value in general.items():
            self._gauge(metrics.NV_TRT_LLM_GENERAL_METRICS, general_type=kind).set(value)

    def _gauge(self, metric: Gauge, **labels: str) -> Number:
        return self._shown.gauge(metric, self._own, **labels)
