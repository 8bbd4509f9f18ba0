"""Triton Inference Server's core metrics: whichever backend it runs, and no token in sight.

Durations are sums of microseconds, so most latencies are means here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmdash.metrics import triton as metrics
from llmdash.metrics.metric import Counter, Versions
from llmdash.metrics.prometheus import UP
from llmdash.promql.expressions import not_equal
from llmdash.promql.nodes import Matcher
from llmdash.signals import signal
from llmdash.sources.answer import Answer
from llmdash.sources.source import (
    Dialect,
    Role,
    Source,
    answered,
    counter,
    gauge,
    mean,
    named_edges,
    titled,
)

#: 23.09 brought the count of pending requests.
SINCE = Versions("23.09")


def triton(
    *,
    name: str = "triton",
    versions: Versions = SINCE,
    edges: Mapping[str, Sequence[float]] | None = None,
    job: str | None = None,
) -> Source:
    """Return Triton as a source.

    Args:
        name: what recordings call the source.
        versions: the releases that may be running (`24.10`), families outside are not asked for.
        edges: bucket edges set in `model_metrics` (in milliseconds), by family.
        job: the scrape job; when given, every selector names it.
    """
    dialect = Dialect(
        identity=(not_equal("model", ""),),
        labels=(("model", "model"),),
        versions=versions,
        edges=named_edges(metrics.METRICS, edges),
        owns=("nv_",),
        job=job or name,
        match_job=job is not None,
    )
    return Source(
        name=name,
        exporter="triton",
        title=titled("Triton", name, "triton"),
        role=Role.ENGINE,
        metrics=dialect.spoken_of(metrics.METRICS),
        dialect=dialect,
        answers=core_answers(dialect),
        anchors=(metrics.NV_INFERENCE_REQUEST_SUCCESS,),
    )


def core_answers(dialect: Dialect) -> dict[str, Answer]:
    """Return what Triton itself answers, whichever backend it runs."""
    cancelled = Matcher("reason", "=", "CANCELED")
    return answered(
        requests=counter(
            "requests",
            dialect.term(metrics.NV_INFERENCE_REQUEST_SUCCESS, outcome="ok"),
            dialect.term(
                metrics.NV_INFERENCE_REQUEST_FAILURE,
                # Before 24.07 failures had no reason: all of them count as errors.
                where=(not_equal("reason", "CANCELED"),),
                outcome="error",
            ),
            dialect.term(
                metrics.NV_INFERENCE_REQUEST_FAILURE, where=(cancelled,), outcome="cancelled"
            ),
            note="A Python backend that answers with an error object counts as success; "
            "an ensemble counts a failure twice.",
        ),
        time_to_first_token=dialect.distribution(
            signal("time_to_first_token"),
            metrics.NV_INFERENCE_FIRST_RESPONSE_HISTOGRAM_MS,
            note="Up to 26.01 streaming (decoupled) models only; whole milliseconds.",
        ),
        end_to_end_latency=_mean(
            dialect, "end_to_end_latency", metrics.NV_INFERENCE_REQUEST_DURATION_US
        ),
        queue_time=_mean(dialect, "queue_time", metrics.NV_INFERENCE_QUEUE_DURATION_US),
        requests_waiting=gauge(
            "requests_waiting",
            dialect.term(metrics.NV_INFERENCE_PENDING_REQUEST_COUNT, reason="capacity"),
            note="Backends that take every request at once (vLLM, TensorRT-LLM) show about 0.",
        ),
        up=gauge("up", dialect.term(UP)),
    )


def _mean(dialect: Dialect, name: str, durations: Counter) -> Answer | None:
    requests = dialect.term(metrics.NV_INFERENCE_REQUEST_SUCCESS)
    return mean(name, dialect.term(durations), requests, note="Mean of successful requests.")
