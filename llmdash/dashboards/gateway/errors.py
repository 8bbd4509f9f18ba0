"""The gateway's failures: outcomes, statuses, kinds, and requests that never reached an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmdash.dashboards.panels import (
    Column,
    LabelColumn,
    Panel,
    Query,
    Stat,
    Table,
    TimeSeries,
)
from llmdash.dashboards.policy import ERROR_SHARE
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import BAD, OUTCOMES, STATUS_CLASSES, WARNING
from llmdash.metrics import gateway as metrics
from llmdash.promql.expressions import (
    call,
    counted_as,
    increase,
    joined,
    not_equal,
    or_zero,
    rate,
    relabel,
    share_of,
    total,
)
from llmdash.promql.nodes import Expr, Matcher, Selector
from llmdash.promql.units import REQUESTS
from llmdash.promql.windows import RANGE, RATE_INTERVAL

#: The status of a request whose client left before it was answered: nobody refused it.
CLIENT_LEFT = "499"
_REFUSED = (Matcher("status_code", "=~", "4.."), not_equal("status_code", CLIENT_LEFT))
_FAILED = (Matcher("status_code", "=~", "5.."),)

#: What went wrong with the engine behind; yellow is left to clients that cancel.
UPSTREAM_ERRORS: Mapping[str, str] = {
    "connect": BAD,
    "timeout": WARNING,
    "status": "purple",
    "stream": "blue",
}


def outcome_share(page: SourcePage, outcome: str, *by: str) -> Expr:
    """Return requests of an outcome among all, by labels; none yet is zero where others are."""
    ended = page.rate(metrics.GATEWAY_REQUESTS_TOTAL, by)
    chosen = page.rate(metrics.GATEWAY_REQUESTS_TOTAL, by, outcome=outcome)
    return share_of(chosen, ended)


def error_share(page: SourcePage, *by: str) -> Expr:
    """Return failed requests among all, by labels; none counted yet is zero where others are."""
    return outcome_share(page, "error", *by)


def _ended(page: SourcePage, *status: Matcher) -> Selector:
    return page.select(metrics.GATEWAY_REQUESTS_TOTAL).where(*status)


def _in_range(page: SourcePage, chosen: Selector) -> Expr:
    """Return a counter's increase over the time on screen; one not born yet is zero."""
    counted, ended = _whole(chosen), page.increase(metrics.GATEWAY_REQUESTS_TOTAL)
    return or_zero(counted, ended)


def _whole(chosen: Selector, *by: str) -> Expr:
    # What is extrapolated to the ends of the range is no whole number, what was counted is.
    return call("round", total(increase(chosen, RANGE), by))


def error_tiles(page: SourcePage) -> Iterator[Panel]:
    """Yield how many requests were not answered within the time on screen, and why not."""
    limited, keys = metrics.GATEWAY_RATE_LIMITED_TOTAL, metrics.GATEWAY_AUTH_FAILURES_TOTAL
    for key, title, description, chosen in (
        (
            "server-errors-now",
            "Failed with 5xx",
            "Requests answered with a 5xx status within the time on screen. A stream that breaks "
            "after its first byte has 200 and is not in it, but in Errors.",
            _ended(page, *_FAILED),
        ),
        (
            "client-errors-now",
            "Refused with 4xx",
            "Requests answered with a 4xx status within the time on screen: keys, limits, unknown "
            "models, malformed ones. Without 499: there the client left. A jump is one client's "
            "new release, or its key.",
            _ended(page, *_REFUSED),
        ),
        (
            "rate-limited-now",
            "Rate limited",
            "Requests refused within the time on screen because a key or an address asked too "
            "often. Many are a client without back-off, or a limit that is too low.",
            page.select(limited),
        ),
        (
            "auth-failures-now",
            "Refused keys",
            "Requests within the time on screen without a key or with a wrong one. Many are a key "
            "that was changed on one side only, or somebody who guesses.",
            page.select(keys),
        ),
    ):
        yield Stat(
            key=key,
            title=f"{title}, in range",
            description=f"{description} A counter begins with its first one, which is not seen.",
            queries=(Query("total", _in_range(page, chosen)),),
            width=6,
            height=3,
        )


