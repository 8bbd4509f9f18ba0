"""What all panels are made of: queries, thresholds, links, and the checks that hold for every kind.

Everything is frozen and checked when it is made, so a panel that would mislead fails where it
is written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmdash.errors import DashboardError
from llmdash.promql.facts import UNBOUNDED, Bounds, Usage, ValueType
from llmdash.promql.labels import TARGET_LABELS, nearest
from llmdash.promql.nodes import Expr, Number
from llmdash.promql.units import RATIO, Unit

KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
#: Grafana's grid has this many columns.
COLUMNS = 24

_LEGEND_LABEL = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_COLOR = re.compile(
    r"(super-light-|light-|semi-dark-|dark-)?(red|orange|yellow|green|blue|purple)"
    r"|text|transparent|#[0-9a-f]{6}"
)
_URL = re.compile(r"/|https?://|\$\{")
#: What a value is a quantity of; the rest (tokens, requests, blocks) is counted.
_PHYSICAL = frozenset({"seconds", "bytes", "watts", "celsius", "timestamp", "money"})


def check_key(key: str, place: str) -> None:
    """Raise a DashboardError unless the key is made of small letters, digits and single hyphens."""
    if KEY.fullmatch(key) is None:
        raise DashboardError(place, "a key such as kv-cache-use", repr(key))


def check_color(color: str, place: str) -> None:
    """Raise a DashboardError unless Grafana knows the colour."""
    if _COLOR.fullmatch(color) is None:
        raise DashboardError(
            place, "a colour such as red, dark-green, text or #1f60c4", repr(color)
        )


@dataclass(frozen=True)
class Query:
    """One expression of a panel and what its series are called."""

    key: str
    expr: Expr
    #: Grafana's legend format; `{{label}}` becomes that label's value.
    legend: str = ""
    #: Show the traces that the exporter attached to samples.
    exemplar: bool = False
    #: The colour of its line, or of the shades of its lines when there are several.
    color: str | None = None

    def __post_init__(self) -> None:
        """Check what no panel could show."""
        place = f"query {self.key}"
        check_key(self.key, place)
        if self.color is not None:
            check_color(self.color, place)
        facts = self.expr.facts
        if facts.type not in (ValueType.INSTANT, ValueType.SCALAR):
            raise DashboardError(place, ValueType.INSTANT.value, facts.type.value)
        if facts.usage is Usage.COUNTER:
            hint = "take its rate or increase first"
            raise DashboardError(place, "a value", f"{facts.name}, a counter", hint)
        for label in self.legend_labels:
            if not self.expr.labels.has(label):
                hint = nearest(label, self.expr.labels.names)
                expected = f"a legend of {self.expr.labels}"
                raise DashboardError(place, expected, f"{{{{{label}}}}}", hint)

    @property
    def legend_labels(self) -> tuple[str, ...]:
        """The labels that the legend shows."""
        return tuple(_LEGEND_LABEL.findall(self.legend))

    @property
    def varying_labels(self) -> frozenset[str]:
        """The labels by which two series of this query can differ."""
        return self.expr.labels.names - self.expr.labels.pinned

    @property
    def bounds(self) -> Bounds:
        """The least and greatest value possible, where known."""
        if isinstance(self.expr, Number):
            return (self.expr.value, self.expr.value)
        return self.expr.facts.bounds


@dataclass(frozen=True)
class Threshold:
    """From this value on, this colour."""

    value: float
    color: str

    def __post_init__(self) -> None:
        """Check the colour, and that the value is a number."""
        check_color(self.color, f"threshold {self.value:g}")
        if not math.isfinite(self.value):
            raise DashboardError("threshold", "a finite value", f"{self.value:g}")


@dataclass(frozen=True)
class PanelLink:
    """A link in the head of a panel; the address may hold `$variables`."""

    title: str
    url: str
    new_tab: bool = False

    def __post_init__(self) -> None:
        """Check that there is something to click on and somewhere to go."""
        if not self.title:
            raise DashboardError(f"link to {self.url}", "a title", "none")
        check_url(self.url, f"link {self.title}")


def check_url(url: str, place: str) -> None:
    """Raise a DashboardError unless the address is a path on Grafana or a web address."""
    if _URL.match(url) is None or any(letter.isspace() for letter in url):
        raise DashboardError(place, "an address such as /d/uid or https://…", repr(url))


def dashboard_url(uid: str, **variables: str) -> str:
    """Return the address of another dashboard, with time range, datasource and these variables.

    A value is what Grafana fills in: `"$model"`, or in a table a field of the line that was
    clicked, encoded for an address: `"${__data.fields.model:percentencode}"`.
    """
    chosen = "".join(f"&var-{name}={value}" for name, value in sorted(variables.items()))
    return f"/d/{uid}?${{__url_time_range}}&${{datasource:queryparam}}{chosen}"


def check_thresholds(thresholds: Sequence[Threshold], bounds: Bounds, place: str) -> None:
    """Raise a DashboardError for thresholds that do not ascend or can never be reached."""
    values = [threshold.value for threshold in thresholds]
    if values != sorted(set(values)):
        raise DashboardError(place, "thresholds that ascend", ", ".join(f"{v:g}" for v in values))
    low, high = bounds
    for value in values:
        if (low is not None and value < low) or (high is not None and value > high):
            least, most = (("" if end is None else f"{end:g}") for end in bounds)
            raise DashboardError(place, f"thresholds from {least} to {most}", f"{value:g}")


def common_bounds(bounds: Iterable[Bounds]) -> Bounds:
    """Return the least and greatest value of several queries; an end unknown to one is unknown."""
    pairs = tuple(bounds)
    if not pairs:
        return UNBOUNDED
    lows, highs = [low for low, _ in pairs], [high for _, high in pairs]
    low = None if None in lows else min(low for low in lows if low is not None)
    high = None if None in highs else max(high for high in highs if high is not None)
    return (low, high)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What every panel has; `key` is its name for links and ids, and never shown."""

    key: str
    title: str
    #: What the panel shows, and what a bad shape means.
    description: str = ""
    queries: tuple[Query, ...] = ()
    #: In columns; a kind that stretches may get more, where its line leaves some over.
    width: int = 12
    height: int = 8
    #: A variable: the panel is shown once for each of its values, two to a line.
    repeat: str | None = None
    links: tuple[PanelLink, ...] = ()
    #: Shown instead of the queries' own unit: requests waiting as a plain count, for instance.
    unit: Unit | None = None
    decimals: int | None = None

    #: Kinds that show no legend need none that distinguishes.
    has_legend: ClassVar[bool] = True
    has_queries: ClassVar[bool] = True
    #: Whether it is plainer to read when it is wider, as a graph is.
    stretches: ClassVar[bool] = True
    #: Whether columns or rows of a panel may each have a unit of their own.
    has_one_unit: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the key, the size, and each query."""
        check_key(self.key, self.place)
        if not 1 <= self.width <= COLUMNS:
            raise DashboardError(self.place, f"a width from 1 to {COLUMNS}", str(self.width))
        if self.height < 1:
            raise DashboardError(self.place, "a height of 1 or more", str(self.height))
        if self.decimals is not None and self.decimals < 0:
            raise DashboardError(self.place, "decimals of 0 or more", str(self.decimals))
        if bool(self.queries) != self.has_queries:
            expected = "a query" if self.has_queries else "no query"
            raise DashboardError(self.place, expected, str(len(self.queries)))
        keys = [query.key for query in self.queries]
        if len(set(keys)) < len(keys):
            raise DashboardError(self.place, "query keys that differ", ", ".join(keys))
        if self.has_legend:
            self._check_legends()
        if self.has_one_unit:
            self._check_unit()

    def _check_legends(self) -> None:
        for query in self.queries:
            hidden = sorted(query.varying_labels - set(query.legend_labels))
            if "instance" in query.legend_labels:
                # The other target labels follow from it.
                hidden = [name for name in hidden if name not in TARGET_LABELS]
            if hidden:
                expected = "a legend that distinguishes"
                hint = f"series differ by {', '.join(hidden)}"
                place = f"{self.place}, query {query.key}"
                raise DashboardError(place, expected, repr(query.legend), hint)
        legends = [query.legend for query in self.queries if query.legend]
        if len(set(legends)) < len(legends):
            raise DashboardError(self.place, "legends that differ", ", ".join(legends))

    def _check_unit(self) -> None:
        units = self._units()
        if self.unit is None:
            if len(units) > 1:
                got = " and ".join(sorted(str(unit) for unit in units))
                raise DashboardError(
                    self.place, "queries in one unit", got, "convert one, or split the panel"
                )
            return
        for unit in units:
            if _physical(unit) != _physical(self.unit):
                hint = (
                    "only what is counted can be shown under another name; convert the expression"
                )
                raise DashboardError(self.place, f"a unit like {unit}", str(self.unit), hint)

    def _units(self) -> frozenset[Unit]:
        # A bare number is a line drawn in the unit of the others.
        found = (query.expr.facts.unit for query in self.queries)
        return frozenset(unit for unit in found if unit is not None)

    @property
    def place(self) -> str:
        """How messages call the panel."""
        return f"panel {self.key}"

    @property
    def shown_unit(self) -> Unit | None:
        """The unit of the values shown; None where there is not one for all."""
        if self.unit is not None:
            return self.unit
        if not self.has_one_unit:
            return None
        return next(iter(self._units()), RATIO)

    @property
    def bounds(self) -> Bounds:
        """The least and greatest value possible, where known of all queries."""
        return common_bounds(query.bounds for query in self.queries)


def refuse_exemplars(panel: Panel) -> None:
    """Raise a DashboardError for a query with exemplars, which only a range over time can show."""
    for query in panel.queries:
        if query.exemplar:
            hint = "they belong to a TimeSeries or a Heatmap"
            raise DashboardError(panel.place, "no exemplars", f"exemplars of {query.key}", hint)


def _physical(unit: Unit) -> tuple[tuple[tuple[str, int], ...], float]:
    return tuple((name, power) for name, power in unit.factors if name in _PHYSICAL), unit.scale
