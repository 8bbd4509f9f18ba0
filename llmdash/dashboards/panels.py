"""The kinds of panel: what each can show, and what it refuses because it would mislead."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from llmdash.dashboards.mapping import Mapping, check_mappings
from llmdash.dashboards.panel import (
    Panel,
    PanelLink,
    Query,
    Threshold,
    check_color,
    check_thresholds,
    dashboard_url,
    refuse_exemplars,
)
from llmdash.dashboards.table import Column, LabelColumn, Table
from llmdash.errors import DashboardError
from llmdash.promql.facts import Bounds
from llmdash.promql.units import RATIO, STATE, Unit

__all__ = [
    "BarGauge",
    "Column",
    "Gauge",
    "Heatmap",
    "LabelColumn",
    "Mapping",
    "Panel",
    "PanelLink",
    "Query",
    "Stat",
    "StateTimeline",
    "Table",
    "Text",
    "Threshold",
    "TimeSeries",
    "dashboard_url",
]

ColorMode = Literal["value", "background", "none"]
TextMode = Literal["auto", "value", "value_and_name", "name"]

#: How opaque the bands of a stack are, in percent: the grid is still seen through them.
_BANDS = 60


@dataclass(frozen=True, kw_only=True)
class _Limited(Panel):
    """A panel of numbers with thresholds and, where known or given, a least and greatest value."""

    thresholds: tuple[Threshold, ...] = ()
    #: The colour below the first threshold; green when there are thresholds, else plain text.
    base_color: str | None = None
    #: The ends of the axis; what is known of the expressions where left out.
    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        """Check thresholds against what the expressions can become."""
        super().__post_init__()
        check_thresholds(self.thresholds, self.bounds, self.place)
        if self.base_color is not None:
            check_color(self.base_color, self.place)
        low, high = self.limits
        if low is not None and high is not None and low >= high:
            raise DashboardError(self.place, "a minimum below the maximum", f"{low:g} and {high:g}")

    @property
    def color_at_rest(self) -> str:
        """The colour below the first threshold."""
        return self.base_color or ("green" if self.thresholds else "text")

    @property
    def limits(self) -> Bounds:
        """The ends of the axis, None where Grafana may choose."""
        low, high = self.bounds
        # What cannot be negative is drawn from zero: an axis that starts at 1 exaggerates.
        floor = None if low is None else min(low, 0.0)
        # A share is drawn up to all of it; a latency up to its last bucket would be a flat line.
        ceiling = high if self.shown_unit in (RATIO, STATE) and high != floor else None
        return (
            floor if self.minimum is None else self.minimum,
            ceiling if self.maximum is None else self.maximum,
        )


@dataclass(frozen=True, kw_only=True)
class TimeSeries(_Limited):
    """Lines over time; a gap is drawn as a gap."""

    stack: bool = False
    #: How opaque the area below a line is, in percent; none, or bands where lines are stacked.
    fill: int | None = None
    #: Let the axis end above the data: a share that matters when it is small.
    zoomed: bool = False
    #: Colours of lines by what the legend calls them (`error`: red).
    colors: MappingOf[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the fill."""
        super().__post_init__()
        if not 0 <= self.opacity <= 100:
            raise DashboardError(self.place, "a fill from 0 to 100", str(self.fill))
        for color in self.colors.values():
            check_color(color, self.place)

    @property
    def opacity(self) -> int:
        """How opaque the area below a line is, in percent."""
        # Areas of lines that are not stacked cover each other: 24 GPUs would be one block.
        return (_BANDS if self.stack else 0) if self.fill is None else self.fill

    @property
    def limits(self) -> Bounds:
        """The ends of the axis; a stack can rise above what one series can."""
        low, high = super().limits
        return (low, self.maximum if self.stack or self.zoomed else high)


@dataclass(frozen=True, kw_only=True)
class _Reduced(_Limited):
    """A panel that shows the newest value of each series."""

    def __post_init__(self) -> None:
        """Refuse exemplars, which belong to a time."""
        super().__post_init__()
        refuse_exemplars(self)


@dataclass(frozen=True, kw_only=True)
class Stat(_Reduced):
    """The newest value in large letters."""

    stretches: ClassVar[bool] = False

    width: int = 4
    height: int = 4
    color_mode: ColorMode = "value"
    text_mode: TextMode = "auto"
    #: Draw how the value came about behind it.
    graph: bool = False


@dataclass(frozen=True, kw_only=True)
class Gauge(_Reduced):
    """The newest value on an arc between a least and a greatest value."""

    stretches: ClassVar[bool] = False

    width: int = 4
    height: int = 6

    def __post_init__(self) -> None:
        """Refuse an arc without ends."""
        super().__post_init__()
        if None in self.limits:
            got = "minimum {} and maximum {}".format(*self.limits)
            hint = "say minimum and maximum, or use a Stat"
            raise DashboardError(self.place, "both ends of a gauge", got, hint)


@dataclass(frozen=True, kw_only=True)
class BarGauge(_Reduced):
    """The newest value of each series as a bar."""


@dataclass(frozen=True, kw_only=True)
class Heatmap(Panel):
    """How many observations fell into each bucket, over time; the y axis is what was observed."""

    has_legend: ClassVar[bool] = False
    has_one_unit: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check that there is one query, of buckets by `le` alone."""
        super().__post_init__()
        if len(self.queries) != 1:
            raise DashboardError(self.place, "one query", str(len(self.queries)))
        query = self.queries[0]
        if query.expr.facts.edges is None or "le" not in query.expr.labels.names:
            hint = "total(rate(buckets, …), ['le'])"
            raise DashboardError(self.place, "rates of buckets by le", query.expr.facts.name, hint)
        others = sorted(query.varying_labels - {"le"})
        if others:
            hint = f"sum by (le), or select one {others[0]}"
            raise DashboardError(self.place, "buckets by le alone", f"by {query.expr.labels}", hint)
        if self.unit is not None:
            raise DashboardError(self.place, "the unit of the edges", f"{self.unit} on the heatmap")

    @property
    def query(self) -> Query:
        """The only query."""
        return self.queries[0]

    @property
    def shown_unit(self) -> Unit:
        """The unit of the y axis, which is that of the bucket edges."""
        edges = self.query.expr.facts.edges
        assert edges is not None  # checked when the panel was made
        return edges.unit


@dataclass(frozen=True, kw_only=True)
class StateTimeline(Panel):
    """Which state each series was in, over time."""

    mappings: tuple[Mapping, ...]

    def __post_init__(self) -> None:
        """Check that each state is named once."""
        super().__post_init__()
        refuse_exemplars(self)
        check_mappings(self.mappings, self.place)
        if not self.mappings:
            raise DashboardError(self.place, "a mapping for each state, once", "none")


@dataclass(frozen=True, kw_only=True)
class Text(Panel):
    """Words, in Markdown."""

    has_legend: ClassVar[bool] = False
    has_queries: ClassVar[bool] = False
    has_one_unit: ClassVar[bool] = False
    stretches: ClassVar[bool] = False

    title: str = ""
    width: int = 24
    height: int = 3
    markdown: str

    def __post_init__(self) -> None:
        """Refuse an empty panel."""
        super().__post_init__()
        if not self.markdown.strip():
            raise DashboardError(self.place, "some text", "none")