def error_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield with which status and kind of error requests end, and whose they are."""
    yield TimeSeries(
        key="status-codes",
        title="Not answered, by status",
        description="Failed: 502, the engine answered badly; 503, it is not ready; 504, it took "
        "too long. Refused: 401 and 403, keys; 404, an unknown model or path; 429, limits. 499: "
        "the client left. Nothing drawn means that none was counted yet.",
        queries=(
            *(
                Query(
                    word,
                    total(rate(_ended(page, *status), RATE_INTERVAL), ("status_code",)),
                    f"{{{{status_code}}}} {word}",
                    color=STATUS_CLASSES[of],
                )
                for word, status, of in (("failed", _FAILED, "5xx"), ("refused", _REFUSED, "4xx"))
            ),
            _clients_left(page),
        ),
        stack=True,
    )
    upstream = page.rate(metrics.GATEWAY_UPSTREAM_ERRORS_TOTAL, ("kind",))
    yield TimeSeries(
        key="upstream-errors",
        title="Upstream errors by kind",
        description="connect: no connection to the engine, which is down or starts; timeout: no "
        "first byte, or silence; status: it answered 5xx; stream: an error inside a stream, whose "
        "status was 200. Nothing drawn means none yet.",
        queries=(Query("rate", upstream, "{{kind}}"),),
        colors=UPSTREAM_ERRORS,
        stack=True,
    )
    yield _upstream_table(page)


def _clients_left(page: SourcePage) -> Query:
    left = page.rate(metrics.GATEWAY_REQUESTS_TOTAL, status_code=CLIENT_LEFT)
    return Query("cancelled", left, f"{CLIENT_LEFT} cancelled", color=OUTCOMES["cancelled"])


def _upstream_table(page: SourcePage) -> Panel:
    """Return whose engine it is, and what went wrong with it."""
    errors = page.select(metrics.GATEWAY_UPSTREAM_ERRORS_TOTAL)
    chosen = {kind: errors.where(kind=kind) for kind in UPSTREAM_ERRORS}
    return Table(
        key="upstream-by-model",
        title="Upstream errors by model, in range",
        description="Errors of the engines behind each model within the time on screen, by kind "
        "as in the graph. One model alone is its engine; all of them, the network or a host. An "
        "empty cell is a kind that was never counted.",
        queries=tuple(
            Query(key, _whole(selector, "model"))
            for key, selector in {"all": errors, **chosen}.items()
        ),
        by=(LabelColumn("model", "Model"),),
        columns=tuple(Column(key, key.capitalize()) for key in ("all", *UPSTREAM_ERRORS)),
        sort_by="All",
        no_value="none yet",
        height=5,
    )


def detail_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield what is asked next: failures as shares and by class of status, refusals by reason."""
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
    others = _ended(page, not_equal("status_code", CLIENT_LEFT))
    codes = total(rate(others, RATE_INTERVAL), ("status_code",))
    classes = total(relabel(codes, "status_class", "status_code", "(.).*"), ("status_class",))
    yield TimeSeries(
        key="status-classes",
        title="Requests by class of status",
        description="2xx was answered (a stream that broke later too), 4xx refused, 5xx failed; "
        "at 499 the client left. 5xx rising is the engine or the gateway, 4xx rising is a client.",
        queries=(Query("rate", classes, "{{status_class}}xx"), _clients_left(page)),
        colors=STATUS_CLASSES,
        stack=True,
    )
    for key, title, description, metric, label in (
        (
            "auth-failures",
            "Refused keys by reason",
            "missing: no key was sent, a client that was never set up; invalid: a key that is not "
            "known, changed on one side or guessed. It has no model: a refused request is not "
            "read.",
            metrics.GATEWAY_AUTH_FAILURES_TOTAL,
            "reason",
        ),
        (
            "rate-limited",
            "Rate limited by scope",
            "key: one key asked too often; client: one address did. The second without the first "
            "is traffic without keys, or many users behind one address that is not named as a "
            "trusted proxy.",
            metrics.GATEWAY_RATE_LIMITED_TOTAL,
            "scope",
        ),
    ):
        yield TimeSeries(
            key=key,
            title=title,
            description=description,
            queries=(
                Query(
                    "rate",
                    page.rate(metric, (label,)),
                    f"{{{{{label}}}}}",
                    color=STATUS_CLASSES["4xx"],
                ),
            ),
            stack=True,
        )


def endpoint_errors(page: SourcePage) -> Panel:
    """Return which endpoint fails."""
    return TimeSeries(
        key="error-share-by-endpoint",
        title="Error share by endpoint",
        description="Share of each endpoint's requests that ended in an error. One endpoint alone "
        "is a request that the engine does not take; all of them, the engine itself.",
        queries=(
            Query("share", error_share(page, "endpoint", "method"), "{{method}} {{endpoint}}"),
        ),
        thresholds=ERROR_SHARE,
        zoomed=True,
    )


def unseen_panel(page: SourcePage) -> Panel:
    """Return the requests that no engine counts, or not as what they were."""
    no_connection = page.rate(metrics.GATEWAY_UPSTREAM_ERRORS_TOTAL, kind="connect")
    broken = page.rate(metrics.GATEWAY_UPSTREAM_ERRORS_TOTAL, kind="stream")
    cancelled = page.rate(metrics.GATEWAY_REQUESTS_TOTAL, outcome="cancelled")
    refused = page.rate(metrics.GATEWAY_AUTH_FAILURES_TOTAL)
    limited = page.rate(metrics.GATEWAY_RATE_LIMITED_TOTAL)
    per_second = REQUESTS.per_second
    return TimeSeries(
        key="unseen",
        title="Requests that no engine tells of",
        description="Refused for their key or by a limit, without connection to the engine, "
        "broken inside a stream, or left by the client: an engine counts them as nothing or as "
        "success. Much here, and the engine's own pages look better than the service is.",
        queries=(
            Query(
                "connect",
                counted_as(no_connection, per_second),
                "no connection",
                color=UPSTREAM_ERRORS["connect"],
            ),
            Query(
                "stream",
                counted_as(broken, per_second),
                "broken stream",
                color=UPSTREAM_ERRORS["stream"],
            ),
            Query("keys", refused, "refused keys", color=STATUS_CLASSES["4xx"]),
            Query("limits", limited, "rate limited", color=f"light-{STATUS_CLASSES['4xx']}"),
            Query("cancelled", cancelled, "cancelled", color=OUTCOMES["cancelled"]),
        ),
        stack=True,
        minimum=0,
    )
