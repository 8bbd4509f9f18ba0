"""What a reader sees: gaps, words for no traffic and no data, names, units and limits."""

from __future__ import annotations

from typing import Any

import pytest

from llmdash.dashboards.panels import (
    Column,
    Mapping,
    Panel,
    Query,
    Stat,
    Table,
    Threshold,
    TimeSeries,
)
from llmdash.dashboards.style import BAD, WARNING
from llmdash.dashboards.visuals import visual
from llmdash.promql.expressions import greatest, total
from llmdash.promql.nodes import Number
from tests.dashboards.examples import (
    CACHE,
    STARTED,
    WAITING,
    hidden_panels,
    open_panels,
    time_series,
    waiting,
)

NO_TRAFFIC = {
    "options": {"match": "nan", "result": {"color": "text", "index": 0, "text": "no traffic"}},
    "type": "special",
}
PANELS = {panel.key: panel for panel in (*open_panels(), *hidden_panels())}


def defaults(key: str) -> dict[str, Any]:
    return visual(PANELS[key]).defaults


@pytest.mark.parametrize("key", ["cache-of-engine", "cache", "waiting", "models", "tokens"])
def test_no_traffic_and_no_data_are_told_apart(key: str) -> None:
    """NaN is a quantile of nothing: no traffic. A missing series is no data."""
    assert NO_TRAFFIC in defaults(key)["mappings"]
    assert "no data" == defaults(key)["noValue"]


@pytest.mark.parametrize("key", ["cache-of-engine", "cache", "waiting"])
def test_the_newest_value_may_be_nan(key: str) -> None:
    """`lastNotNull` steps over NaN since Grafana 10 and would show no data for no traffic."""
    assert ["last"] == visual(PANELS[key]).options["reduceOptions"]["calcs"]


def test_a_gap_is_drawn_as_a_gap() -> None:
    """Lines do not span missing samples."""
    custom = defaults("tokens")["custom"]

    assert (False, False) == (custom["spanNulls"], custom["insertNulls"])


@pytest.mark.parametrize(
    ("changes", "drawn"),
    [({}, (0, 1)), ({"stack": True}, (60, 0)), ({"fill": 25}, (25, 1))],
)
def test_only_stacks_are_filled(changes: dict[str, Any], drawn: tuple[int, int]) -> None:
    """Areas of lines side by side hide each other; in a stack the line of a zero hides a band."""
    custom = visual(time_series(**changes)).defaults["custom"]

    assert drawn == (custom["fillOpacity"], custom["lineWidth"])


def test_the_legend_shows_who_stands_out() -> None:
    """Three of its lines are seen without scrolling, so the greatest come first."""
    legend = visual(PANELS["tokens"]).options["legend"]

    assert ("Max", True) == (legend["sortBy"], legend["sortDesc"])
    assert "max" in legend["calcs"]


@pytest.mark.parametrize(
    ("at_rest", "sorted_by"),
    [(BAD, ("Min", False)), (WARNING, ("Min", False)), (None, ("Max", True))],
)
def test_the_legend_begins_with_the_least_where_that_is_worst(
    at_rest: str | None, sorted_by: tuple[str, bool]
) -> None:
    """Of budgets that are left, those that are gone come first."""
    panel = time_series(base_color=at_rest, thresholds=(Threshold(0.5, "green"),))
    legend = visual(panel).options["legend"]

    assert sorted_by == (legend["sortBy"], legend["sortDesc"])
    assert sorted_by[0].lower() in legend["calcs"]


def test_many_columns_fit_a_screen() -> None:
    """At Grafana's least width of 150 pixels ten columns are seen; at this one, seventeen."""
    assert 90 == defaults("models")["custom"]["minWidth"]


@pytest.mark.parametrize("key", ["cache", "waiting", "models", "started"])
def test_one_value_is_asked_for_once(key: str) -> None:
    """Panels of the newest value ask at one moment, not for every step of the time range."""
    targets = visual(PANELS[key]).targets

    assert {(True, False)} == {(target["instant"], target["range"]) for target in targets}


def test_a_stat_with_a_graph_asks_for_a_range() -> None:
    """There is nothing to draw behind a single sample."""
    (target,) = visual(PANELS["cache-of-engine"]).targets

    assert (False, True) == (target["instant"], target["range"])


def test_a_limit_is_a_dashed_line() -> None:
    """A bare number among queries is drawn as the line that the others are measured against."""
    (override,) = visual(PANELS["time-to-first-token"]).overrides

    assert {"id": "byFrameRefID", "options": "limit"} == override["matcher"]
    assert "custom.lineStyle" == override["properties"][0]["id"]


