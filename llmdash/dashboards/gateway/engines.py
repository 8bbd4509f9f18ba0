"""The gateway beside the engines behind it, over recordings: what is lost between the two."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.layer import Layer
from llmdash.sources.source import Role

_FIRST = "time_to_first_token"
_BY_MODEL = ("model",)


def engine_panels(page: SourcePage, layer: Layer) -> Iterator[Panel]:
    """Yield what both can tell; nothing where the pack has no engine."""
    gateway = LayerPage(layer, Role.GATEWAY, _BY_MODEL, page.source.name)
    engines = LayerPage(layer, Role.ENGINE, _BY_MODEL)
    if engines.has(_FIRST):
        yield TimeSeries(
            key="added-first-token",
            title="Time to first token that the engine does not see",
            description="Mean at the gateway less mean at the engines, for each model both know by "
            "one name: network, gateway, and connections that wait. Some milliseconds are "
            "normal; seconds are a queue before the engine. The engine counts answers in one "
            "piece too, so small negative values occur.",
            queries=(
                Query(
                    "added",
                    gateway.mean(_FIRST, _BY_MODEL) - engines.mean(_FIRST, _BY_MODEL),
                    "{{model}}",
                ),
            ),
        )
    if engines.has(_FIRST, buckets=True):
        yield TimeSeries(
            key="both-first-token",
            title="Time to first token p95, client and engine",
            description="p95 as the client saw it, and as each engine saw it. Lines that rise "
            "together are the engine's doing; the client's alone, a wait outside of it.",
            queries=(
                Query("client", gateway.quantile(_FIRST, 0.95, _BY_MODEL), "{{model}} client"),
                Query(
                    "engine",
                    engines.quantile(_FIRST, 0.95, ("source", *_BY_MODEL)),
                    "{{model}} {{source}}",
                ),
            ),
        )
    for name, key, title, description in (
        (
            "requests",
            "both-requests",
            "Requests at the gateway and at the engines",
            "Requests that ended each second on either side. The gateway above: refused, without "
            "connection, or dropped streams that the engine counts nowhere. The engines above: "
            "traffic that goes past the gateway, or requests sent twice.",
        ),
        (
            "generation_tokens",
            "both-tokens",
            "Tokens at the gateway and at the engines",
            "Generated tokens each second on either side. The engines above for long: answers "
            "are written for clients that have left, or traffic goes past the gateway. The "
            "gateway counts at the end of an answer, so it lags.",
        ),
    ):
        if engines.has(name):
            yield TimeSeries(
                key=key,
                title=title,
                description=description,
                queries=(
                    Query(
                        "gateway",
                        gateway.counter(name, _BY_MODEL),
                        "{{model}} gateway",
                    ),
                    Query(
                        "engines",
                        engines.counter(name, _BY_MODEL),
                        "{{model}} engines",
                    ),
                ),
            )
