"""The table: a line for each combination of labels, a column for each query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from llmdash.dashboards.mapping import Mapping, check_mappings
from llmdash.dashboards.panel import (
    Panel,
    Query,
    Threshold,
    check_color,
    check_thresholds,
    check_url,
    refuse_exemplars,
)
from llmdash.errors import DashboardError
from llmdash.promql.labels import nearest
from llmdash.promql.units import Unit


@dataclass(frozen=True)
class LabelColumn:
    """A column that shows a label; the link may hold `${__data.fields.<label>}`."""

    label: str
    title: str = ""
    link: str | None = None
    link_title: str = "Open"
    #: Behind the values: what is much the same in all lines.
    stands_last: bool = False

    def __post_init__(self) -> None:
        """Check the link, and default the title to the label in words."""
        if not self.title:
            object.__setattr__(self, "title", self.label.replace("_", " ").capitalize())
        if self.link is not None:
            check_url(self.link, f"column {self.title}")


@dataclass(frozen=True)
class Column:
    """A column that shows the values of one query."""

    query_key: str
    title: str
    #: Shown instead of the query's own unit.
    unit: Unit | None = None
    link: str | None = None
    thresholds: tuple[Threshold, ...] = ()
    base_color: str | None = None
    decimals: int | None = None
    link_title: str = "Open"
    #: Values that are shown by a name instead: codes, states.
    mappings: tuple[Mapping, ...] = ()

    def __post_init__(self) -> None:
        """Check the colour, the link, and that a value has one name."""
        check_mappings(self.mappings, f"column {self.title}")
        if self.base_color is not None:
            check_color(self.base_color, f"column {self.title}")
        if self.link is not None:
            check_url(self.link, f"column {self.title}")

    @property
    def color_at_rest(self) -> str:
        """The colour below the first threshold."""
        return self.base_color or ("green" if self.thresholds else "text")


@dataclass(frozen=True, kw_only=True)
class Table(Panel):
    """A line for each combination of labels, a column for each query."""

    has_legend: ClassVar[bool] = False
    has_one_unit: ClassVar[bool] = False

    width: int = 24
    by: tuple[LabelColumn | str, ...]
    #: Without columns a table lists the labels of its only query (an info series).
    columns: tuple[Column, ...] = ()
    #: The title of the column that lines are sorted by.
    sort_by: str | None = None
    descending: bool = True
    #: What stands for no lines, instead of no data: a list of what is wrong is well when empty.
    no_value: str | None = None

    def __post_init__(self) -> None:
        """Check that the queries fit together line by line."""
        super().__post_init__()
        refuse_exemplars(self)
        self._check_columns()
        self._check_labels()
        titles = [column.title for column in self.label_columns]
        titles += [column.title for column in self.columns]
        if len(set(titles)) < len(titles):
            raise DashboardError(self.place, "column titles that differ", ", ".join(titles))
        if self.sort_by is not None and self.sort_by not in titles:
            hint = nearest(self.sort_by, titles)
            raise DashboardError(self.place, "a column to sort by", repr(self.sort_by), hint)
        if self.unit is not None:
            raise DashboardError(self.place, "units on columns", f"{self.unit} on the table")

    def _check_columns(self) -> None:
        keys = [query.key for query in self.queries]
        named = [column.query_key for column in self.columns]
        for name in named:
            if name not in keys:
                raise DashboardError(
                    self.place, "a column of one of its queries", name, nearest(name, keys)
                )
        if sorted(named) != sorted(keys) and not (len(keys) == 1 and not named):
            got = f"columns of {', '.join(named) or 'none'}"
            raise DashboardError(self.place, f"a column for each of {', '.join(keys)}", got)
        for column in self.columns:
            bounds = self.query_of(column).bounds
            check_thresholds(column.thresholds, bounds, f"{self.place}, column {column.title}")

    def _check_labels(self) -> None:
        wanted = {column.label for column in self.label_columns}
        if not wanted or len(wanted) < len(self.by):
            raise DashboardError(
                self.place, "label columns that differ", ", ".join(sorted(wanted)) or "none"
            )
        for query in self.queries:
            place = f"{self.place}, query {query.key}"
            query.expr.labels.require(sorted(wanted), place)
            # Lines of several queries meet only where their labels are the same.
            if len(self.queries) > 1 and query.expr.labels.names != wanted:
                expected = f"series by {', '.join(sorted(wanted))}, as the table's lines are"
                raise DashboardError(place, expected, f"by {query.expr.labels}")

    @property
    def label_columns(self) -> tuple[LabelColumn, ...]:
        """The columns that show labels."""
        return tuple(LabelColumn(each) if isinstance(each, str) else each for each in self.by)

    def query_of(self, column: Column) -> Query:
        """Return the query that a column shows."""
        return next(query for query in self.queries if query.key == column.query_key)

    def unit_of(self, column: Column) -> Unit:
        """Return the unit of a column."""
        return column.unit or self.query_of(column).expr.unit
