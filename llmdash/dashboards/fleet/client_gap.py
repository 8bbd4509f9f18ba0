"""What stands between clients and engines: the gateway's view of a request beside the engines'.

Both count the same requests, so they are set side by side or subtracted, never added up.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE
from llmdash.layer import Layer
from llmdash.sources.source import Role

_BY = ("model",)


def gap_panels(layer: Layer) -> Iterator[Panel]:
    """Yield what clients see beside what engines say, by model; nothing without a gateway.

    A gateway knows no source behind it, so the choice of one is not followed on either side.
    """
    clients = LayerPage(layer, Role.GATEWAY, ("model",))
    engines = LayerPage(layer, Role.ENGINE, ("model",))
    name = "time_to_first_token"
    if clients.has(name) and engines.has(name):
        outside, inside = clients.mean(name, _BY), engines.mean(name, _BY)
        yield TimeSeries(
            key="gateway-and-engine-ttft",
            title="Time to first token, gateway and engines",
            description="Mean time to the first token as the gateway saw it and as the engines "
            "did, all sources of a model together. Lines that rise together are a slow engine; "
            "the gateway's alone is what stands between.",
            queries=(
                Query("gateway", outside, "{{model}} gateway"),
                Query("engines", inside, "{{model}} engines"),
            ),
        )
        yield TimeSeries(
            key="gap",
            title="Time to first token, gateway less engines",
            description="What the way to the engine adds to the mean: the gateway's own work, the "
            "network, a full connection pool. Growing with the load, the gateway is short of CPU. "
            "Below zero, engines are also asked by others than the gateway, or answer requests "
            "that do not stream, which only they count.",
            queries=(Query("gap", outside - inside, "{{model}}"),),
        )
    if clients.has("requests") and engines.has("requests"):
        yield TimeSeries(
            key="gateway-and-engine-requests",
            title="Requests ended, gateway and engines",
            description="More at the gateway: requests that it refused or lost before an engine "
            "counted them. More at the engines: clients that go round the gateway, retries, or a "
            "server that counts a request for each model of a chain.",
            queries=(
                Query("gateway", clients.counter("requests", _BY), "{{model}} gateway"),
                Query("engines", engines.counter("requests", _BY), "{{model}} engines"),
            ),
        )
        yield TimeSeries(
            key="gateway-and-engine-errors",
            title="Error share, gateway and engines",
            description="Failed requests among all, as each side counts them. Only the gateway "
            "sees streams that broke and engines that did not answer: its line above the "
            "engines' is what they do not know of.",
            queries=(
                Query("gateway", clients.error_share(_BY), "{{model}} gateway"),
                Query("engines", engines.error_share(_BY), "{{model}} engines"),
            ),
            thresholds=ERROR_SHARE,
            zoomed=True,
        )
