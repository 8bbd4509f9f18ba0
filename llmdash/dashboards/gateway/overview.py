"""The gateway at a glance: what clients saw, by class of prompt, model, endpoint and status.

It counts streams at their end, so it is the only honest count of failures of a bare engine.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Annotation, Dashboard, Row
from llmdash.dashboards.events import restart
from llmdash.dashboards.gateway.engines import engine_panels
from llmdash.dashboards.gateway.errors import (
    born_late,
    error_panels,
    error_share,
    of_status,
    unseen_panels,
)
from llmdash.dashboards.gateway.latency import FELT, class_panels, latency_panels, model_panels
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import OUTCOMES, hue
from llmdash.layer import Layer
from llmdash.metrics import gateway as metrics
from llmdash.promql.expressions import total
from llmdash.sources.source import Source


def gateway_overview(source: Source, layer: Layer) -> Dashboard:
    """Return the page."""
    page = SourcePage(source)
    return page.dashboard(
        "overview",
        "What clients of the gateway saw: requests, failures and latency, by class of prompt, "
        "model, endpoint and status.",
        rows=(
            Row(key="now", title="Summary", panels=tuple(_now(page))),
            Row(key="classes", title="By class of prompt", panels=tuple(class_panels(page))),
            Row(
                key="latency",
                title="Latency, all models together",
                panels=tuple(latency_panels(page)),
            ),
            Row(key="errors", title="Errors", panels=tuple(error_panels(page))),
            Row(
                key="unseen",
                title="What the engine does not see",
                panels=tuple(unseen_panels(page)),
            ),
            Row(key="traffic", title="Traffic", panels=tuple(_traffic(page))),
            *row_of("engines", "Engines behind the gateway", engine_panels(page, layer)),
            *row_of("models", "Latency by model", model_panels(page), collapsed=True),
        ),
        annotations=(_restart(page),),
    )


def _restart(page: SourcePage) -> Annotation:
    text = "The gateway's process started; streams that it carried were cut."
    return restart(page, "gateway-restart", "Gateway restart", text)


def _now(page: SourcePage) -> Iterator[Panel]:
    yield Stat(
        key="requests-now",
        title="Requests",
        description="Requests that ended each second, whatever came of them. Streams count at "
        "their end, so zero with active requests means that none gets finished.",
        queries=(Query("rate", page.counter("requests")),),
        graph=True,
    )
    yield Stat(
        key="error-share-now",
        title="Errors",
        description="Share of requests that ended in an error, errors inside a stream included. "
        "Requests that the client cancelled are none. Look below for who suffers and which kind.",
        queries=(Query("share", error_share(page)),),
        thresholds=ERROR_SHARE,
    )
    for (name, title), meaning in zip(
        FELT,
        (
            "95 of 100 streams began within this time, as the client saw it. Above the engine's "
            "own figure, the time goes in the gateway or the network before it.",
            "95 of 100 gaps between two pieces of a stream were at most this long. A rise that "
            "the engine does not show is a gateway short of CPU, or slow clients.",
            "95 of 100 requests ended within this time, from arrival to last byte. It follows the "
            "length of answers first, the load second.",
        ),
        strict=True,
    ):
        yield Stat(
            key=f"{name.replace('_', '-')}-now",
            title=f"{title} p95",
            description=meaning,
            queries=(Query("p95", page.quantile(name, 0.95)),),
        )
    yield Stat(
        key="tokens-now",
        title="Tokens generated",
        description="Tokens written each second, as the engine reports them when an answer ends, "
        "so long streams show late. Zero with streams in flight: nothing has ended yet.",
        queries=(Query("rate", page.counter("generation_tokens")),),
        graph=True,
    )
    yield Stat(
        key="active-now",
        title="Active",
        description="Requests between arrival and last byte. Growing at an equal request rate, "
        "they take longer; compare with the engine's running and waiting.",
        queries=(Query("active", page.gauge("requests_running", "sum")),),
    )
    yield Stat(
        key="streams-now",
        title="Streams in flight",
        description="Active requests whose answer is streamed. A restart of the gateway or of an "
        "engine now cuts this many answers short.",
        queries=(
            Query(
                "streams", total(page.select(metrics.GATEWAY_ACTIVE_REQUESTS).where(stream="true"))
            ),
        ),
    )
    yield from _refusals_now(page)


def _refusals_now(page: SourcePage) -> Iterator[Panel]:
    yield Stat(
        key="server-errors-now",
        title="5xx",
        description="Share of requests answered with a 5xx status. A stream that breaks after its "
        "first byte has 200 and is not in it, but in Errors.",
        queries=(Query("share", of_status(page, "5..") / page.counter("requests")),),
        thresholds=ERROR_SHARE,
    )
    yield Stat(
        key="client-errors-now",
        title="4xx",
        description="Share of requests answered with a 4xx status: refused keys, limits, unknown "
        "models, requests that are malformed. A jump is one client's new release, or its key.",
        queries=(Query("share", of_status(page, "4..") / page.counter("requests")),),
    )
    yield Stat(
        key="rate-limited-now",
        title="Rate limited",
        description="Requests refused each second because a key or an address asked too often. "
        "Steady refusals are a client without back-off, or a limit that is too low.",
        queries=(Query("rate", born_late(page, metrics.GATEWAY_RATE_LIMITED_TOTAL)),),
    )
    yield Stat(
        key="auth-failures-now",
        title="Refused keys",
        description="Requests each second without a key or with a wrong one. A burst is a key "
        "that was changed on one side only, or somebody who guesses.",
        queries=(Query("rate", born_late(page, metrics.GATEWAY_AUTH_FAILURES_TOTAL)),),
    )


def _traffic(page: SourcePage) -> Iterator[Panel]:
    active = page.select(metrics.GATEWAY_ACTIVE_REQUESTS)
    yield TimeSeries(
        key="outcomes",
        title="Requests by outcome",
        description="Requests that ended each second: ok, in an error, or cancelled by the client. "
        "Cancelled growing with latency means that users give up waiting.",
        queries=page.outcomes(),
        colors=OUTCOMES,
        stack=True,
    )
    yield TimeSeries(
        key="models",
        title="Requests by model",
        description="Requests that ended each second, by the model asked for; one that is not "
        "served is called other. A line that falls alone has lost its clients or its engine.",
        queries=(Query("rate", page.counter("requests", ("model",)), "{{model}}"),),
        stack=True,
    )
    yield TimeSeries(
        key="endpoints",
        title="Requests by endpoint and method",
        description="Requests that ended each second, by path and method. A path nobody should "
        "ask is a wrong base address in a client, or a scanner.",
        queries=(
            Query(
                "rate",
                page.rate(metrics.GATEWAY_REQUESTS_TOTAL, ("endpoint", "method")),
                "{{method}} {{endpoint}}",
            ),
        ),
        stack=True,
    )
    yield TimeSeries(
        key="tokens",
        title="Token throughput",
        description="Prompt and generated tokens each second, counted when an answer ends. Prompt "
        "tokens growing without requests mean longer prompts, and so dearer ones.",
        queries=(
            Query("prompt", page.counter("prompt_tokens"), "prompt", color=hue("prompt_tokens")),
            Query(
                "generation",
                page.counter("generation_tokens"),
                "generation",
                color=hue("generation_tokens"),
            ),
        ),
    )
    yield TimeSeries(
        key="active",
        title="Active requests",
        description="Requests between arrival and last byte, streams and answers in one piece. A "
        "line that climbs while the request rate is flat is a queue behind the gateway.",
        queries=(
            Query("streams", total(active.where(stream="true")), "streams", color="green"),
            Query("whole", total(active.where(stream="false")), "in one piece", color="blue"),
        ),
        stack=True,
    )
    yield TimeSeries(
        key="active-by-model",
        title="Active requests by model",
        description="Requests between arrival and last byte, by model. One line that climbs alone "
        "is that model's engine falling behind.",
        queries=(Query("active", page.gauge("requests_running", "sum", ("model",)), "{{model}}"),),
    )
