"""What a run offered and what came of it: requests, failures, tokens and bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import OUTCOMES, PLAIN, hue
from llmdash.metrics import load as metrics
from llmdash.promql.expressions import share_of
from llmdash.promql.nodes import Expr


def offered(page: SourcePage, by: Sequence[str] = ()) -> Expr:
    """Return the rate of requests whose time had come."""
    return page.rate(metrics.LOAD_REQUESTS_OFFERED_TOTAL, by)


def failed_share(page: SourcePage) -> Expr:
    """Return failed requests among all that ended; none counted yet is zero."""
    ended = page.rate(metrics.LOAD_REQUESTS_TOTAL)
    return share_of(page.rate(metrics.LOAD_REQUESTS_TOTAL, outcome="error"), ended)


def traffic_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield what was offered, what was answered, how much was under way, and what failed."""
    yield TimeSeries(
        key="offered-and-answered",
        title="Offered, sent and answered",
        description="Requests each second: whose time had come, that were sent, that ended well. "
        "Sent below offered, a bound holds them back (--concurrency) and their waiting counts; "
        "answered below sent for long, the server cannot keep up.",
        queries=(
            Query("offered", offered(page), "offered", color=PLAIN),
            Query("sent", page.rate(metrics.LOAD_REQUESTS_SENT_TOTAL), "sent", color="blue"),
            Query(
                "answered",
                page.rate(metrics.LOAD_REQUESTS_TOTAL, outcome="ok"),
                "answered",
                color=OUTCOMES["ok"],
            ),
        ),
        width=8,
    )
    yield TimeSeries(
        key="active",
        title="In flight",
        description="Requests sent and not ended, by model. A line that climbs while the offered "
        "rate is flat is a queue that grows for as long as the run lasts; one that is flat at a "
        "bound is a closed loop, or a concurrency that was reached.",
        queries=(Query("active", page.gauge("requests_running", "sum", ("model",)), "{{model}}"),),
        width=8,
    )
    yield TimeSeries(
        key="failures",
        title="Failures by kind",
        description="Requests that failed each second, by what went wrong; nothing is tried again. "
        "A status is the server's answer (429 and 503 are limits), a timeout its silence, and "
        "broken off a connection or an answer that ended too early.",
        queries=(Query("rate", page.rate(metrics.LOAD_FAILURES_TOTAL, ("kind",)), "{{kind}}"),),
        width=8,
        stack=True,
    )


def amount_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield how many tokens were asked for and came, and how many bytes passed."""
    yield TimeSeries(
        key="tokens",
        title="Tokens offered and got",
        description="Tokens each second: of prompts and answers as planned for what was offered, "
        "and as the server counted them when an answer ended. Answers got below those offered, "
        "they fail, end early, or have not ended yet.",
        queries=(
            *(
                Query(
                    f"{part}-offered",
                    page.rate(metrics.LOAD_TOKENS_OFFERED_TOTAL, part=part),
                    f"{part} offered",
                    color=f"light-{hue(signal)}",
                )
                for part, signal in zip(
                    metrics.PARTS, ("prompt_tokens", "generation_tokens"), strict=True
                )
            ),
            Query(
                "prompt", page.counter("prompt_tokens"), "prompt got", color=hue("prompt_tokens")
            ),
            Query(
                "answer",
                page.counter("generation_tokens"),
                "answer got",
                color=hue("generation_tokens"),
            ),
        ),
        width=8,
    )
    yield TimeSeries(
        key="time-per-output-token",
        title="Time per output token",
        description="Each request's own mean time of a token after the first. Far below the "
        "quantiles of the time between tokens, streams stutter: most gaps are short and some long.",
        queries=page.quantiles("time_per_output_token"),
        width=8,
    )
    yield TimeSeries(
        key="bytes",
        title="Bytes sent and received",
        description="Bytes of HTTP each second, with heads, as the client counted them. Received "
        "near the speed of the network, that is what is measured.",
        queries=(
            Query("sent", page.rate(metrics.LOAD_BYTES_SENT_TOTAL), "sent", color="blue"),
            Query(
                "received", page.rate(metrics.LOAD_BYTES_RECEIVED_TOTAL), "received", color="green"
            ),
        ),
        width=8,
    )
