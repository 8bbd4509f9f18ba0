"""Whether a run measured the servers or its own client: how late that read and sent."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.policy import CLIENT_LAG
from llmdash.dashboards.source_page import SourcePage
from llmdash.metrics import load as metrics
from llmdash.metrics.metric import Histogram
from llmdash.promql.nodes import Expr
from llmdash.promql.windows import RATE_INTERVAL

#: How late, and what a reader calls it.
_LATE = (
    (metrics.LOAD_READ_LAG_SECONDS, "read"),
    (metrics.LOAD_SEND_DELAY_SECONDS, "sent"),
)


def lag_share(page: SourcePage, metric: Histogram) -> Expr:
    """Return how late the client was (p99), over the median of the time to the first token."""
    late = page.observed(metric).quantile(0.99, RATE_INTERVAL, (), page.matchers())
    return late / page.quantile("time_to_first_token", 0.5)


def trust_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield how late the client was, and how much that is of what it measured."""
    yield TimeSeries(
        key="lag-share",
        title="Client's lateness over TTFT",
        description="p99 of how late the client read and sent, over the median of the first token. "
        "Above 5 % the run is not to be trusted, and says so when it ends (exit 3). With "
        "--concurrency beside --rate, sent late is also the wait for a place, which is no fault.",
        queries=tuple(Query(how, lag_share(page, metric), how) for metric, how in _LATE),
        thresholds=CLIENT_LAG,
    )
    for metric, how, text in (
        (
            *_LATE[0],
            "How late the client would have read what came, sampled every 5 ms: it is in each "
            "latency above. Spikes are other work on its cores; a plateau, more tokens than one "
            "core can take.",
        ),
        (
            *_LATE[1],
            "From when a request was to be sent until it was. Without a bound on what is under "
            "way this is the client's own fault; with one, it is the queue that it makes.",
        ),
    ):
        answer, chosen = page.observed(metric), page.matchers()
        yield TimeSeries(
            key=f"{how}-late",
            title=f"Client {how} late",
            description=text,
            queries=tuple(
                Query(
                    f"p{share * 100:g}",
                    answer.quantile(share, RATE_INTERVAL, (), chosen),
                    f"p{share * 100:g}",
                )
                for share in (0.5, 0.99)
            ),
        )
