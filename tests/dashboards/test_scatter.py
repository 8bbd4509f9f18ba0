"""Scatter panels: one named line for the axis below, others over it, all of them by their time."""

from __future__ import annotations

import pytest

from llmdash.dashboards.panels import Query
from llmdash.dashboards.scatter import Scatter
from llmdash.dashboards.visuals import visual
from llmdash.errors import DashboardError
from llmdash.promql.expressions import quantile, rate, total
from llmdash.promql.nodes import Expr
from llmdash.promql.units import SECONDS
from llmdash.promql.windows import RATE_INTERVAL
from tests.dashboards.examples import FIRST_TOKEN, TOKENS_OUT, WAITING, tokens

BELOW = Query("tokens", total(rate(TOKENS_OUT.select(), RATE_INTERVAL)), "tokens")


def first_token(share: float) -> Expr:
    return quantile(share, total(rate(FIRST_TOKEN.bucket(), RATE_INTERVAL), ["le"]))


P50 = Query("p50", first_token(0.5), "median", color="blue")
P95 = Query("p95", first_token(0.95), "p95")


def scatter(*queries: Query) -> Scatter:
    return Scatter(key="knee", title="Knee", description="Where it bends.", queries=queries)


def test_each_axis_has_its_unit() -> None:
    """The one at the side is that of what stands over the first query, which has a name of its own."""
    drawn = visual(scatter(BELOW, P50, P95))
    below = drawn.overrides[0]

    assert SECONDS == scatter(BELOW, P50).shown_unit
    assert "s" == drawn.defaults["unit"]
    assert {"id": "byName", "options": "tokens"} == below["matcher"]
    assert [("unit", "count:tok/s"), ("custom.axisLabel", "tokens")] == [
        (each["id"], each["value"]) for each in below["properties"]
    ]


def test_points_are_joined_by_their_time() -> None:
    """The axis below is the first numbers of the joined frame: queries keep their order."""
    drawn = visual(scatter(BELOW, P50, P95))

    assert ("xychart", "auto", []) == (
        drawn.type,
        drawn.options["mapping"],
        drawn.options["series"],
    )
    assert ["joinByField"] == [each["id"] for each in drawn.transformations]
    assert ["tokens", "p50", "p95"] == [each["refId"] for each in drawn.targets]
    assert all(each["range"] for each in drawn.targets)


def test_a_cloud_has_its_colour() -> None:
    """By its name, as joining leaves nothing else of a query."""
    colored = visual(scatter(BELOW, P50, P95)).overrides[1:]

    assert [{"id": "byName", "options": "median"}] == [each["matcher"] for each in colored]


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ((BELOW,), "an axis and something over it, got one query"),
        ((BELOW, Query("p95", first_token(0.95))), "queries of one named line each, got p95"),
        ((Query("tokens", tokens(), "{{model}}"), P95), "queries of one named line each"),
        ((BELOW, P95, Query("waiting", total(WAITING.select()), "w")), "one unit over the axis"),
        ((BELOW, Query("p95", first_token(0.95), "p95", exemplar=True)), "no exemplars"),
    ],
)
def test_what_would_mislead_is_refused(queries: tuple[Query, ...], message: str) -> None:
    """Nothing but time puts points together, so of several lines nobody knew which is which."""
    with pytest.raises(DashboardError, match=message):
        scatter(*queries)
