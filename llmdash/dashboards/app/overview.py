"""An app that embeds an engine, at a glance: its five families, by endpoint."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.events import engine_events
from llmdash.dashboards.panels import Heatmap, Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE, QUANTILES
from llmdash.dashboards.source_page import SourcePage, percent
from llmdash.dashboards.style import OUTCOMES, PLAIN, hue, shade
from llmdash.layer import Layer
from llmdash.metrics import app as metrics
from llmdash.promql.expressions import mean_of, quantile, rate, share_of, total
from llmdash.promql.nodes import Expr, Selector
from llmdash.promql.rewrite import narrowed_selector
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.sources.source import Source

_BY_ENDPOINT = ("endpoint",)
_ENDPOINT = "{{endpoint}}"
#: How the app calls the outcomes; those that are usually zero are at the bottom of a stack.
_STATUSES = {
    "error": OUTCOMES["error"],
    "cancelled": OUTCOMES["cancelled"],
    "success": OUTCOMES["ok"],
}
#: The body of a request is its prompt, and is drawn as one.
_SIZE = "prompt_length"


def app_overview(source: Source, layer: Layer) -> Dashboard:
    """Return the page."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    return page.dashboard(
        "overview",
        "Requests, failures, durations, tokens and sizes of an app that answers by itself, by "
        "endpoint.",
        rows=(
            Row(key="now", title="Summary", panels=tuple(_now(page))),
            Row(key="traffic", title="Traffic", panels=tuple(_traffic(page))),
            Row(key="duration", title="Duration", panels=tuple(_duration(page))),
            Row(key="size", title="Size of requests", panels=tuple(_size(page))),
        ),
        annotations=tuple(engine_events(page)),
    )


def _error_share(page: SourcePage, *by: str) -> Expr:
    """Return failed requests among all; none counted yet is zero where others are."""
    ended = page.rate(metrics.LLM_REQUESTS_TOTAL, by)
    failed = page.rate(metrics.LLM_REQUESTS_TOTAL, by, status="error")
    return share_of(failed, ended)


def _now(page: SourcePage) -> Iterator[Panel]:
    yield Stat(
        key="requests-now",
        title="Requests",
        description="Requests that ended each second, whatever came of them. Zero with active "
        "requests means that nothing gets finished.",
        queries=(Query("rate", page.rate(metrics.LLM_REQUESTS_TOTAL)),),
        graph=True,
    )
    yield Stat(
        key="error-share-now",
        title="Errors",
        description="Share of requests that ended in an error; cancelled ones are none. An app "
        "that counts streams at their first byte hides errors inside them: ours counts at the end.",
        queries=(Query("share", _error_share(page)),),
        thresholds=ERROR_SHARE,
    )
    yield Stat(
        key="duration-now",
        title="Duration p95",
        description="95 of 100 requests took at most this long, from arrival to last byte. It "
        "grows with the length of answers, so read it beside tokens per request.",
        queries=(Query("p95", page.quantile("end_to_end_latency", 0.95)),),
    )
    yield Stat(
        key="tokens-now",
        title="Tokens generated",
        description="Tokens written each second. Falling while requests are active, the engine "
        "inside the app slows down or stands still.",
        queries=(Query("rate", page.counter("generation_tokens")),),
        graph=True,
    )
    yield Stat(
        key="active-now",
        title="Active",
        description="Requests between arrival and last byte. Growing at an equal request rate, "
        "requests take longer than they did.",
        queries=(Query("active", page.gauge("requests_running", "sum")),),
    )
    yield Stat(
        key="up-now",
        title="Targets up",
        description="Processes of the app that answer the scrape. Fewer than you run: some are "
        "down, or blocked by a model that holds the interpreter.",
        queries=(Query("up", page.gauge("up", "sum")),),
    )


