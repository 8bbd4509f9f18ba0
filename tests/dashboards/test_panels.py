"""What each kind of panel can show, and what it refuses."""

from __future__ import annotations

import pytest

from llmdash.dashboards.panels import (
    Gauge,
    Heatmap,
    Mapping,
    Query,
    Stat,
    StateTimeline,
    Text,
    TimeSeries,
)
from llmdash.errors import DashboardError
from llmdash.promql.expressions import count, greatest, rate, total
from llmdash.promql.units import COUNT, SECONDS
from llmdash.promql.windows import RATE_INTERVAL
from tests.dashboards.examples import (
    CACHE,
    FIRST_TOKEN,
    UP,
    WAITING,
    buckets,
    first_token,
    time_series,
    waiting,
)

CACHE_USE = Query("use", greatest(CACHE.select()))
WAITING_NOW = Query("waiting", total(WAITING.select()))


def test_a_share_is_drawn_from_none_to_all() -> None:
    """A ratio keeps its axis from 0 to 1, so that half full looks half full."""
    assert (0, 1) == TimeSeries(key="cache", title="Cache", queries=(CACHE_USE,)).limits


def test_what_cannot_be_negative_is_drawn_from_zero() -> None:
    """Requests start at zero and end where they end; a latency ends far below its last bucket."""
    assert (0, None) == TimeSeries(key="waiting", title="Waiting", queries=(WAITING_NOW,)).limits
    assert (0, None) == time_series().limits


def test_a_count_of_series_is_drawn_from_zero() -> None:
    """A count is at least 1 where it exists, but an axis from 1 would hide a half."""
    found = TimeSeries(key="up", title="Up", queries=(Query("up", count(UP.select())),))

    assert (0, None) == found.limits


def test_a_stack_may_rise_above_one() -> None:
    """Shares on top of each other reach more than one share can."""
    found = TimeSeries(key="cache", title="Cache", queries=(CACHE_USE,), stack=True)

    assert (0, None) == found.limits


def test_ends_that_are_given_win() -> None:
    """Who states the ends of an axis gets them, fractions too."""
    assert (-0.5, 0.7) == time_series(minimum=-0.5, maximum=0.7).limits


def test_a_gauge_needs_both_ends() -> None:
    """An arc without a greatest value has no meaning; the remedy is named."""
    with pytest.raises(
        DashboardError, match="both ends of a gauge, got minimum 0 and maximum None; say"
    ):
        Gauge(key="waiting", title="Waiting", queries=(WAITING_NOW,))


def test_one_value_has_no_exemplars() -> None:
    """Exemplars belong to moments, and a stat shows one value."""
    with pytest.raises(DashboardError, match="no exemplars"):
        Stat(key="cache", title="Cache", queries=(Query("use", CACHE_USE.expr, exemplar=True),))


def test_a_heatmap_is_in_the_unit_of_its_edges() -> None:
    """The y axis is what was observed, not how many observations a second there were."""
    found = Heatmap(key="first", title="First token", queries=(Query("buckets", buckets()),))

    assert SECONDS == found.shown_unit


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            Query("p95", first_token(), "{{model}}"),
            "rates of buckets by le, got histogram_quantile",
        ),
        (Query("waiting", waiting(), "{{model}}"), "rates of buckets by le"),
        (
            Query("b", total(rate(FIRST_TOKEN.bucket(), RATE_INTERVAL), ["le", "model"])),
            r"buckets by le alone, got by le, model; sum by \(le\), or select one model",
        ),
    ],
)
def test_a_heatmap_shows_buckets_only(query: Query, message: str) -> None:
    """Anything but buckets by le would be drawn as nonsense."""
    with pytest.raises(DashboardError, match=message):
        Heatmap(key="first", title="First token", queries=(query,))


def test_buckets_that_are_not_rates_are_refused() -> None:
    """Bare buckets only grow, and a heatmap of them shows the server's age."""
    with pytest.raises(DashboardError, match="a counter"):
        Query("buckets", FIRST_TOKEN.bucket())


def test_a_heatmap_has_one_query_and_no_unit_of_its_own() -> None:
    """Two histograms cannot share cells, and the edges have the unit."""
    one, other = Query("one", buckets()), Query("other", buckets())

    with pytest.raises(DashboardError, match="one query, got 2"):
        Heatmap(key="first", title="First token", queries=(one, other))
    with pytest.raises(DashboardError, match="the unit of the edges"):
        Heatmap(key="first", title="First token", queries=(one,), unit=COUNT)


def test_states_are_named_once() -> None:
    """A state with two names has none."""
    twice = (Mapping(1, "up", "green"), Mapping(1, "on", "blue"))

    with pytest.raises(DashboardError, match="a mapping for each state, once"):
        StateTimeline(
            key="up",
            title="Up",
            queries=(Query("up", UP.select(), "{{instance}}"),),
            mappings=twice,
        )


def test_a_text_asks_nothing_and_says_something() -> None:
    """A text has no query, no unit, and is never empty."""
    assert Text(key="about", markdown="Words").shown_unit is None
    with pytest.raises(DashboardError, match="some text"):
        Text(key="about", markdown=" \n")
    with pytest.raises(DashboardError, match="no query"):
        Text(key="about", markdown="Words", queries=(WAITING_NOW,))
