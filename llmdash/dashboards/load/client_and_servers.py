"""The client of a run beside the gateway and the engines, which count the same requests.

They are set side by side or subtracted, never added up. The client is asked over the window of the
recordings, so that all sides tell of the same minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.two_sides import BY_MODEL, ENGINES_COLOR, GATEWAY_COLOR
from llmdash.layer import Layer
from llmdash.metrics import load as metrics
from llmdash.promql.expressions import rate, total
from llmdash.promql.nodes import Expr
from llmdash.sources.source import Role

_FIRST = "time_to_first_token"
_CLIENT_COLOR = "green"


@dataclass(frozen=True)
class _Server:
    """One side that served what the client asked."""

    name: str
    page: LayerPage
    color: str

    def p95(self, name: str) -> Query:
        """Return a quantile of each source, with edges of its own."""
        expr = self.page.quantile(name, 0.95, ("source", *BY_MODEL))
        return Query(self.name, expr, f"{{{{model}}}} {self.name} {{{{source}}}}", color=self.color)


def compared_panels(page: SourcePage, layer: Layer) -> Iterator[Panel]:
    """Yield what the servers of a pack say of the requests of a run; nothing without any."""
    servers = (
        _Server("gateway", LayerPage(layer, Role.GATEWAY, BY_MODEL), GATEWAY_COLOR),
        _Server("engine", LayerPage(layer, Role.ENGINE, BY_MODEL), ENGINES_COLOR),
    )
    window = layer.intervals.rate_window

    def client(name: str) -> Query:
        answer = page.distribution(name)
        p95 = answer.quantile(0.95, window, BY_MODEL, page.matchers())
        return Query("client", p95, "{{model}} client", color=_CLIENT_COLOR)

    for name, title in ((_FIRST, "Time to first token"), ("inter_token_latency", "Inter-token")):
        telling = [each for each in servers if each.page.has(name, buckets=True)]
        if telling:
            yield TimeSeries(
                key=f"{name.replace('_', '-')}-of-all",
                title=f"{title} p95, client and servers",
                description=f"p95 of the last {window} as each side has it. Lines that rise "
                "together are the engine's doing; the client's alone, the way or the client. Each "
                "is as exact as the bucket it falls in: client and gateway have the same edges, an "
                "engine has its own. Servers count all their clients, not this run alone.",
                queries=(client(name), *(each.p95(name) for each in telling)),
            )
    telling = [each for each in servers if each.page.has(_FIRST)]
    if telling:
        mean = page.distribution(_FIRST).mean(window, BY_MODEL, page.matchers())
        yield TimeSeries(
            key="unseen-by-servers",
            title="Time to first token that servers do not see",
            description="Mean at the client less mean at each side, by model: the network, "
            "connections, waiting to be sent. It is of means, since quantiles of two histograms "
            "cannot be subtracted. Seconds are a queue before the server, or a client that was "
            "late: see below. Below zero, others ask the server, too.",
            queries=tuple(
                Query(
                    each.name,
                    _less(mean, each.page),
                    f"{{{{model}}}} less {each.name}",
                    color=each.color,
                )
                for each in telling
            ),
        )
    counting = [each for each in servers if each.page.has("requests")]
    if counting:
        yield TimeSeries(
            key="requests-of-all",
            title="Requests at the client and at the servers",
            description=f"Requests that ended each second over the last {window}, on each side. "
            "More at a server: it has other clients. More at the client: they failed before a "
            "server counted them.",
            queries=(
                Query(
                    "client",
                    total(rate(page.select(metrics.LOAD_REQUESTS_TOTAL), window), BY_MODEL),
                    "{{model}} client",
                    color=_CLIENT_COLOR,
                ),
                *(
                    Query(
                        each.name,
                        each.page.counter("requests", BY_MODEL),
                        f"{{{{model}}}} {each.name}",
                        color=each.color,
                    )
                    for each in counting
                ),
            ),
        )


def _less(mean: Expr, server: LayerPage) -> Expr:
    return mean - server.mean(_FIRST, BY_MODEL)
