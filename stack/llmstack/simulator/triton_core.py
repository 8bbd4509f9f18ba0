"""What Triton itself counts of the models it serves, whichever backend they run."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmdash.metrics import triton as metrics
from llmdash.metrics.metric import Counter, Gauge
from llmstack.simulator.exposition import Distribution, Exposition, Number
from llmstack.simulator.request import Request

#: Of a model's version where nobody chose one.
MODEL_VERSION = "1"
#: Why requests fail, in Triton's order.
REASONS = ("REJECTED", "CANCELED", "BACKEND", "OTHER")
#: Seconds that loading takes: of weights of 16 GB from a disk that reads 0.5 GB a second.
LOAD_SECONDS = 32.0
#: Bytes of the pool of pinned memory (--pinned-memory-pool-byte-size).
PINNED_POOL = 268_435_456
#: Microseconds that a language model backend leaves a request in Triton's queue, and that copying
#: its inputs and outputs takes; on a captured page (2.51) they are of this size.
QUEUE_US, COPY_US = 60, 250


#: What an answered request adds to, in the order of `finished`.
COUNTERS = (
    metrics.NV_INFERENCE_REQUEST_SUCCESS,
    metrics.NV_INFERENCE_COUNT,
    metrics.NV_INFERENCE_EXEC_COUNT,
    metrics.NV_INFERENCE_REQUEST_DURATION_US,
    metrics.NV_INFERENCE_QUEUE_DURATION_US,
    metrics.NV_INFERENCE_COMPUTE_INPUT_DURATION_US,
    metrics.NV_INFERENCE_COMPUTE_INFER_DURATION_US,
    metrics.NV_INFERENCE_COMPUTE_OUTPUT_DURATION_US,
)


class TritonCore:
    """The families of Triton's core."""

    def __init__(
        self,
        exposition: Exposition,
        version: str,
        parts: Mapping[str, Sequence[str]],
        *,
        beside: Sequence[str] = (),
    ) -> None:
        """Make the series.

        Args:
            exposition: where they are shown.
            version: Triton's release.
            parts: of each model that can be asked, all that take part in it and count it.
            beside: those that are steps of an ensemble and no engine: they take no time.
        """
        self._shown, self._version = exposition, version
        self._parts, self._beside = parts, frozenset(beside)
        #: What is asked where a request does not say.
        self._usual = next(iter(parts))
        for model in dict.fromkeys(part for each in parts.values() for part in each):
            self._begin(model)
        exposition.gauge(metrics.NV_PINNED_MEMORY_POOL_TOTAL_BYTES, version).set(PINNED_POOL)
        exposition.gauge(metrics.NV_PINNED_MEMORY_POOL_USED_BYTES, version)
        self._cpu = (time.monotonic(), time.process_time())
        self.look()

    def _begin(self, model: str) -> None:
        for counter in COUNTERS:
            self._counter(counter, model)
        for reason in REASONS:
            self._counter(metrics.NV_INFERENCE_REQUEST_FAILURE, model, reason=reason)
        self._gauge(metrics.NV_INFERENCE_PENDING_REQUEST_COUNT, model)
        self._gauge(metrics.NV_MODEL_LOAD_DURATION_SECS, model).set(LOAD_SECONDS)
        if model not in self._beside:
            self._first(model)

    def _counter(self, metric: Counter, model: str, **labels: str) -> Number:
        about = {"model": model, "version": MODEL_VERSION, **labels}
        return self._shown.counter(metric, self._version, **about)

    def _gauge(self, metric: Gauge, model: str) -> Number:
        return self._shown.gauge(metric, self._version, model=model, version=MODEL_VERSION)

    def _first(self, model: str) -> Distribution:
        metric = metrics.NV_INFERENCE_FIRST_RESPONSE_HISTOGRAM_MS
        return self._shown.histogram(metric, self._version, model=model, version=MODEL_VERSION)

    def _taking_part(self, asked: str) -> Sequence[str]:
        return self._parts[asked or self._usual]

    def first_response(self, asked: str, seconds: float) -> None:
        """Count the first response of a request."""
        for model in self._taking_part(asked):
            if model not in self._beside:
                self._first(model).observe(float(int(seconds * 1000)))

    def finished(self, request: Request, now: float) -> None:
        """Count a request that was answered."""
        for model in self._taking_part(request.model):
            is_beside = model in self._beside
            whole = 3 * COPY_US if is_beside else round((now - request.arrived) * 1_000_000)
            amounts = (1, 1, 1, whole, QUEUE_US, COPY_US, max(0, whole - 2 * COPY_US), COPY_US)
            for counter, amount in zip(COUNTERS, amounts, strict=True):
                self._counter(counter, model).add(amount)

    def failed(self, asked: str, reason: str) -> None:
        """Count a request that was not answered."""
        for model in self._taking_part(asked):
            # What failed is the engine, and its ensemble with it.
            if model not in self._beside:
                self._counter(metrics.NV_INFERENCE_REQUEST_FAILURE, model, reason=reason).add()

    def look(self) -> None:
        """Bring what is told of the host up to date."""
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        for gauge, value in (
            (metrics.NV_CPU_MEMORY_TOTAL_BYTES, total),
            (metrics.NV_CPU_MEMORY_USED_BYTES, total - _available(total)),
            (metrics.NV_CPU_UTILIZATION, self._utilization()),
        ):
            self._shown.gauge(gauge, self._version).set(value)

    def _utilization(self) -> float:
        """Return this process's share of all cores since the last look."""
        before, self._cpu = self._cpu, (time.monotonic(), time.process_time())
        seconds = (self._cpu[0] - before[0]) * (os.cpu_count() or 1)
        return min(1.0, (self._cpu[1] - before[1]) / seconds) if seconds > 0 else 0.0


def _available(otherwise: int) -> int:
    """Return the bytes of memory that are free on this machine."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return otherwise
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else otherwise
