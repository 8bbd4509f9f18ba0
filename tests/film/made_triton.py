"""The Triton server, as it would be scraped."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from llmdash.metrics import prometheus, triton
from tests.film.fleet import Triton
from tests.film.reading import Labels, Observed, Reading, Target, counter, gauge, histogram

#: Milliseconds that most requests take, and microseconds that they wait.
_USUAL = 60
_QUEUED = 400


def triton_target(server: Triton) -> Target:
    """Return what a Triton server shows."""
    target = {"job": "triton", "instance": server.instance}
    return Target(target["job"], target["instance"], server.state, tuple(_readings(server, target)))


def _readings(server: Triton, target: Labels) -> Iterator[Reading]:
    model = {**target, "model": server.model, "version": "1"}
    yield gauge(prometheus.SCRAPE_DURATION_SECONDS.name, target, "0.01")
    yield counter(triton.NV_INFERENCE_REQUEST_SUCCESS.name, model, server.requests)
    for reason in ("CANCELED", "OTHER"):
        failed = {**model, "reason": reason}
        yield counter(triton.NV_INFERENCE_REQUEST_FAILURE.name, failed, 0)
    yield gauge(triton.NV_INFERENCE_PENDING_REQUEST_COUNT.name, model, server.waiting)
    microseconds = server.requests * _USUAL * 1000
    yield counter(triton.NV_INFERENCE_REQUEST_DURATION_US.name, model, microseconds)
    yield counter(triton.NV_INFERENCE_QUEUE_DURATION_US.name, model, server.requests * _QUEUED)
    metric = triton.NV_INFERENCE_FIRST_RESPONSE_HISTOGRAM_MS
    observed = Observed(server.requests, Decimal(_USUAL))
    yield from histogram(metric, model, metric.edges, [observed])
