"""What several kinds of panel have in common in Grafana: queries, units, thresholds, legends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from llmdash.dashboards.grafana_units import grafana_unit, shown, shown_as
from llmdash.dashboards.mapping import Mapping
from llmdash.dashboards.normalise import Json
from llmdash.dashboards.panel import Panel, Query, Threshold
from llmdash.dashboards.panels import BarGauge, Gauge, Stat
from llmdash.promql.facts import Bounds
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.units import TIMESTAMP

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

NO_DATA = "no data"
NO_TRAFFIC = "no traffic"


@dataclass(frozen=True)
class Visual:
    """One kind of panel as Grafana holds it."""

    type: str
    options: Json
    defaults: Json = field(default_factory=dict)
    overrides: tuple[Json, ...] = ()
    transformations: tuple[Json, ...] = ()
    targets: tuple[Json, ...] = ()


def targets_of(
    panel: Panel, *, instant: bool = False, form: str = "time_series"
) -> tuple[Json, ...]:
    """Return the queries of a panel as its datasource takes them."""
    return tuple(
        {
            "datasource": DATASOURCE,
            "editorMode": "code",
            "exemplar": query.exemplar,
            "expr": to_text(shown(query.expr), GRAFANA),
            "format": form,
            "instant": instant,
            "legendFormat": "{{le}}" if form == "heatmap" else _called(panel, query),
            "range": not instant,
            "refId": query.key,
        }
        for query in panel.queries
    )


def _called(panel: Panel, query: Query) -> str:
    if query.legend:
        return query.legend
    # Grafana would show the whole expression.
    return panel.title if len(panel.queries) == 1 else query.key.replace("-", " ").capitalize()


def fields_of(panel: Panel, limits: Bounds) -> Json:
    """Return how values are shown: unit, ends of the axis, and what stands for none."""
    unit = panel.shown_unit
    assert unit is not None  # every panel of numbers has one
    low, high = (None, None) if unit == TIMESTAMP else limits
    return {
        "decimals": panel.decimals,
        "mappings": [no_traffic()],
        "max": high,
        "min": low,
        "noValue": NO_DATA,
        "unit": grafana_unit(shown_as(unit)),
    }


def colored_fields_of(panel: Stat | Gauge | BarGauge) -> Json:
    """Return the same, coloured by thresholds."""
    return {
        **fields_of(panel, panel.limits),
        "color": {"mode": "thresholds"},
        "thresholds": threshold_steps(panel.thresholds, panel.color_at_rest),
    }


def threshold_steps(thresholds: Sequence[Threshold], at_rest: str) -> Json:
    """Return thresholds as Grafana holds them; the first step, from below, has no value."""
    steps: list[Json] = [{"color": at_rest, "value": None}]
    steps += [{"color": each.color, "value": each.value} for each in thresholds]
    return {"mode": "absolute", "steps": steps}


def no_traffic(index: int = 0) -> Json:
    """Return the mapping that says what NaN means."""
    result = {"color": "text", "index": index, "text": NO_TRAFFIC}
    return {"options": {"match": "nan", "result": result}, "type": "special"}


def named_values(mappings: Sequence[Mapping]) -> list[Json]:
    """Return the mappings of values to names, and of NaN after them."""
    states = {
        str(each.value): {"color": each.color, "index": place, "text": each.text}
        for place, each in enumerate(mappings)
    }
    return [{"options": states, "type": "value"}, no_traffic(len(states))]


def newest() -> Json:
    """Return how a panel of one value reduces what it was given."""
    # Not lastNotNull: that steps over NaN, and no traffic would look like no data.
    return {"calcs": ["last"], "fields": "", "values": False}


def legend(mode: str, calcs: list[str]) -> Json:
    """Return a legend below the graph."""
    return {"calcs": calcs, "displayMode": mode, "placement": "bottom", "showLegend": True}
