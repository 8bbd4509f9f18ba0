"""The gateway and the engines behind it, which count the same requests.

They are set side by side or subtracted, never added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.layer import Layer
from llmdash.promql.nodes import Expr
from llmdash.sources.source import Role

BY_MODEL = ("model",)

#: Each side's lines are shades of one hue, whatever the model.
GATEWAY_COLOR, ENGINES_COLOR = "blue", "orange"

_FIRST = "time_to_first_token"


@dataclass(frozen=True)
class TwoSides:
    """Asks both sides the same, by model, which is all that they know in common."""

    gateway: LayerPage
    engines: LayerPage

    @classmethod
    def of(cls, layer: Layer, gateway: str = "") -> TwoSides:
        """Return both sides; of several gateways all together, or the one named.

        A gateway knows no source behind it, so no choice of one is followed on either side.
        """
        return cls(
            LayerPage(layer, Role.GATEWAY, BY_MODEL, gateway),
            LayerPage(layer, Role.ENGINE, BY_MODEL),
        )

    def have(self, name: str, *, buckets: bool = False) -> bool:
        """Tell whether both answer a signal (with buckets, when asked)."""
        return all(side.has(name, buckets=buckets) for side in (self.gateway, self.engines))

    def lines(self, asked: Callable[[LayerPage], Expr]) -> tuple[Query, Query]:
        """Return what is asked of a side, asked of both."""
        return (
            Query("gateway", asked(self.gateway), "{{model}} gateway", color=GATEWAY_COLOR),
            Query("engines", asked(self.engines), "{{model}} engines", color=ENGINES_COLOR),
        )

    def added_panel(self, key: str) -> Iterator[Panel]:
        """Yield what the way to the engines adds to the first token, where both know its time."""
        if self.have(_FIRST):
            outside, inside = (side.mean(_FIRST, BY_MODEL) for side in (self.gateway, self.engines))
            yield TimeSeries(
                key=key,
                title="Time to first token that the engines do not see",
                description="Mean at the gateway less mean at the engines, for each model that "
                "both know by one name: the gateway's own work, the network, connections that "
                "wait. Milliseconds are normal, seconds are a queue before the engine; growing "
                "with the load, the gateway is short of CPU. Below zero, engines also answer in "
                "one piece, or others than the gateway, which only they count.",
                queries=(Query("added", outside - inside, "{{model}}"),),
            )

    def requests_panel(self, key: str) -> Iterator[Panel]:
        """Yield the requests that either side has counted."""
        if self.have("requests"):
            yield TimeSeries(
                key=key,
                title="Requests at the gateway and at the engines",
                description="Requests that ended each second on either side. More at the gateway: "
                "refused, without connection, or dropped before an engine counted them. More at "
                "the engines: traffic that goes round the gateway, retries, or a server that "
                "counts a request for each model of a chain.",
                queries=self.lines(lambda side: side.counter("requests", BY_MODEL)),
            )