@pytest.mark.parametrize(
    ("panel", "legend"),
    [
        (
            Stat(key="use", title="Cache", queries=(Query("use", greatest(CACHE.select())),)),
            "Cache",
        ),
        (
            TimeSeries(
                key="use",
                title="Cache",
                queries=(Query("in-use", greatest(CACHE.select())), Query("all", Number(1))),
            ),
            "In use",
        ),
        (time_series(queries=(Query("a", waiting(), "{{model}}"),)), "{{model}}"),
    ],
)
def test_a_series_never_shows_its_expression(panel: Panel, legend: str) -> None:
    """Without a legend, a series is called by its panel, or by its key where there are several."""
    assert legend == visual(panel).targets[0]["legendFormat"]


def test_refids_are_keys() -> None:
    """Adding a query renames no other, so overrides and links stay."""
    targets = visual(PANELS["models"]).targets

    assert ["waiting", "tokens"] == [target["refId"] for target in targets]


def test_a_table_puts_queries_side_by_side() -> None:
    """Labels come first, then a column for each query; the time is hidden."""
    merge, organize = visual(PANELS["models"]).transformations

    assert {"id": "merge", "options": {}} == merge
    assert {"Time": True} == organize["options"]["excludeByName"]
    assert {"model": 0, "Value #waiting": 1, "Value #tokens": 2} == organize["options"][
        "indexByName"
    ]
    assert {"model": "Model", "Value #waiting": "Waiting", "Value #tokens": "Tokens"} == organize[
        "options"
    ]["renameByName"]


def test_a_table_of_labels_shows_no_value() -> None:
    """Of an info series only the labels that were asked for are left."""
    keep, _ = visual(PANELS["settings"]).transformations

    assert {"include": {"names": ["model", "block_size"]}} == keep["options"]


def test_the_only_query_of_a_table_is_called_value() -> None:
    """Grafana's Prometheus datasource adds the refId only where there are several."""
    table = Table(
        key="models",
        title="Models",
        queries=(Query("waiting", waiting()),),
        by=("model",),
        columns=(PANELS["models"].columns[0],),  # type: ignore[attr-defined]  # it is a table
    )
    keep, organize = visual(table).transformations

    assert {"include": {"names": ["model", "Value"]}} == keep["options"]
    assert "Waiting" == organize["options"]["renameByName"]["Value"]


def test_a_column_of_codes_shows_names() -> None:
    """A code is its name in its colour; a code without a name stays a number in plain colours."""
    column = Column("waiting", "Waiting", mappings=(Mapping(7, "seven", "red"),))
    table = Table(
        key="models",
        title="Models",
        queries=(Query("waiting", waiting()),),
        by=("model",),
        columns=(column,),
    )
    (override,) = visual(table).overrides
    found = {each["id"]: each["value"] for each in override["properties"]}
    named, nothing = found["mappings"]

    assert {"7": {"color": "red", "index": 0, "text": "seven"}} == named["options"]
    assert ("nan", 1) == (nothing["options"]["match"], nothing["options"]["result"]["index"])
    assert [{"color": "text", "value": None}] == found["thresholds"]["steps"]
    assert "color-background" == found["custom.cellOptions"]["type"]


def test_a_moment_has_no_axis_from_zero() -> None:
    """Zero is 1970, and no start time lies near it."""
    fields = defaults("started")

    assert ("dateTimeAsIso", None) == (fields["unit"], fields["min"])
    assert "max(process_start_time_seconds) * 1000" == visual(PANELS["started"]).targets[0]["expr"]
    assert STARTED.unit != WAITING.unit


def test_zero_is_in_sight() -> None:
    """A mean has no known least value, but its graph does not start at the least one seen."""
    mean = time_series(queries=(Query("mean", waiting() / waiting(), "{{model}}"),))

    assert (None, 0) == (
        visual(mean).defaults["min"],
        visual(mean).defaults["custom"]["axisSoftMin"],
    )
    assert (0, None) == (defaults("tokens")["min"], defaults("tokens")["custom"]["axisSoftMin"])


def test_a_heatmap_counts_in_cells_and_measures_on_its_axis() -> None:
    """The axis is in seconds, the cells in observations a second."""
    options = visual(PANELS["first-token-heatmap"]).options

    assert ("s", "ops") == (options["yAxis"]["unit"], options["cellValues"]["unit"])
    assert "heatmap" == visual(PANELS["first-token-heatmap"]).targets[0]["format"]


def test_colours_start_at_rest() -> None:
    """Below the first threshold is green; without thresholds nothing is judged."""
    plain = Stat(key="all", title="All", queries=(Query("all", total(WAITING.select())),))

    assert [{"color": "green", "value": None}, {"color": "red", "value": 0.91}] == defaults(
        "cache"
    )["thresholds"]["steps"]
    assert [{"color": "text", "value": None}] == visual(plain).defaults["thresholds"]["steps"]
