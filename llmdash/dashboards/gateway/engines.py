"""The gateway beside the engines behind it, over recordings: what is lost between the two."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.two_sides import BY_MODEL, ENGINES_COLOR, GATEWAY_COLOR, TwoSides

_FIRST = "time_to_first_token"


def engine_panels(sides: TwoSides) -> Iterator[Panel]:
    """Yield what both can tell; nothing where the pack has no engine."""
    if sides.have(_FIRST, buckets=True):
        client = sides.gateway.quantile(_FIRST, 0.95, BY_MODEL)
        engine = sides.engines.quantile(_FIRST, 0.95, ("source", *BY_MODEL))
        yield TimeSeries(
            key="both-first-token",
            title="Time to first token p95, client and engine",
            description="p95 as the client saw it, and as each engine saw it. Lines that rise "
            "together are the engine's doing; the client's alone, a wait outside of it.",
            queries=(
                Query("client", client, "{{model}} client", color=GATEWAY_COLOR),
                Query("engine", engine, "{{model}} {{source}}", color=ENGINES_COLOR),
            ),
        )
    yield from sides.requests_panel("both-requests")
    if sides.have("generation_tokens"):
        yield TimeSeries(
            key="both-tokens",
            title="Tokens at the gateway and at the engines",
            description="Generated tokens each second on either side. The engines above for long: "
            "answers are written for clients that have left, or traffic goes past the gateway. "
            "The gateway counts at the end of an answer, so it lags.",
            queries=sides.lines(lambda side: side.counter("generation_tokens", BY_MODEL)),
        )