def _traffic(page: SourcePage) -> Iterator[Panel]:
    yield TimeSeries(
        key="outcomes",
        title="Requests by outcome",
        description="Requests that ended each second: ok, in an error, or cancelled by the client. "
        "Cancelled growing with duration means that users give up waiting.",
        queries=page.outcomes(),
        colors=OUTCOMES,
        stack=True,
    )
    yield TimeSeries(
        key="requests",
        title="Requests by endpoint and status",
        description="Requests that ended each second, for each endpoint and status. An error line "
        "of one endpoint is its own fault; of all of them, the engine's or the machine's.",
        queries=tuple(
            Query(
                status,
                page.rate(metrics.LLM_REQUESTS_TOTAL, _BY_ENDPOINT, status=status),
                f"{_ENDPOINT} {status}",
                color=color,
            )
            for status, color in _STATUSES.items()
        ),
        stack=True,
    )
    yield TimeSeries(
        key="error-share",
        title="Error share by endpoint",
        description="Share of each endpoint's requests that ended in an error. A step up at a "
        "restart is a new release; one that grows with the load is too little memory.",
        queries=(Query("share", _error_share(page, "endpoint"), _ENDPOINT),),
        thresholds=ERROR_SHARE,
        zoomed=True,
    )
    yield TimeSeries(
        key="active",
        title="Active requests by endpoint",
        description="Requests between arrival and last byte. A line that climbs and never falls "
        "back is a stall, or requests that the app forgot to count out.",
        queries=(
            Query(
                "active", total(page.select(metrics.LLM_ACTIVE_REQUESTS), _BY_ENDPOINT), _ENDPOINT
            ),
        ),
        stack=True,
    )
    yield TimeSeries(
        key="tokens",
        title="Tokens generated by endpoint",
        description="Tokens written each second for each endpoint. Flat while active requests "
        "grow, the engine inside is at its limit.",
        queries=(
            Query("rate", page.rate(metrics.LLM_TOKENS_GENERATED_TOTAL, _BY_ENDPOINT), _ENDPOINT),
        ),
        stack=True,
    )
    yield TimeSeries(
        key="tokens-per-request",
        title="Mean tokens per request",
        description="Tokens written over requests that ended, failed ones included. Longer answers "
        "explain longer durations; near zero under load, requests fail before they write.",
        queries=(
            Query(
                "mean",
                mean_of(
                    page.rate(metrics.LLM_TOKENS_GENERATED_TOTAL, _BY_ENDPOINT),
                    page.rate(metrics.LLM_REQUESTS_TOTAL, _BY_ENDPOINT),
                ),
                _ENDPOINT,
            ),
        ),
        minimum=0,
    )


def _duration(page: SourcePage) -> Iterator[Panel]:
    answer, chosen = page.distribution("end_to_end_latency"), page.matchers()
    by_endpoint = answer.quantile(0.95, RATE_INTERVAL, _BY_ENDPOINT, chosen)
    yield TimeSeries(
        key="duration",
        title="Request duration",
        description="From arrival to last byte, all endpoints together. p99 leaving p50 behind "
        "means that some requests wait or write much; all rising together, that every one does. "
        "A gap means no traffic.",
        queries=page.quantiles("end_to_end_latency"),
        width=8,
    )
    yield TimeSeries(
        key="duration-by-endpoint",
        title="Duration p95 by endpoint",
        description="95 of 100 requests of an endpoint took at most this long. Compare an endpoint "
        "with its own past, not with others, which write answers of another length.",
        queries=(Query("p95", by_endpoint, _ENDPOINT),),
        width=8,
    )
    yield Heatmap(
        key="duration-heatmap",
        title="Durations",
        description="How many requests of which duration end each second. Two bands are two kinds "
        "of request; a band at the top that ends sharply is a time-out.",
        queries=(Query("buckets", answer.bucket_rates(RATE_INTERVAL, (), chosen)),),
        width=8,
    )


def _size(page: SourcePage) -> Iterator[Panel]:
    sizes = page.source.dialect.spoken(metrics.LLM_REQUEST_SIZE_BYTES)
    buckets = _per_second(page, sizes.bucket(), "le")
    lines = [
        Query(percent(share), quantile(share, buckets), percent(share), color=shade(_SIZE, share))
        for share in QUANTILES
    ]
    yield TimeSeries(
        key="size",
        title="Request size",
        description="Bytes of the request's body, which is mostly its prompt. Sizes that grow make "
        "requests slower without any fault of the app; a p99 at the last edge is something "
        "other than text.",
        queries=(*lines, Query("mean", _mean_size(page), "mean", color=PLAIN)),
        width=8,
    )
    yield TimeSeries(
        key="size-by-endpoint",
        title="Mean request size by endpoint",
        description="Bytes of a request's body on average, for each endpoint. One that grows from "
        "hour to hour is a chat whose clients send the whole history each time.",
        queries=(Query("mean", _mean_size(page, "endpoint"), _ENDPOINT, color=hue(_SIZE)),),
        width=8,
    )
    yield Heatmap(
        key="size-heatmap",
        title="Request sizes",
        description="How many requests of which size end each second. A second band far above the "
        "first is a client that sends documents or images.",
        queries=(Query("buckets", buckets),),
        width=8,
    )


def _per_second(page: SourcePage, part: Selector, *by: str) -> Expr:
    """Return the rate of one part of the sizes' histogram, as chosen; no signal asks for sizes."""
    own = part.where(*page.source.dialect.matchers(part))
    return total(rate(narrowed_selector(own, *page.matchers()), RATE_INTERVAL), by)


def _mean_size(page: SourcePage, *by: str) -> Expr:
    sizes = page.source.dialect.spoken(metrics.LLM_REQUEST_SIZE_BYTES)
    return mean_of(_per_second(page, sizes.sum(), *by), _per_second(page, sizes.count(), *by))
