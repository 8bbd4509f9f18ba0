"""The back end: our dashboards become grafanalib's objects, and these the JSON of today's Grafana.

Nothing else imports grafanalib. Its panel classes write an old shape, so ours stand on its Panel.
"""

from __future__ import annotations

import json
from functools import singledispatch
from typing import Any

import attr
from grafanalib import core
from grafanalib._gen import DashboardEncoder

from llmdash.dashboards.dashboard import Annotation, Dashboard, Link, Neighbours, Row
from llmdash.dashboards.fields import DATASOURCE
from llmdash.dashboards.grafana_units import shown
from llmdash.dashboards.identifiers import identifier
from llmdash.dashboards.layout import Band, Cell, Placed
from llmdash.dashboards.normalise import Json, normalise
from llmdash.dashboards.panel import PanelLink
from llmdash.dashboards.variables import (
    CustomVariable,
    DashboardVariable,
    DatasourceVariable,
    IntervalVariable,
    QueryVariable,
    TextboxVariable,
)
from llmdash.dashboards.visuals import visual
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.windows import Duration

#: The newest classic schema; older Grafanas read what they know of it.
SCHEMA_VERSION = 42
PANELS_PER_LINE = 2

_REFRESH_WITH_TIME_RANGE = 2
_SORTED_BY_NAME = 1
_SHARED_CROSSHAIR = 1
_ALL = {"selected": True, "text": ["All"], "value": ["$__all"]}

#: Grafana adds this entry when it saves; written here, a saved copy does not differ.
_BUILT_IN_ANNOTATIONS = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


@attr.s(kw_only=True)
class _Visual(core.Panel):  # type: ignore[misc]  # grafanalib has no types
    """A panel of any type, with options and fields as today's Grafana holds them."""

    type: str = attr.ib()
    options: Json = attr.ib()
    field_config: Json = attr.ib()

    def to_json_data(self) -> Json:
        found: Json = self.panel_json({"type": self.type, "options": self.options})
        # Set, not merged: grafanalib's base has thresholds that a text panel cannot have.
        return {**found, "fieldConfig": self.field_config}


@attr.s(kw_only=True)
class _Variable(core.Template):  # type: ignore[misc]  # grafanalib has no types
    """A variable with the keys that grafanalib does not know."""

    extra: Json = attr.ib()

    def to_json_data(self) -> Json:
        return {**super().to_json_data(), **self.extra}


# mypy sees the attributes declared here, but not those of the untyped base.
_new_visual: Any = _Visual
_new_variable: Any = _Variable


class _Dashboard(core.Dashboard):  # type: ignore[misc]  # grafanalib has no types
    """A dashboard with the keys that grafanalib does not know."""

    def to_json_data(self) -> Json:
        newer = {"fiscalYearStartMonth": 0, "liveNow": False, "preload": False, "weekStart": ""}
        return {**super().to_json_data(), **newer}


def render(dashboard: Dashboard, scrape: Duration | None = None) -> Json:
    """Return the dashboard as Grafana reads it from a file: plain JSON, without id and version.

    `scrape` becomes the least step of every query, so that `$__rate_interval` holds four scrapes
    on a datasource that says nothing of its own.

    It is editable: trying things out in the browser is how one finds what to change here, and a
    provisioned or pushed dashboard is protected by the server and by `llmdash push`.
    """
    panels: list[Any] = []
    for row, band in zip(dashboard.rows, dashboard.bands(), strict=True):
        panels += _row(row, band)
    found = _Dashboard(
        annotations=core.Annotations(
            [dict(_BUILT_IN_ANNOTATIONS), *map(_annotation, dashboard.annotations)]
        ),
        description=dashboard.description,
        editable=True,
        graphTooltip=_SHARED_CROSSHAIR,
        links=[_link(link) for link in dashboard.links],
        panels=panels,
        refresh=dashboard.refresh,
        schemaVersion=SCHEMA_VERSION,
        tags=sorted(dashboard.tags),
        templating=core.Templating([_variable(variable) for variable in dashboard.variables]),
        time=core.Time(dashboard.time_from, "now"),
        timezone="browser",
        title=dashboard.title,
        uid=dashboard.uid,
    )
    # Through text, so that nothing rendered shares a list with anything else.
    content = normalise(json.loads(json.dumps(found, cls=DashboardEncoder, allow_nan=False)))
    if scrape is not None:
        _set_least_step(content["panels"], str(scrape))
    return content


def _set_least_step(panels: list[Json], step: str) -> None:
    for panel in panels:
        _set_least_step(panel.get("panels", []), step)
        for target in panel.get("targets", ()):
            target["interval"] = step


def _row(row: Row, band: Band) -> list[Any]:
    inside = [_panel(placed) for placed in band.panels]
    heading = core.RowPanel(
        collapsed=row.collapsed,
        gridPos=_position(band.heading),
        id=identifier(row.key, "row"),
        panels=inside if row.collapsed else [],
        title=row.title,
    )
    return [heading] if row.collapsed else [heading, *inside]


