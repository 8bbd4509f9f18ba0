"""Who holds the limits: each gateway alone, or all of them together."""

from __future__ import annotations

from llmdash.dashboards.mapping import Mapping
from llmdash.dashboards.panels import Panel, Query, StateTimeline
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import GOOD, WARNING
from llmdash.metrics import gateway as metrics
from llmdash.promql.expressions import least


def sharing_panel(page: SourcePage) -> Panel:
    """Return whether gateways hold their limits together."""
    return StateTimeline(
        key="limits-shared",
        title="Limits held together",
        description="Whether each gateway's limits are held in Redis. While Redis is away each "
        "holds its own, so that a key may ask as much of each: two gateways, twice the limit. "
        "Nothing here: this gateway shares none.",
        queries=(
            Query(
                "shared",
                least(page.select(metrics.GATEWAY_LIMITS_SHARED), ("instance",)),
                "{{instance}}",
            ),
        ),
        mappings=(
            Mapping(0, "each holds its own", WARNING),
            Mapping(1, "in Redis", GOOD),
        ),
    )
