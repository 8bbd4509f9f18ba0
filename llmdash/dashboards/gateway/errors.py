"""The gateway's failures: outcomes, statuses, kinds, and requests that never reached an engine."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import BAD, OUTCOMES, STATUS_CLASSES
from llmdash.metrics import gateway as metrics
from llmdash.metrics.metric import Counter
from llmdash.promql.expressions import (
    counted_as,
    joined,
    or_zero,
    rate,
    relabel,
    share_of,
    total,
)
from llmdash.promql.nodes import Expr, Matcher
from llmdash.promql.units import REQUESTS
from llmdash.promql.windows import RATE_INTERVAL


def error_share(page: SourcePage, *by: str) -> Expr:
    """Return failed requests among all, by labels; none counted yet is zero where others are."""
    ended = page.rate(metrics.GATEWAY_REQUESTS_TOTAL, by)
    failed = page.rate(metrics.GATEWAY_REQUESTS_TOTAL, by, outcome="error")
    return share_of(failed, ended)


def of_status(page: SourcePage, pattern: str) -> Expr:
    """Return requests each second with some status codes; none counted yet is zero."""
    chosen = page.select(metrics.GATEWAY_REQUESTS_TOTAL).where(
        Matcher("status_code", "=~", pattern)
    )
    return or_zero(total(rate(chosen, RATE_INTERVAL)), page.counter("requests"))


def born_late(page: SourcePage, metric: Counter) -> Expr:
    """Return requests each second of a counter that appears with its first one; zero before."""
    return or_zero(page.rate(metric), page.counter("requests"))


def error_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield how requests end, and with which status and kind of error."""
    by_outcome, ended = page.counter("requests", ("outcome",)), page.counter("requests")
    yield TimeSeries(
        key="outcome-share",
        title="Share of outcomes",
        description="How requests ended, as shares of all. Errors that widen are the engine's or "
        "the gateway's; cancelled ones that widen are users who give up, mostly for latency.",
        queries=(
            Query(
                "share",
                joined(by_outcome, "/", ended, ignoring=("outcome",), group_left=()),
                "{{outcome}}",
            ),
        ),
        colors=OUTCOMES,
        stack=True,
        minimum=0,
        maximum=1,
    )
    yield TimeSeries(
        key="error-share-by-model",
        title="Error share by model",
        description="Share of each model's requests that ended in an error, errors inside a stream "
        "included. One line alone is that model's engine; all of them, the gateway.",
        queries=(Query("share", error_share(page, "model"), "{{model}}"),),
        minimum=0,
    )
    codes = page.rate(metrics.GATEWAY_REQUESTS_TOTAL, ("status_code",))
    classes = total(relabel(codes, "status_class", "status_code", "(.).*"), ("status_class",))
    yield TimeSeries(
        key="status-classes",
        title="Requests by class of status",
        description="2xx was answered (a stream that broke later too), 4xx refused, 5xx failed. "
        "5xx rising is the engine or the gateway, 4xx rising is a client.",
        queries=(Query("rate", classes, "{{status_class}}xx"),),
        colors=STATUS_CLASSES,
        stack=True,
    )
    refused = page.select(metrics.GATEWAY_REQUESTS_TOTAL).where(
        Matcher("status_code", "=~", "[45]..")
    )
    yield TimeSeries(
        key="status-codes",
        title="Refused and failed by status",
        description="401 and 403: keys; 404: an unknown model or path; 429: limits; 502: the "
        "engine answered badly; 503: it is not ready; 504: it took too long. Nothing drawn means "
        "that none was counted yet.",
        queries=(
            Query("rate", total(rate(refused, RATE_INTERVAL), ("status_code",)), "{{status_code}}"),
        ),
        stack=True,
    )
    yield TimeSeries(
        key="upstream-errors",
        title="Upstream errors by kind",
        description="connect: no connection to the engine, which is down or starts; timeout: no "
        "first byte, or silence; status: it answered 5xx; stream: an error inside a stream, whose "
        "status was 200. Nothing drawn means none yet.",
        queries=(
            Query(
                "rate",
                page.rate(metrics.GATEWAY_UPSTREAM_ERRORS_TOTAL, ("model", "kind")),
                "{{model}} {{kind}}",
            ),
        ),
        stack=True,
    )
    yield TimeSeries(
        key="error-share-by-endpoint",
        title="Error share by endpoint",
        description="Share of each endpoint's requests that ended in an error. One endpoint alone "
        "is a request that the engine does not take; all of them, the engine itself.",
        queries=(
            Query("share", error_share(page, "endpoint", "method"), "{{method}} {{endpoint}}"),
        ),
        minimum=0,
    )


def unseen_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield the requests that no engine counts, or not as what they were."""
    no_connection = page.rate(metrics.GATEWAY_UPSTREAM_ERRORS_TOTAL, kind="connect")
    broken = page.rate(metrics.GATEWAY_UPSTREAM_ERRORS_TOTAL, kind="stream")
    cancelled = page.rate(metrics.GATEWAY_REQUESTS_TOTAL, outcome="cancelled")
    per_second = REQUESTS.per_second
    yield TimeSeries(
        key="unseen",
        title="Requests that no engine tells of",
        description="Refused for their key or by a limit, without connection to the engine, "
        "broken inside a stream, or left by the client: an engine counts them as nothing or as "
        "success. Much here, and the engine's own pages look better than the service is.",
        queries=(
            Query("keys", page.rate(metrics.GATEWAY_AUTH_FAILURES_TOTAL), "refused keys"),
            Query("limits", page.rate(metrics.GATEWAY_RATE_LIMITED_TOTAL), "rate limited"),
            Query("connect", counted_as(no_connection, per_second), "no connection", color=BAD),
            Query("stream", counted_as(broken, per_second), "broken stream"),
            Query("cancelled", cancelled, "cancelled", color=OUTCOMES["cancelled"]),
        ),
        width=24,
        stack=True,
        minimum=0,
    )
    yield TimeSeries(
        key="auth-failures",
        title="Refused keys by reason",
        description="missing: no key was sent, a client that was never set up; invalid: a key that "
        "is not known, changed on one side or guessed. It has no model: a refused request is "
        "not read.",
        queries=(
            Query(
                "rate", page.rate(metrics.GATEWAY_AUTH_FAILURES_TOTAL, ("reason",)), "{{reason}}"
            ),
        ),
        stack=True,
    )
    yield TimeSeries(
        key="rate-limited",
        title="Rate limited by scope",
        description="key: one key asked too often; client: one address did. The second without the "
        "first is traffic without keys, or many users behind one address that is not named as "
        "a trusted proxy.",
        queries=(
            Query("rate", page.rate(metrics.GATEWAY_RATE_LIMITED_TOTAL, ("scope",)), "{{scope}}"),
        ),
        stack=True,
    )
