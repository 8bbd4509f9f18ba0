"""What a dashboard is made of besides variables: rows, annotations and links to its neighbours."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmdash.dashboards.panel import KEY, Panel, check_color, check_key
from llmdash.errors import DashboardError
from llmdash.promql.facts import Usage, ValueType
from llmdash.promql.labels import nearest
from llmdash.promql.nodes import Expr
from llmdash.promql.units import TIMESTAMP
from llmdash.promql.windows import Duration

#: Grafana's own limit on the length of a uid.
LONGEST_UID = 40

_LABEL = re.compile(r"\{\{\s*(.*?)\s*\}\}")


def check_uid(uid: str, place: str) -> None:
    """Raise a DashboardError unless the text can be a uid."""
    if KEY.fullmatch(uid) is None or len(uid) > LONGEST_UID:
        expected = f"a uid of small letters, digits and hyphens, at most {LONGEST_UID}"
        raise DashboardError(place, expected, repr(uid))


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels under one heading; a collapsed row asks nothing until it is opened."""

    key: str
    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False

    def __post_init__(self) -> None:
        """Check the key, and that there is something in the row."""
        place = f"row {self.key}"
        check_key(self.key, place)
        if not self.title:
            raise DashboardError(place, "a title", "none")
        if not self.panels:
            raise DashboardError(place, "a panel", "none")


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """Events drawn over all graphs: one for each sample above zero."""

    key: str
    name: str
    expr: Expr
    title: str
    text: str = ""
    color: str = "blue"
    #: The value is the moment of the event (a start time), not whether there was one.
    time_is_value: bool = False
    step: str = "60s"
    enabled: bool = True

    def __post_init__(self) -> None:
        """Check the expression and the labels that the texts show."""
        place, facts = f"annotation {self.key}", self.expr.facts
        check_key(self.key, place)
        check_color(self.color, place)
        Duration.parse(self.step)
        if facts.type is not ValueType.INSTANT:
            raise DashboardError(place, ValueType.INSTANT.value, facts.type.value)
        if facts.usage is Usage.COUNTER:
            hint = "take its increase first"
            raise DashboardError(place, "a value", f"{facts.name}, a counter", hint)
        if self.time_is_value and self.expr.unit != TIMESTAMP:
            raise DashboardError(place, f"a value in {TIMESTAMP}", str(self.expr.unit))
        for label in _LABEL.findall(self.title + self.text):
            if not self.expr.labels.has(label):
                hint = nearest(label, self.expr.labels.names)
                raise DashboardError(place, f"a label out of {self.expr.labels}", label, hint)


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link at the top of the page to another dashboard; time and variables go along."""

    title: str
    uid: str
    tooltip: str = ""

    def __post_init__(self) -> None:
        """Check the uid."""
        check_uid(self.uid, f"link {self.title}")


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """A menu at the top of the page of all dashboards with a tag; time and variables go along."""

    title: str
    tag: str