def _panel(placed: Placed) -> _Visual:
    panel, shape = placed.panel, visual(placed.panel)
    repeat = core.Repeat("h", panel.repeat, PANELS_PER_LINE) if panel.repeat else core.Repeat()
    found: _Visual = _new_visual(
        dataSource=DATASOURCE if panel.has_queries else None,
        description=panel.description or None,
        field_config={"defaults": shape.defaults, "overrides": list(shape.overrides)},
        gridPos=_position(placed.cell),
        id=identifier(panel.key),
        links=[_panel_link(link) for link in panel.links],
        options=shape.options,
        repeat=repeat,
        targets=list(shape.targets),
        title=panel.title,
        transformations=list(shape.transformations),
        type=shape.type,
    )
    return found


def _position(cell: Cell) -> core.GridPos:
    return core.GridPos(h=cell.height, w=cell.width, x=cell.x, y=cell.y)


def _panel_link(link: PanelLink) -> core.DashboardLink:
    return core.DashboardLink(
        keepTime=False,
        targetBlank=link.new_tab,
        title=link.title,
        type="link",
        uri=link.url,
    )


def _link(link: Link | Neighbours) -> core.DashboardLink:
    if isinstance(link, Neighbours):
        return core.DashboardLink(
            asDropdown=True, includeVars=True, tags=[link.tag], title=link.title, type="dashboards"
        )
    return core.DashboardLink(
        icon="dashboard",
        includeVars=True,
        title=link.title,
        tooltip=link.tooltip,
        type="link",
        uri=f"/d/{link.uid}",
    )


def _annotation(annotation: Annotation) -> Json:
    return {
        "datasource": DATASOURCE,
        "enable": annotation.enabled,
        "expr": to_text(
            shown(annotation.expr) if annotation.time_is_value else annotation.expr, GRAFANA
        ),
        "hide": False,
        "iconColor": annotation.color,
        "name": annotation.name,
        "step": annotation.step,
        "textFormat": annotation.text,
        "titleFormat": annotation.title,
        "useValueForTime": annotation.time_is_value,
    }


@singledispatch
def _variable(variable: DashboardVariable) -> _Variable:
    raise TypeError(f"no form of {type(variable).__name__}")


def _made(variable: DashboardVariable, kind: str, query: object, **extra: object) -> _Variable:
    more = {"description": variable.description or None, "skipUrlSync": False, **extra}
    made: _Variable = _new_variable(
        extra=more,
        label=variable.label,
        name=variable.name,
        # A new list each time, and never empty: grafanalib writes into it.
        options=[{"selected": False}],
        query=query,
        regex="",
        refresh=_REFRESH_WITH_TIME_RANGE,
        sort=_SORTED_BY_NAME,
        type=kind,
    )
    return made


@_variable.register
def _(variable: DatasourceVariable) -> _Variable:
    chosen = {"selected": False, "text": "default", "value": "default"}
    return _made(variable, "datasource", "prometheus", current=chosen, options=[])


@_variable.register
def _(variable: QueryVariable) -> _Variable:
    current: Json = {}
    if variable.include_all:
        current = _ALL if variable.multi else {"selected": True, "text": "All", "value": "$__all"}
    return _made(
        variable,
        "query",
        # The form that Grafana itself saves; a plain text is the older one.
        {"query": variable.query, "refId": "StandardVariableQuery"},
        allValue=".*" if variable.include_all and not variable.all_is_listed else None,
        current=current,
        datasource=DATASOURCE,
        definition=variable.query,
        includeAll=variable.include_all,
        multi=variable.multi,
        options=[],
    )


@_variable.register
def _(variable: TextboxVariable) -> _Variable:
    chosen = {"selected": True, "text": variable.default, "value": variable.default}
    return _made(variable, "textbox", variable.default, current=chosen, options=[chosen])


@_variable.register
def _(variable: CustomVariable) -> _Variable:
    text: object = [variable.default] if variable.multi else variable.default
    return _made(
        variable,
        "custom",
        ",".join(variable.options),
        allValue=".*" if variable.include_all else None,
        current={"selected": True, "text": text, "value": text},
        includeAll=variable.include_all,
        multi=variable.multi,
        options=_options(variable.options, variable.default),
    )


@_variable.register
def _(variable: IntervalVariable) -> _Variable:
    chosen = {"selected": True, "text": variable.default, "value": variable.default}
    options = _options(variable.options, variable.default)
    query = ",".join(variable.options)
    return _made(variable, "interval", query, current=chosen, options=options)


def _options(options: tuple[str, ...], default: str) -> list[Json]:
    return [{"selected": each == default, "text": each, "value": each} for each in options]
