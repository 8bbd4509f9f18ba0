"""Triton at a glance: requests, where their time goes, queues, and the GPU if there is one."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Annotation, Dashboard, Row
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.triton.details import detail_panels
from llmdash.dashboards.triton.host import host_details, host_panels
from llmdash.layer import Layer
from llmdash.metrics import triton as metrics
from llmdash.metrics.metric import Counter
from llmdash.promql.expressions import call, convert, counted_as, greatest, mean_of
from llmdash.promql.nodes import Expr
from llmdash.promql.units import COUNT, SECONDS
from llmdash.sources.source import Source


def triton_overview(source: Source, layer: Layer) -> Dashboard:
    """Return the page."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    rows = (
        Row(key="now", title="Summary", panels=_now(page)),
        Row(key="traffic", title="Traffic", panels=_traffic(page)),
        Row(key="latency", title="Latency", panels=_latency(page)),
        Row(key="host", title="GPU and host", panels=host_panels(page)),
        *row_of("details", "Details", (*detail_panels(page), *host_details(page)), collapsed=True),
    )
    return page.dashboard(
        "overview",
        "Requests, failures, queue and compute time of Triton, by model.",
        rows=rows,
        annotations=(restart(page),),
    )


def restart(page: SourcePage) -> Annotation:
    """Return the starts of a model, on any page of Triton."""
    # Triton exports no start time. A counter that falls is a restart, or a model loaded again; the
    # window is long because loading a model takes minutes, in which there is no counter.
    successes = page.select(metrics.NV_INFERENCE_REQUEST_SUCCESS)
    by = ("instance", "model")
    now = greatest(call("resets", successes.over("1h")), by)
    before = greatest(call("resets", successes.offset("5m").over("1h")), by)
    return Annotation(
        key="engine-restart",
        name="Engine restart",
        expr=now > before,
        title="{{model}} on {{instance}} started anew",
        text="Its counters began again: Triton restarted, or loaded the model again. "
        "A server that had served nothing before shows no restart.",
        color="orange",
    )


def _failures(page: SourcePage, *by: str) -> Expr:
    return page.rate(metrics.NV_INFERENCE_REQUEST_FAILURE, by)


def _successes(page: SourcePage, *by: str) -> Expr:
    return page.rate(metrics.NV_INFERENCE_REQUEST_SUCCESS, by)


def _mean(page: SourcePage, durations: Counter, *by: str) -> Expr:
    """Return mean seconds per successful request."""
    spent = page.rate(durations, by)
    return mean_of(convert(spent, SECONDS.per_second), _successes(page, *by))


def _now(page: SourcePage) -> tuple[Panel, ...]:
    ended = _successes(page) + _failures(page)
    return (
        Stat(
            key="requests-now",
            title="Successful requests",
            description="Requests answered each second. A batch counts as one request.",
            queries=(Query("rate", _successes(page)),),
            graph=True,
        ),
        Stat(
            key="failure-share-now",
            title="Failed",
            description="Share of requests that failed, for whatever reason, cancelled ones "
            "included. A Python backend that answers with an error object counts as success.",
            queries=(Query("share", _failures(page) / ended),),
            thresholds=ERROR_SHARE,
        ),
        Stat(
            key="latency-now",
            title="Mean request time",
            description="Mean time from arrival to the last response of successful requests. "
            "Triton counts sums only, so there is no quantile to show.",
            queries=(Query("mean", _mean(page, metrics.NV_INFERENCE_REQUEST_DURATION_US)),),
        ),
        Stat(
            key="queue-now",
            title="Mean queue time",
            description="Mean time that successful requests waited before a backend took them. "
            "Above the compute time, more model instances or replicas are needed.",
            queries=(Query("mean", _mean(page, metrics.NV_INFERENCE_QUEUE_DURATION_US)),),
        ),
        *_pending_now(page),
        Stat(
            key="requests-total",
            title="Requests in range",
            description="Requests that ended in the time range on screen, failed ones included.",
            queries=(
                Query(
                    "total",
                    page.increase(metrics.NV_INFERENCE_REQUEST_SUCCESS)
                    + page.increase(metrics.NV_INFERENCE_REQUEST_FAILURE),
                ),
            ),
            decimals=0,
        ),
    )


