"""What every panel refuses, whatever its kind."""

from __future__ import annotations

import pytest

from llmdash.dashboards.panel import Panel, PanelLink, Query, Threshold, dashboard_url
from llmdash.dashboards.panels import Stat, TimeSeries
from llmdash.errors import DashboardError
from llmdash.promql.expressions import total
from llmdash.promql.nodes import Number
from llmdash.promql.units import COUNT, MILLISECONDS, REQUESTS, SECONDS, TOKENS
from tests.dashboards.examples import TOKENS_OUT, WAITING, first_token, time_series, tokens, waiting


def panel(*queries: Query, **changes: object) -> Panel:
    return time_series(**{"queries": queries, **changes})  # type: ignore[arg-type]  # never the key


def test_the_unit_is_that_of_the_queries() -> None:
    """A panel shows the unit that its expressions have; nobody states it twice."""
    found = panel(Query("p95", first_token(), "{{model}}"), Query("limit", Number(0.7), "limit"))

    assert SECONDS == found.shown_unit


def test_queries_in_unlike_units_are_refused() -> None:
    """Seconds and tokens cannot share an axis."""
    with pytest.raises(DashboardError, match="queries in one unit, got seconds and tokens/s"):
        panel(Query("p95", first_token(), "{{model}} p95"), Query("rate", tokens(), "{{model}}"))


def test_what_is_counted_can_be_shown_under_another_name() -> None:
    """Requests can be shown as a plain count, and beside another count."""
    found = Stat(
        key="waiting", title="Waiting", queries=(Query("all", total(WAITING.select())),), unit=COUNT
    )

    assert COUNT == found.shown_unit


@pytest.mark.parametrize("unit", [REQUESTS, TOKENS, MILLISECONDS])
def test_another_quantity_or_scale_is_refused(unit: object) -> None:
    """Seconds stay seconds: under another name they would be misread."""
    with pytest.raises(DashboardError, match="expected a unit like seconds"):
        panel(Query("p95", first_token(), "{{model}}"), unit=unit)


def test_a_bare_counter_is_refused() -> None:
    """A counter says something only under rate or increase."""
    with pytest.raises(DashboardError, match="inn_tokens_total, a counter; take its rate"):
        Query("tokens", TOKENS_OUT.select(), "{{model}}")


def test_a_label_that_is_not_there_is_refused() -> None:
    """A misspelled label would show as an empty word."""
    with pytest.raises(DashboardError, match=r"got \{\{modle\}\}; did you mean model\?"):
        Query("waiting", waiting(), "{{modle}}")


def test_a_legend_must_distinguish() -> None:
    """Several lines of one name cannot be told apart."""
    with pytest.raises(
        DashboardError, match="a legend that distinguishes, got 'waiting'; series differ by model"
    ):
        panel(Query("waiting", waiting(), "waiting"))


def test_one_series_needs_no_label_in_its_legend() -> None:
    """An aggregation over everything is one line."""
    found = panel(Query("all", total(WAITING.select()), "all"))

    assert frozenset() == found.queries[0].varying_labels


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": "Time to first"}, "a key such as"),
        ({"width": 25}, "a width from 1 to 24, got 25"),
        ({"height": 0}, "a height of 1 or more"),
        ({"decimals": -1}, "decimals of 0 or more"),
        ({"queries": ()}, "a query, got 0"),
        ({"queries": (Query("a", Number(1)), Query("a", Number(2)))}, "query keys that differ"),
        (
            {"thresholds": (Threshold(1.1, "red"), Threshold(0.3, "green"))},
            "thresholds that ascend, got 1.1, 0.3",
        ),
        ({"base_color": "rouge"}, "a colour such as red"),
        ({"minimum": 3, "maximum": 3}, "a minimum below the maximum"),
    ],
)
def test_a_panel_that_cannot_be_shown_is_refused(changes: dict[str, object], message: str) -> None:
    """What Grafana would draw wrongly or not at all fails where it is written."""
    with pytest.raises(DashboardError, match=message):
        time_series(**changes)  # type: ignore[arg-type]  # the fields are named by each case


def test_a_threshold_beyond_the_last_bucket_is_refused() -> None:
    """A quantile cannot rise above the last edge, so its limit would never be reached."""
    with pytest.raises(DashboardError, match=r"thresholds from 0 to 1\.3, got 1\.7"):
        time_series(thresholds=(Threshold(1.7, "red"),))


def test_a_link_goes_somewhere() -> None:
    """A link is a path on Grafana or a web address, never a bare word."""
    with pytest.raises(DashboardError, match="an address such as /d/uid"):
        PanelLink("Compare", "inn-compare")


def test_an_address_keeps_the_time_range_and_chosen_variables() -> None:
    """Who follows a link looks at the same hour of the same model."""
    url = dashboard_url("inn-compare", model="$model", engine="7")

    assert (
        "/d/inn-compare?${__url_time_range}&${datasource:queryparam}&var-engine=7&var-model=$model"
        == url
    )


def test_a_panel_is_a_value() -> None:
    """Equal panels are equal, and none can be changed after it was checked."""
    assert time_series() == time_series()
    with pytest.raises(AttributeError):
        time_series().width = 30  # type: ignore[misc]  # this is the point
    assert isinstance(time_series(), TimeSeries)
