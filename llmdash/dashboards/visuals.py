"""What Grafana is told of each kind of panel: its options, its fields and its queries, as JSON.

Everything that Grafana would fill in on saving is written out, so a saved copy does not differ.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from llmdash.dashboards.fields import (
    NO_DATA,
    Visual,
    colored_fields_of,
    fields_of,
    legend,
    named_values,
    newest,
    no_traffic,
    targets_of,
    threshold_steps,
)
from llmdash.dashboards.grafana_units import grafana_unit, shown_as
from llmdash.dashboards.normalise import Json
from llmdash.dashboards.panel import Panel, Query
from llmdash.dashboards.panels import (
    BarGauge,
    Column,
    Gauge,
    Heatmap,
    LabelColumn,
    Stat,
    StateTimeline,
    Table,
    Text,
    TimeSeries,
)
from llmdash.dashboards.scatter import Scatter
from llmdash.dashboards.style import BAD, WARNING
from llmdash.promql.facts import ValueType
from llmdash.promql.units import TIMESTAMP

_HIDE_NOWHERE = {"legend": False, "tooltip": False, "viz": False}
_LINEAR = {"type": "linear"}


@singledispatch
def visual(panel: Panel) -> Visual:
    """Return what Grafana is told of a panel."""
    raise TypeError(f"no picture of {type(panel).__name__}")


@visual.register
def _(panel: TimeSeries) -> Visual:
    custom = {
        "axisBorderShow": False,
        "axisCenteredZero": False,
        "axisColorMode": "text",
        "axisLabel": "",
        "axisPlacement": "auto",
        # Where nothing says that values cannot be negative, zero is still in sight.
        "axisSoftMin": 0 if panel.limits[0] is None and panel.shown_unit != TIMESTAMP else None,
        "barAlignment": 0,
        "barWidthFactor": 0.6,
        "drawStyle": "line",
        "fillOpacity": panel.opacity,
        "gradientMode": "none",
        "hideFrom": _HIDE_NOWHERE,
        "insertNulls": False,
        "lineInterpolation": "linear",
        # In a stack the line of a zero would be drawn over the band below it.
        "lineWidth": 0 if panel.stack else 1,
        "pointSize": 5,
        "scaleDistribution": _LINEAR,
        # A sample between two gaps has no line to be seen by.
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if panel.stack else "none"},
        "thresholdsStyle": {"mode": "dashed" if panel.thresholds else "off"},
    }
    return Visual(
        "timeseries",
        {
            "legend": _worst_first(panel),
            "tooltip": {"hideZeros": False, "mode": "multi", "sort": "desc"},
        },
        {
            **fields_of(panel, panel.limits),
            "color": {"mode": "palette-classic"},
            "custom": custom,
            "thresholds": threshold_steps(panel.thresholds, panel.color_at_rest),
        },
        overrides=(
            *(_as_limit(query) for query in panel.queries if _is_limit(query)),
            *(_in_color(query) for query in panel.queries if query.color),
            *(_named_in_color(name, color) for name, color in panel.colors.items()),
        ),
        targets=targets_of(panel),
    )


def _worst_first(panel: TimeSeries) -> Json:
    """Return a legend that begins with who stands out: it shows three lines before it scrolls."""
    is_low_bad = bool(panel.thresholds) and panel.color_at_rest in (BAD, WARNING)
    calc, name = ("min", "Min") if is_low_bad else ("max", "Max")
    return {
        **legend("table", ["mean", calc, "lastNotNull"]),
        "sortBy": name,
        "sortDesc": not is_low_bad,
    }


@visual.register
def _(panel: Stat) -> Visual:
    options = {
        "colorMode": panel.color_mode,
        "graphMode": "area" if panel.graph else "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": newest(),
        "showPercentChange": False,
        "textMode": panel.text_mode,
        "wideLayout": True,
    }
    # Only a range has something to draw behind the value.
    targets = targets_of(panel, instant=not panel.graph)
    return Visual("stat", options, colored_fields_of(panel), targets=targets)


@visual.register
def _(panel: Gauge) -> Visual:
    options = {
        "minVizHeight": 75,
        "minVizWidth": 75,
        "orientation": "auto",
        "reduceOptions": newest(),
        "showThresholdLabels": False,
        "showThresholdMarkers": True,
        "sizing": "auto",
    }
    return Visual(
        "gauge", options, colored_fields_of(panel), targets=targets_of(panel, instant=True)
    )


@visual.register
def _(panel: BarGauge) -> Visual:
    options = {
        "displayMode": "basic",
        "legend": {**legend("list", []), "showLegend": False},
        "maxVizHeight": 300,
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "auto",
        "orientation": "horizontal",
        "reduceOptions": newest(),
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "color",
    }
    fields = colored_fields_of(panel)
    if not panel.thresholds and panel.base_color is None:
        fields["color"] = {"mode": "palette-classic"}
    return Visual("bargauge", options, fields, targets=targets_of(panel, instant=True))


@visual.register
def _(panel: Table) -> Visual:
    only = len(panel.queries) == 1
    labels = panel.label_columns
    names = {column.label: column.title for column in labels if not column.stands_last}
    names |= {_value_name(column, only): column.title for column in panel.columns}
    names |= {column.label: column.title for column in labels if column.stands_last}
    organize = {
        "excludeByName": {"Time": True},
        "includeByName": {},
        "indexByName": {name: place for place, name in enumerate(names)},
        "renameByName": names,
    }
    # One query may have more labels than lines show; several are put side by side by their labels.
    first: Json = {"id": "merge", "options": {}}
    if only:
        first = {"id": "filterFieldsByName", "options": {"include": {"names": list(names)}}}
    sorted_by = [{"desc": panel.descending, "displayName": panel.sort_by}] if panel.sort_by else []
    return Visual(
        "table",
        {"cellHeight": "sm", "frameIndex": 0, "showHeader": True, "sortBy": sorted_by},
        {
            "color": {"mode": "thresholds"},
            # Grafana's own least width, 150, leaves the last columns beyond the screen.
            "custom": {"align": "auto", "inspect": False, "minWidth": 90},
            "mappings": [no_traffic()],
            "noValue": panel.no_value or NO_DATA,
            "thresholds": threshold_steps((), "text"),
        },
        overrides=(
            *(_label_override(column) for column in panel.label_columns if column.link),
            *(_value_override(panel, column) for column in panel.columns),
        ),
        transformations=(first, {"id": "organize", "options": organize}),
        targets=targets_of(panel, instant=True, form="table"),
    )


@visual.register
def _(panel: Heatmap) -> Visual:
    unit = grafana_unit(panel.shown_unit)
    axis: Json = {"axisPlacement": "left", "reverse": False, "unit": unit}
    if panel.decimals is not None:
        axis["decimals"] = panel.decimals
    options = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": grafana_unit(panel.query.expr.unit)},
        "color": {
            "exponent": 0.5,
            "fill": "dark-orange",
            "mode": "scheme",
            "reverse": False,
            "scale": "exponential",
            "scheme": "Oranges",
            "steps": 64,
        },
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        # A bucket that nothing fell into is left blank.
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": True},
        "yAxis": axis,
    }
    custom = {"hideFrom": _HIDE_NOWHERE, "scaleDistribution": _LINEAR}
    return Visual("heatmap", options, {"custom": custom}, targets=targets_of(panel, form="heatmap"))


@visual.register
def _(panel: Scatter) -> Visual:
    custom = {
        "axisBorderShow": False,
        "axisCenteredZero": False,
        "axisColorMode": "text",
        "axisLabel": "",
        "axisPlacement": "auto",
        "axisSoftMin": 0,
        "fillOpacity": 50,
        "hideFrom": _HIDE_NOWHERE,
        "pointShape": "circle",
        "pointSize": {"fixed": 5},
        "pointStrokeWidth": 1,
        "scaleDistribution": _LINEAR,
        "show": "points",
    }
    options = {
        "legend": legend("list", []),
        # The first numbers of a frame are the axis below, the others stand over it.
        "mapping": "auto",
        "series": [],
        "tooltip": {"hideZeros": False, "mode": "single", "sort": "none"},
    }
    below = [
        {"id": "unit", "value": grafana_unit(shown_as(panel.across.expr.unit))},
        {"id": "custom.axisLabel", "value": panel.across.legend},
    ]
    return Visual(
        "xychart",
        options,
        {
            **fields_of(panel, (None, None)),
            "color": {"mode": "palette-classic"},
            "custom": custom,
        },
        overrides=(
            # Frames are joined, so that only names tell the queries apart.
            {"matcher": {"id": "byName", "options": panel.across.legend}, "properties": below},
            *(_named_in_color(each.legend, each.color) for each in panel.over if each.color),
        ),
        transformations=({"id": "joinByField", "options": {"byField": "Time", "mode": "outer"}},),
        targets=targets_of(panel),
    )


@visual.register
def _(panel: StateTimeline) -> Visual:
    custom = {
        "axisPlacement": "auto",
        "fillOpacity": 70,
        "hideFrom": _HIDE_NOWHERE,
        "insertNulls": False,
        "lineWidth": 0,
        "spanNulls": False,
    }
    options = {
        "alignValue": "left",
        "legend": legend("list", []),
        "mergeValues": True,
        "rowHeight": 0.9,
        "showValue": "auto",
        "tooltip": {"hideZeros": False, "mode": "single", "sort": "none"},
    }
    fields = {
        "color": {"mode": "thresholds"},
        "custom": custom,
        "mappings": named_values(panel.mappings),
        "noValue": NO_DATA,
        "thresholds": threshold_steps((), "text"),
    }
    return Visual("state-timeline", options, fields, targets=targets_of(panel))


@visual.register
def _(panel: Text) -> Visual:
    code = {"language": "plaintext", "showLineNumbers": False, "showMiniMap": False}
    return Visual("text", {"code": code, "content": panel.markdown, "mode": "markdown"})


def _is_limit(query: Query) -> bool:
    return query.expr.facts.type is ValueType.SCALAR


def _as_limit(query: Query) -> Json:
    """Return the override that draws a bare number as a dashed line, out of any stack."""
    properties = [
        {"id": "custom.lineStyle", "value": {"dash": [10, 10], "fill": "dash"}},
        {"id": "custom.fillOpacity", "value": 0},
        {"id": "custom.lineWidth", "value": 1},
        {"id": "custom.stacking", "value": {"group": "A", "mode": "none"}},
        {"id": "color", "value": {"fixedColor": "red", "mode": "fixed"}},
    ]
    return {"matcher": {"id": "byFrameRefID", "options": query.key}, "properties": properties}


def _in_color(query: Query) -> Json:
    """Return the override that draws one line in a colour, or several in shades of it."""
    mode = "shades" if query.varying_labels else "fixed"
    properties = [{"id": "color", "value": {"fixedColor": query.color, "mode": mode}}]
    return {"matcher": {"id": "byFrameRefID", "options": query.key}, "properties": properties}


def _named_in_color(name: str, color: str) -> Json:
    properties = [{"id": "color", "value": {"fixedColor": color, "mode": "fixed"}}]
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def _value_name(column: Column, only: bool) -> str:
    # What Grafana's Prometheus datasource calls the column, with one query or with several.
    return "Value" if only else f"Value #{column.query_key}"


def _label_override(column: LabelColumn) -> Json:
    properties = [_data_link(column.link_title, str(column.link))]
    return {"matcher": {"id": "byName", "options": column.title}, "properties": properties}


def _value_override(panel: Table, column: Column) -> Json:
    properties: list[dict[str, Any]] = [
        {"id": "unit", "value": grafana_unit(shown_as(panel.unit_of(column)))}
    ]
    decimals = panel.decimals if column.decimals is None else column.decimals
    if decimals is not None:
        properties.append({"id": "decimals", "value": decimals})
    if column.mappings:
        properties.append({"id": "mappings", "value": named_values(column.mappings)})
    if column.thresholds or column.base_color or column.mappings:
        steps = threshold_steps(column.thresholds, column.color_at_rest)
        properties.append({"id": "thresholds", "value": steps})
        cell = {"mode": "basic", "type": "color-background"}
        properties.append({"id": "custom.cellOptions", "value": cell})
    if column.link:
        properties.append(_data_link(column.link_title, column.link))
    return {"matcher": {"id": "byName", "options": column.title}, "properties": properties}


def _data_link(title: str, url: str) -> Json:
    return {"id": "links", "value": [{"targetBlank": False, "title": title, "url": url}]}
