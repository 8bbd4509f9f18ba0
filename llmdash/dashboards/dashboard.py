"""A dashboard: rows of panels, variables, annotations, links, and all that is wrong with them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from llmdash.dashboards.grafana_units import grafana_unit, shown_as
from llmdash.dashboards.identifiers import Kind, collisions
from llmdash.dashboards.layout import Band, misplaced, stack
from llmdash.dashboards.panel import Panel
from llmdash.dashboards.panels import Table, Text
from llmdash.dashboards.parts import Annotation, Link, Neighbours, Row, check_uid
from llmdash.dashboards.variables import (
    DashboardVariable,
    DatasourceVariable,
    names_in,
    variables_in,
)
from llmdash.errors import DashboardError
from llmdash.promql.labels import nearest, with_nearest
from llmdash.promql.nodes import Variable
from llmdash.promql.units import Unit
from llmdash.promql.windows import Duration

__all__ = ["Annotation", "Dashboard", "Link", "Neighbours", "Row"]

_UID_IN_URL = re.compile(r"^/d/([^/?#]+)")
_TIME = re.compile(r"now(-\d+[smhdwMy])?(/[smhdwMy])?")


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """One page. `folder` is where it is filed, and no part of what is rendered."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[DashboardVariable, ...] = (DatasourceVariable(),)
    annotations: tuple[Annotation, ...] = ()
    links: tuple[Link | Neighbours, ...] = ()
    tags: tuple[str, ...] = ()
    folder: str = ""
    refresh: str = "30s"
    time_from: str = "now-1h"

    def __post_init__(self) -> None:
        """Check what stands for itself; `problems` tells the rest."""
        place = f"dashboard {self.uid}"
        check_uid(self.uid, place)
        if not self.title:
            raise DashboardError(place, "a title", "none")
        if self.refresh:
            Duration.parse(self.refresh)
        if _TIME.fullmatch(self.time_from) is None:
            raise DashboardError(place, "a time such as now-1h", repr(self.time_from))

    def panels(self) -> Iterator[Panel]:
        """Yield every panel, in order."""
        for row in self.rows:
            yield from row.panels

    def panel(self, key: str) -> Panel:
        """Return the panel of a key.

        Raises:
            DashboardError: there is none; the nearest is named.
        """
        by_key = {panel.key: panel for panel in self.panels()}
        if key not in by_key:
            raise DashboardError(
                f"dashboard {self.uid}", "a panel of it", key, nearest(key, by_key)
            )
        return by_key[key]

    def bands(self) -> tuple[Band, ...]:
        """Return where each row and its panels stand."""
        return stack((row.panels, row.collapsed) for row in self.rows)

    def linked_uids(self) -> frozenset[str]:
        """Return the uids of all dashboards that this one links to."""
        urls = [url for panel in self.panels() for url in _urls(panel)]
        found = {match[1] for url in urls if (match := _UID_IN_URL.match(url))}
        # A uid that a variable fills in is known only on screen.
        fixed = {uid for uid in found if not names_in(uid)}
        return frozenset(fixed | {link.uid for link in self.links if isinstance(link, Link)})

    def problems(self) -> tuple[str, ...]:
        """Return everything wrong with the dashboard, each with the path of where it is."""
        found = [*self._variable_problems(), *self._key_problems()]
        if not self.description:
            found.append(f"{self.uid}: expected a description, got none")
        for panel in self.panels():
            found += [f"{self.uid}/{panel.key}: {text}" for text in self._panel_problems(panel)]
        for annotation in self.annotations:
            path = f"{self.uid}/{annotation.key}"
            names = names_in(annotation.title + annotation.text)
            found += [f"{path}: {text}" for text in self._undefined(names)]
            found += [f"{path}: {text}" for text in self._misused(variables_in(annotation.expr))]
        for row, band in zip(self.rows, self.bands(), strict=True):
            path = f"{self.uid}/{row.key}"
            found += [f"{path}: {text}" for text in misplaced(band.panels)]
            found += [f"{path}: {text}" for text in self._undefined(names_in(row.title))]
        return tuple(found)

    def _key_problems(self) -> list[str]:
        found = []
        for what, keys in (
            ("panel", [panel.key for panel in self.panels()]),
            ("row", [row.key for row in self.rows]),
            ("annotation", [annotation.key for annotation in self.annotations]),
        ):
            for key, times in Counter(keys).items():
                if times > 1:
                    found.append(f"{self.uid}/{key}: expected one {what} of this key, got {times}")
        owners: list[tuple[Kind, str]] = [("panel", panel.key) for panel in self.panels()]
        owners += [("row", row.key) for row in self.rows]
        for one, other in collisions(owners):
            found.append(
                f"{self.uid}/{other}: expected an id of its own, got that of {one}; rename it"
            )
        return found

    def _variable_problems(self) -> list[str]:
        found = []
        names = [variable.name for variable in self.variables]
        if not any(isinstance(variable, DatasourceVariable) for variable in self.variables):
            found.append(f"{self.uid}: expected a DatasourceVariable, got none")
        used = self._used_names()
        for place, variable in enumerate(self.variables):
            path = f"{self.uid}/${variable.name}"
            if variable.name in names[:place]:
                found.append(f"{path}: expected one variable of this name, got another")
            for other in variable.refers_to():
                if other.name not in names[:place]:
                    expected = f"a variable before it (out of {', '.join(names[:place])})"
                    found.append(f"{path}: expected {expected}, got ${other.name}")
            if variable.name not in used and not isinstance(variable, DatasourceVariable):
                found.append(f"{path}: expected a panel that uses it, got none")
        return found

    def _used_names(self) -> frozenset[str]:
        expressions = [annotation.expr for annotation in self.annotations]
        texts = [annotation.title + annotation.text for annotation in self.annotations]
        texts += [row.title for row in self.rows]
        names = {variable.name for each in self.variables for variable in each.refers_to()}
        for panel in self.panels():
            expressions += [query.expr for query in panel.queries]
            texts += _texts(panel)
            names |= {panel.repeat} if panel.repeat else set()
        names |= {variable.name for each in expressions for variable in variables_in(each)}
        return frozenset(names.union(*(names_in(text) for text in texts)))

    def _panel_problems(self, panel: Panel) -> list[str]:
        found = []
        if not panel.description and not isinstance(panel, Text):
            found.append("expected a description, got none")
        if not panel.title and not isinstance(panel, Text):
            found.append("expected a title, got none")
        for unit in _units(panel):
            try:
                grafana_unit(shown_as(unit))
            except DashboardError as error:
                found.append(str(error))
        found += self._undefined(name for text in _texts(panel) for name in names_in(text))
        if panel.repeat:
            found += self._undefined((panel.repeat,), "to repeat over")
        for query in panel.queries:
            found += self._misused(variables_in(query.expr), panel.repeat)
        return list(dict.fromkeys(found))

    def _undefined(self, names: Iterator[str] | tuple[str, ...], why: str = "") -> list[str]:
        known = [variable.name for variable in self.variables]
        found = []
        for name in dict.fromkeys(names):
            if name not in known:
                expected = (
                    f"a variable of the dashboard{' ' * bool(why)}{why} (out of {', '.join(known)})"
                )
                found.append(with_nearest(f"expected {expected}, got ${name}", name, known))
        return found

    def _misused(self, used: tuple[Variable, ...], repeat: str | None = None) -> list[str]:
        """Return what is wrong with variables in expressions: undefined, or of several values."""
        found = self._undefined(tuple(variable.name for variable in used))
        many = {variable.name for variable in self.variables if variable.holds_many}
        for variable in used:
            # In a repeated panel the variable holds the one value that the copy stands for.
            if variable.single and variable.name in many and variable.name != repeat:
                found.append(
                    f"expected ${variable.name} to hold one value, got one that can hold several"
                )
        return found


def _urls(panel: Panel) -> list[str]:
    urls = [link.url for link in panel.links]
    if isinstance(panel, Table):
        urls += [column.link for column in panel.label_columns if column.link]
        urls += [column.link for column in panel.columns if column.link]
    return urls


def _texts(panel: Panel) -> list[str]:
    texts = [
        panel.title,
        panel.description,
        *(query.legend for query in panel.queries),
        *_urls(panel),
    ]
    return [*texts, panel.markdown] if isinstance(panel, Text) else texts


def _units(panel: Panel) -> list[Unit]:
    if isinstance(panel, Table):
        return [panel.unit_of(column) for column in panel.columns]
    return [] if panel.shown_unit is None else [panel.shown_unit]
