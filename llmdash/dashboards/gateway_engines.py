"""The gateway beside the engines behind it, over recordings: what is lost between the two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.layer import Layer, by_variables, of_role
from llmdash.promql.expressions import mean_of, quantile, total
from llmdash.promql.nodes import Expr, Selector
from llmdash.sources.source import Role

_FIRST = "time_to_first_token"
_BY_MODEL = ("model",)

Side = Callable[[Selector], Selector]


def engine_panels(page: SourcePage, layer: Layer) -> Iterator[Panel]:
    """Yield what both can tell; nothing where the pack has no engine."""
    sides = _Sides(page, layer)
    if layer.has(_FIRST, role=Role.ENGINE):
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
                    sides.mean(sides.gateway, _FIRST) - sides.mean(sides.engines, _FIRST),
                    "{{model}}",
                ),
            ),
        )
    if layer.has(_FIRST, role=Role.ENGINE, buckets=True):
        yield TimeSeries(
            key="both-first-token",
            title="Time to first token p95, client and engine",
            description="p95 as the client saw it, and as each engine saw it. Lines that rise "
            "together are the engine's doing; the client's alone, a wait outside of it.",
            queries=(
                Query("client", sides.p95(sides.gateway, _BY_MODEL), "{{model}} client"),
                Query(
                    "engine",
                    sides.p95(sides.engines, ("source", *_BY_MODEL)),
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
        if layer.has(name, role=Role.ENGINE):
            yield TimeSeries(
                key=key,
                title=title,
                description=description,
                queries=(
                    Query(
                        "gateway",
                        total(sides.gateway(layer.counter(name)), _BY_MODEL),
                        "{{model}} gateway",
                    ),
                    Query(
                        "engines",
                        total(sides.engines(layer.counter(name)), _BY_MODEL),
                        "{{model}} engines",
                    ),
                ),
            )


class _Sides:
    """Selects recordings of this gateway, and of the engines that serve the models chosen."""

    def __init__(self, page: SourcePage, layer: Layer) -> None:
        self._source = page.source.name
        self._layer = layer

    def gateway(self, recorded: Selector) -> Selector:
        """Return the series of this gateway, of the models chosen."""
        return by_variables(of_role(recorded, Role.GATEWAY), _BY_MODEL).where(source=self._source)

    def engines(self, recorded: Selector) -> Selector:
        """Return the series of all engines, of the models chosen."""
        return by_variables(of_role(recorded, Role.ENGINE), _BY_MODEL)

    def mean(self, side: Side, name: str) -> Expr:
        """Return a distribution's mean by model."""
        sums, counts = side(self._layer.sums(name)), side(self._layer.counts(name))
        return mean_of(total(sums, _BY_MODEL), total(counts, _BY_MODEL))

    def p95(self, side: Side, by: Sequence[str]) -> Expr:
        """Return the 95th percentile of the time to first token by labels."""
        return quantile(0.95, total(side(self._layer.buckets(_FIRST)), (*by, "le")))
