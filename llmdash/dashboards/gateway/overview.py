"""The gateway at a glance: what clients saw, by class of prompt, model, endpoint and status.

It counts streams at their end, so it is the only honest count of failures of a bare engine.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Annotation, Dashboard, Row
from llmdash.dashboards.events import restart
from llmdash.dashboards.gateway.engines import engine_panels
from llmdash.dashboards.gateway.errors import (
    detail_panels,
    endpoint_errors,
    error_panels,
    error_share,
    error_tiles,
    outcome_share,
    unseen_panel,
)
from llmdash.dashboards.gateway.latency import (
    FELT,
    FELT_SHORT,
    class_details,
    class_panels,
    latency_panels,
    model_panels,
    suffering_panels,
)
from llmdash.dashboards.gateway.limits import sharing_panel
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE, slow_limits
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import OUTCOMES, hue
from llmdash.dashboards.tiles import side_by_side
from llmdash.dashboards.two_sides import TwoSides
from llmdash.layer import Layer
from llmdash.metrics import gateway as metrics
from llmdash.promql.expressions import total
from llmdash.sources.source import Source


def gateway_overview(source: Source, layer: Layer) -> Dashboard:
    """Return the page."""
    page, sides = SourcePage(source), TwoSides.of(layer, source.name)
    return page.dashboard(
        "overview",
        "What clients of the gateway saw: requests, failures and latency, by model and class of "
        "prompt. The closed rows at the end answer what is asked next.",
        rows=(
            Row(key="now", title="Summary", panels=side_by_side(_now(page))),
            Row(key="by-model", title="Who suffers", panels=tuple(suffering_panels(page))),
            Row(key="classes", title="By class of prompt", panels=tuple(class_panels(page))),
            Row(key="errors", title="Errors", panels=(*error_tiles(page), *error_panels(page))),
            Row(
                key="unseen",
                title="What the engine does not see",
                panels=(unseen_panel(page), *sides.added_panel("added-first-token")),
            ),
            Row(key="traffic", title="Traffic", panels=tuple(_traffic(page))),
            *_closed_rows(page, sides),
        ),
        annotations=(_restart(page),),
    )


def _closed_rows(page: SourcePage, sides: TwoSides) -> Iterator[Row]:
    for key, title, panels in (
        ("engines", "Engines behind the gateway", engine_panels(sides)),
        ("latency", "Latency, all models together", latency_panels(page)),
        ("models", "Latency of each model", model_panels(page)),
        ("class-details", "Token and whole latency by class of prompt", class_details(page)),
        (
            "error-details",
            "Errors and refusals in detail",
            (*detail_panels(page), sharing_panel(page)),
        ),
        ("endpoints", "Requests by endpoint", (_endpoints(page), endpoint_errors(page))),
    ):
        yield from row_of(key, title, panels, collapsed=True)


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
    yield Stat(
        key="cancelled-now",
        title="Cancelled",
        description="Share of requests that the client left before they ended. Growing with "
        "latency, users give up waiting; growing without it, a client's time-out is too short.",
        queries=(Query("share", outcome_share(page, "cancelled")),),
    )
    for (name, _), title, meaning in zip(
        FELT,
        FELT_SHORT,
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
        p95 = page.quantile(name, 0.95)
        yield Stat(
            key=f"{name.replace('_', '-')}-now",
            title=title,
            description=meaning,
            queries=(Query("p95", p95),),
            thresholds=slow_limits(name, p95.facts.bounds[1]),
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


def _traffic(page: SourcePage) -> Iterator[Panel]:
    active = page.select(metrics.GATEWAY_ACTIVE_REQUESTS)
    yield TimeSeries(
        key="outcomes",
        title="Requests by outcome",
        description="Requests that ended each second: ok, in an error, or cancelled by the client. "
        "Cancelled growing with latency means that users give up waiting.",
        queries=page.outcomes(),
        colors=OUTCOMES,
        width=8,
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
        width=8,
    )
    yield TimeSeries(
        key="active",
        title="Active requests",
        description="Requests between arrival and last byte, streams and answers in one piece. A "
        "line that climbs while the request rate is flat is a queue behind the gateway. A restart "
        "of the gateway or of an engine cuts the streams short.",
        queries=(
            Query("streams", total(active.where(stream="true")), "streams", color="green"),
            Query("whole", total(active.where(stream="false")), "in one piece", color="blue"),
        ),
        width=8,
        stack=True,
    )


def _endpoints(page: SourcePage) -> Panel:
    return TimeSeries(
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