def _traffic(page: SourcePage) -> tuple[Panel, ...]:
    inferences = page.rate(metrics.NV_INFERENCE_COUNT, ("model",))
    executions = page.rate(metrics.NV_INFERENCE_EXEC_COUNT, ("model",))
    return (
        TimeSeries(
            key="requests",
            title="Requests by model",
            description="Requests answered each second for each model. An ensemble counts its "
            "steps as requests of their own. At zero it is idle or stalled; a line that ends has "
            "lost its server.",
            queries=(Query("success", _successes(page, "model"), "{{model}}"),),
            stack=True,
        ),
        TimeSeries(
            key="failures",
            title="Failed requests by reason",
            description="BACKEND: the model's own error; REJECTED: refused by the queue's limits; "
            "CANCELED: the client left; OTHER: anything else. REJECTED rising with pending "
            "requests is overload, BACKEND is a fault.",
            queries=(Query("failure", _failures(page, "model", "reason"), "{{model}} {{reason}}"),),
            stack=True,
        ),
        TimeSeries(
            key="inferences",
            title="Inference throughput",
            description="Inferences each second: a request with a batch of n counts n. It can rise "
            "while requests fall, when clients batch.",
            queries=(Query("inferences", inferences, "{{model}}"),),
            stack=True,
        ),
        TimeSeries(
            key="batch-size",
            title="Mean batch size",
            description="Inferences per execution of the model. At 1 under load, dynamic batching "
            "is off or its delay too short, and throughput is left unused.",
            queries=(Query("batch", counted_as(inferences / executions, COUNT), "{{model}}"),),
        ),
        *_pending(page),
    )


def _latency(page: SourcePage) -> tuple[Panel, ...]:
    parts = (
        ("queue", "queue", metrics.NV_INFERENCE_QUEUE_DURATION_US),
        ("input", "compute input", metrics.NV_INFERENCE_COMPUTE_INPUT_DURATION_US),
        ("infer", "compute infer", metrics.NV_INFERENCE_COMPUTE_INFER_DURATION_US),
        ("output", "compute output", metrics.NV_INFERENCE_COMPUTE_OUTPUT_DURATION_US),
    )
    found: list[Panel] = [
        TimeSeries(
            key="request-time",
            title="Mean request time by model",
            description="Mean time from arrival to the last response of successful requests. A "
            "model that rises alone has longer requests; all rising together share a bottleneck.",
            queries=(
                Query(
                    "mean",
                    _mean(page, metrics.NV_INFERENCE_REQUEST_DURATION_US, "model"),
                    "{{model}}",
                ),
            ),
        ),
        TimeSeries(
            key="phases",
            title="Queue and compute time",
            description="Where a request's time goes, on average, all models together: waiting, "
            "copying inputs, running the model, copying outputs. Queue above infer means too few "
            "instances; input or output above infer, slow copies.",
            queries=tuple(
                Query(key, _mean(page, durations), name) for key, name, durations in parts
            ),
            stack=True,
        ),
        TimeSeries(
            key="queue-by-model",
            title="Queue time by model",
            description="Mean time that requests of each model waited before a backend took them. "
            "Rising, that model needs more instances.",
            queries=(
                Query(
                    "mean",
                    _mean(page, metrics.NV_INFERENCE_QUEUE_DURATION_US, "model"),
                    "{{model}}",
                ),
            ),
        ),
    ]
    return (*found, *_first_response(page))


def _first_response(page: SourcePage) -> Iterator[Panel]:
    name = "time_to_first_token"
    if page.has(name):
        edges = page.distribution(name).canonical_edges
        assert edges is not None  # a histogram has some
        # Triton's own histogram and that of its vLLM backend appear for different reasons.
        needs = " and ".join(need.value for need in page.source.answer_needs(name))
        since = page.source.answered_since(name)
        yield TimeSeries(
            key="first-response",
            title="Time to first response",
            description="From arrival to the first response, of streaming models. It is read off "
            f"{len(edges.values)} buckets, the last of which ends at {max(edges.values):g} s: "
            "quantiles between two edges are estimates, and none is above the last. No data: it "
            f"needs {needs}{f', from {since}' if since else ''}.",
            queries=page.quantiles(name),
        )


def _pending_now(page: SourcePage) -> Iterator[Panel]:
    if page.has("requests_waiting"):
        yield Stat(
            key="pending-now",
            title="Pending",
            description="Requests that wait for a backend. LLM backends take every request at once "
            "and queue inside, so about zero there says nothing.",
            queries=(Query("pending", page.gauge("requests_waiting", "sum")),),
        )


def _pending(page: SourcePage) -> Iterator[Panel]:
    if page.has("requests_waiting"):
        yield TimeSeries(
            key="pending",
            title="Pending requests",
            description="Requests that wait for a backend, by model. A rising line means that "
            "requests come faster than they are served.",
            queries=(
                Query("pending", page.gauge("requests_waiting", "sum", ("model",)), "{{model}}"),
            ),
        )
