"""What vLLM's web server counts of HTTP requests, by prometheus-fastapi-instrumentator."""

from __future__ import annotations

from llmdash.metrics import fastapi as metrics
from llmstack.simulator.exposition import Exposition
from llmstack.simulator.page import Answered

#: Paths that it leaves out.
LEFT_OUT = frozenset({"/metrics", "/health", "/ping", "/load", "/version", "/server_info"})


class WebPage:
    """The families of one web server; series are born with the first request."""

    def __init__(self, exposition: Exposition, version: str) -> None:
        """Remember where they are shown, and as of which release of vLLM."""
        self._shown, self._version = exposition, version

    def answered(self, answered: Answered) -> None:
        """Count a request."""
        if answered.path in LEFT_OUT:
            return
        shown, version, handler = self._shown, self._version, answered.path
        method = answered.method
        shown.counter(
            metrics.HTTP_REQUESTS_TOTAL,
            version,
            handler=handler,
            method=method,
            status=f"{answered.status // 100}xx",
        ).add()
        for metric, size in (
            (metrics.HTTP_REQUEST_SIZE_BYTES, answered.request_bytes),
            (metrics.HTTP_RESPONSE_SIZE_BYTES, answered.response_bytes),
        ):
            shown.summary(metric, version, handler=handler).observe(size)
        seconds = answered.seconds
        shown.histogram(metrics.HTTP_REQUEST_DURATION_HIGHR_SECONDS, version).observe(seconds)
        shown.histogram(
            metrics.HTTP_REQUEST_DURATION_SECONDS, version, handler=handler, method=method
        ).observe(seconds)
