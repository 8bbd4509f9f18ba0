"""Latency and throughput over offered load: where the curves bend is what a server can take."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.load.traffic import offered
from llmdash.dashboards.panels import Panel, Query
from llmdash.dashboards.scatter import Scatter
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import OUTCOMES, shade
from llmdash.metrics import load as metrics

_BELOW = "offered requests each second"


def knee_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield what became of the load at each rate that was offered in the time on screen."""
    below = Query("offered", offered(page), _BELOW)
    for name, title, text in (
        (
            "time_to_first_token",
            "Time to first token over offered load",
            "A point for each moment on screen, at the rate that was offered then. Flat, and from "
            "some rate on steep: that bend, the knee, is what the server can take. Run several "
            "rates (or --ramp-up, or sinusoidal arrivals) to see it; one rate is one heap.",
        ),
        (
            "end_to_end_latency",
            "End-to-end latency over offered load",
            "The same of whole answers. A knee at a lower rate than the first token's: decoding is "
            "the limit, batches are full; at the same rate, requests queue before they are begun.",
        ),
    ):
        yield Scatter(
            key=f"{name.replace('_', '-')}-over-load",
            title=title,
            description=text,
            queries=(
                below,
                *(
                    Query(
                        f"p{share * 100:g}",
                        page.quantile(name, share),
                        f"p{share * 100:g}",
                        color=shade(name, share),
                    )
                    for share in (0.5, 0.95)
                ),
            ),
            width=8,
        )
    yield Scatter(
        key="answered-over-load",
        title="Answered over offered load",
        description="Requests that ended well each second over those offered. On the diagonal the "
        "server keeps up; where points leave it to the right, more is offered than is answered, "
        "and the latency beside it is that of a queue that grows.",
        queries=(
            below,
            Query(
                "answered",
                page.rate(metrics.LOAD_REQUESTS_TOTAL, outcome="ok"),
                "answered requests each second",
                color=OUTCOMES["ok"],
            ),
        ),
        width=8,
    )
