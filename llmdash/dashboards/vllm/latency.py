"""What vLLM adds to its latency: the time in the engine, and what its API server sees."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.distribution_panels import quantile_lines
from llmdash.dashboards.engine.latency import DESCRIPTION, latency_rows
from llmdash.dashboards.engine.page import engine_dashboard
from llmdash.dashboards.engine.series import distribution_of
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import STATUS_CLASSES
from llmdash.layer import Layer
from llmdash.metrics import fastapi
from llmdash.metrics import vllm as metrics
from llmdash.promql.expressions import share_of
from llmdash.promql.nodes import Expr
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.sources.source import Source

#: What the web server's counters cannot tell, wherever they are shown.
_BLIND = (
    "It knows no model, and the status of a stream is fixed at its first byte: what fails or is "
    "dropped midway stays 2xx."
)


def vllm_latency(source: Source, layer: Layer) -> Dashboard | None:
    """Return the page."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    rows = (
        *latency_rows(page),
        *row_of("api-server", "API server", _api_server(page)),
        *row_of("in-the-engine", "Time in the engine", _inference(page), collapsed=True),
    )
    return engine_dashboard(page, "latency", DESCRIPTION, rows)


def _inference(page: SourcePage) -> Iterator[Panel]:
    inference = metrics.REQUEST_INFERENCE_TIME_SECONDS
    if page.speaks(inference):
        yield TimeSeries(
            key="inference-time",
            title="Time in the engine",
            description="From the last scheduling to the last token, of finished requests: prefill "
            "and decode without the queue. Well below end-to-end latency, requests lose their time "
            "before the engine or in its API process.",
            queries=quantile_lines(page, distribution_of(page, inference), "end_to_end_latency"),
        )


def _api_server(page: SourcePage) -> Iterator[Panel]:
    if not page.speaks(fastapi.HTTP_REQUESTS_TOTAL):
        return
    requests = fastapi.HTTP_REQUESTS_TOTAL
    yield Stat(
        key="http-errors-now",
        title="5xx at the API server",
        description="Share of HTTP requests that were answered with 5xx; the last ones of a "
        f"process that dies are often not scraped. {_BLIND}",
        queries=(Query("share", _share(page, "5xx")),),
        thresholds=ERROR_SHARE,
        height=8,
    )
    yield TimeSeries(
        key="http-error-share",
        title="4xx and 5xx share",
        description="4xx are refused requests (a prompt that is too long, an unknown model or "
        "path), which no other family of vLLM counts; 5xx are the server's own faults. 4xx rising "
        f"after a release is a client that needs a change. {_BLIND}",
        queries=(
            Query("client", _share(page, "4xx"), "4xx", color=STATUS_CLASSES["4xx"]),
            Query("server", _share(page, "5xx"), "5xx", color=STATUS_CLASSES["5xx"]),
        ),
        zoomed=True,
        width=10,
    )
    yield TimeSeries(
        key="http-status",
        title="HTTP requests by status",
        description="Responses each second by kind of status. Requests for health and metrics are "
        "left out. More 2xx than requests that the engine ends over a long time are streams that "
        "clients dropped.",
        queries=(Query("rate", page.rate(requests, ("status",)), "{{status}}"),),
        stack=True,
        colors=STATUS_CLASSES,
        width=10,
    )
    yield TimeSeries(
        key="http-by-path",
        title="HTTP requests by path",
        description="Responses each second by path and status. The path none is any that the "
        "server does not have: a misspelt address or somebody looking for holes.",
        queries=(
            Query("rate", page.rate(requests, ("handler", "status")), "{{handler}} {{status}}"),
        ),
    )
    yield from _durations(page)


def _share(page: SourcePage, status: str) -> Expr:
    whole = page.rate(fastapi.HTTP_REQUESTS_TOTAL)
    some = page.rate(fastapi.HTTP_REQUESTS_TOTAL, status=status)
    # A status is born with its first response: none is zero, as long as others are answered.
    return share_of(some, whole)


def _durations(page: SourcePage) -> Iterator[Panel]:
    fine, coarse = (
        fastapi.HTTP_REQUEST_DURATION_HIGHR_SECONDS,
        fastapi.HTTP_REQUEST_DURATION_SECONDS,
    )
    if page.speaks(fine):
        yield TimeSeries(
            key="http-duration",
            title="HTTP duration, all paths",
            description="From a request's arrival at the web server to the end of its response, "
            "streams included. All paths and models are mixed and buckets end at 60 s, so longer "
            "answers look like 60 s. Above end-to-end latency, time is lost in the API process.",
            queries=quantile_lines(page, distribution_of(page, fine), "end_to_end_latency"),
        )
    if page.speaks(coarse):
        answer = distribution_of(page, coarse)
        by_path = answer.mean(RATE_INTERVAL, ("handler",), page.matchers())
        yield TimeSeries(
            key="http-duration-by-path",
            title="HTTP duration mean by path",
            description="Mean time of a response by path; with three bucket edges, up to 1 s, "
            "quantiles would say nothing. Tokenising and listing models should take milliseconds: "
            "if they do not, the API process is short of CPU.",
            queries=(Query("mean", by_path, "{{handler}}"),),
        )
