"""One quantity over another: a point for each moment, and no axis of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from llmdash.dashboards.panel import Panel, Query, common_bounds, refuse_exemplars
from llmdash.errors import DashboardError
from llmdash.promql.facts import Bounds
from llmdash.promql.units import RATIO, Unit


@dataclass(frozen=True, kw_only=True)
class Scatter(Panel):
    """The first query is the axis below, each other one a cloud of points over it."""

    has_one_unit: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check that each query is one named line: points are put together by their time alone."""
        super().__post_init__()
        refuse_exemplars(self)
        if len(self.queries) < 2:
            raise DashboardError(self.place, "an axis and something over it", "one query")
        for query in self.queries:
            if query.varying_labels or not query.legend:
                got = f"{query.key} by {query.expr.labels}, called {query.legend!r}"
                raise DashboardError(self.place, "queries of one named line each", got)
        units = {query.expr.unit for query in self.over}
        if len(units) > 1:
            got = " and ".join(sorted(map(str, units)))
            raise DashboardError(self.place, "one unit over the axis", got)

    @property
    def across(self) -> Query:
        """What the axis below is."""
        return self.queries[0]

    @property
    def over(self) -> tuple[Query, ...]:
        """What stands over it."""
        return self.queries[1:]

    @property
    def shown_unit(self) -> Unit | None:
        """The unit of the axis at the side."""
        return next((query.expr.unit for query in self.over), RATIO)

    @property
    def bounds(self) -> Bounds:
        """The least and greatest value possible at the side."""
        return common_bounds(query.bounds for query in self.over)
