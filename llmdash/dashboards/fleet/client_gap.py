"""What stands between clients and engines: the gateway's view of a request beside the engines'."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.panels import Panel, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE
from llmdash.dashboards.two_sides import BY_MODEL, TwoSides
from llmdash.layer import Layer


def gap_panels(layer: Layer) -> Iterator[Panel]:
    """Yield what clients see beside what engines say, by model; nothing without a gateway."""
    sides, first = TwoSides.of(layer), "time_to_first_token"
    if sides.have(first):
        yield TimeSeries(
            key="gateway-and-engine-ttft",
            title="Time to first token, gateway and engines",
            description="Mean time to the first token as the gateway saw it and as the engines "
            "did, all sources of a model together. Lines that rise together are a slow engine; "
            "the gateway's alone is what stands between.",
            queries=sides.lines(lambda side: side.mean(first, BY_MODEL)),
        )
    yield from sides.added_panel("gap")
    yield from sides.requests_panel("gateway-and-engine-requests")
    if sides.have("requests"):
        yield TimeSeries(
            key="gateway-and-engine-errors",
            title="Error share, gateway and engines",
            description="Failed requests among all, as each side counts them. Only the gateway "
            "sees streams that broke and engines that did not answer: its line above the "
            "engines' is what they do not know of.",
            queries=sides.lines(lambda side: side.error_share(BY_MODEL)),
            thresholds=ERROR_SHARE,
            zoomed=True,
        )
