"""A page is drawn from its JSON and its answers: every kind of panel, in its colours, in its place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor

from tests.pictures.answers import Line, TimeRange
from tests.pictures.page import WIDTH, draw_page, placed
from tests.pictures.palette import color_code
from tests.pictures.words import rows_of

RANGE = TimeRange(0, 600)
TIMES = tuple(float(moment) for moment in range(0, 601, 15))
STEPS = {"steps": [{"color": "green", "value": None}, {"color": "red", "value": 0.9}]}


def line(key: str, name: str, values: Sequence[float], **labels: str) -> Line:
    return Line(key, name, labels, TIMES[-len(values) :], tuple(values))


def panel(kind: str, place: int, **more: Any) -> dict[str, Any]:
    at = {"x": 12 * (place % 2), "y": 8 * (place // 2), "w": 12, "h": 8}
    legend = {"calcs": ["max"], "displayMode": "table", "showLegend": True}
    reading = {"colorMode": "value", "graphMode": "area", "textMode": "auto"}
    return {
        "id": place,
        "title": kind,
        "type": kind,
        "gridPos": at,
        "targets": [{"refId": "a", "expr": "a"}],
        "options": {"legend": legend, **reading, **more.pop("options", {})},
        "fieldConfig": {"defaults": {"unit": "percentunit", "thresholds": STEPS}, "overrides": []},
        **more,
    }


def dashboard(*panels: dict[str, Any]) -> dict[str, Any]:
    return {"title": "Made", "panels": list(panels), "templating": {"list": []}}


STATES = {
    "defaults": {
        "mappings": [{"type": "value", "options": {"1": {"color": "purple", "text": "decode"}}}]
    },
    "overrides": [],
}
IN_ORANGE = {
    "defaults": {"unit": "s", "custom": {"fillOpacity": 10, "stacking": {"mode": "normal"}}},
    "overrides": [
        {
            "matcher": {"id": "byFrameRefID", "options": "a"},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "orange"}}],
        }
    ],
}
IN_CELLS = {
    "defaults": {},
    "overrides": [
        {
            "matcher": {"id": "byName", "options": "Value"},
            "properties": [
                {"id": "custom.cellOptions", "value": {"type": "color-background"}},
                {"id": "thresholds", "value": STEPS},
            ],
        }
    ],
}
EVERY_KIND: dict[str, tuple[dict[str, Any], list[Line], str]] = {
    "timeseries": (
        {"fieldConfig": IN_ORANGE},
        [line("a", "p95", [0.2, math.nan, *[0.3] * 39])],
        "orange",
    ),
    "stat": ({}, [line("a", "KV cache", [0.5] * 40 + [0.95])], "red"),
    "gauge": ({}, [line("a", "KV cache", [0.95])], "red"),
    "bargauge": ({}, [line("a", "GPU 0", [0.2]), line("a", "GPU 1", [0.5])], "green"),
    "table": ({"fieldConfig": IN_CELLS}, [line("a", "", [0.95], model="m")], "red"),
    "state-timeline": ({"fieldConfig": STATES}, [line("a", "m", [1.0] * 41)], "#9060aa"),
    "heatmap": (
        {"options": {"yAxis": {"unit": "s"}}},
        [line("a", "1", [1.0] * 41, le="1.0"), line("a", "+Inf", [4.0] * 41, le="+Inf")],
        "#fff5eb",
    ),
}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_kind_of_panel_is_drawn(kind: str, tmp_path: Path) -> None:
    """A panel's values are seen in the colours that its JSON asks for; without answers they are not."""
    more, lines, color = EVERY_KIND[kind]
    page = dashboard(panel(kind, 0, **more))
    drawn, empty = tmp_path / "drawn.png", tmp_path / "empty.png"

    draw_page(page, lambda *_: lines, RANGE).save(drawn)
    draw_page(page, lambda *_: [], RANGE).save(empty)

    assert (True, False) == (has_color(drawn, color), has_color(empty, color))


def test_a_page_is_as_wide_as_a_screen_and_as_long_as_its_panels(tmp_path: Path) -> None:
    """Panels stand on Grafana's grid, and a long page can be cut below a line of them."""
    lines = [line("a", "m", [0.5])]
    page = dashboard(*(panel("stat", place) for place in range(6)))

    def height(most: float) -> int:
        file = tmp_path / "page.png"
        draw_page(page, lambda *_: lines, RANGE, most_height=most).save(file)
        with Image.open(file) as picture:
            assert WIDTH == picture.width
            return picture.height

    whole, cut = height(math.inf), height(800)
    assert 8 * (30 + 8) == whole - cut


def test_a_repeated_panel_stands_once_for_each_value() -> None:
    """What is repeated pushes down what stands below it, as in Grafana."""
    page = dashboard(panel("stat", 0, repeat="model", maxPerRow=2), panel("stat", 2))

    found = [
        (each.left, each.top, each.width, dict(each.chosen))
        for each in placed(page, {"model": ["a", "b", "c"]})
    ]

    assert [
        (0, 0, 12, {"model": "a"}),
        (12, 0, 12, {"model": "b"}),
        (0, 8, 12, {"model": "c"}),
        (0, 16, 12, {}),
    ] == found


def test_an_opened_row_pushes_down_what_follows() -> None:
    """A collapsed row is its heading alone; opened, its panels stand below it."""
    row = {"type": "row", "title": "Details", "collapsed": True}
    inside = {**panel("stat", 0), "gridPos": {"x": 0, "y": 1, "w": 12, "h": 8}}
    page = dashboard(
        {**row, "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}, "panels": [inside]},
        {**panel("stat", 0), "gridPos": {"x": 0, "y": 1, "w": 12, "h": 8}},
    )

    closed = [each.top for each in placed(page, {})]
    opened = [each.top for each in placed(page, {}, opened=True)]

    assert [0, 1] == closed
    assert [0, 1, 9] == opened


def test_a_table_puts_queries_side_by_side_and_the_greatest_first() -> None:
    """Rows of several queries are merged by their labels; columns are renamed, ordered and sorted by."""
    organize = {
        "indexByName": {"model": 0, "Value #errors": 1, "Value #requests": 2},
        "renameByName": {
            "model": "Model",
            "Value #errors": "Errors",
            "Value #requests": "Requests",
        },
    }
    made: Mapping[str, Any] = {
        "targets": [{"refId": "requests"}, {"refId": "errors"}],
        "transformations": [{"id": "organize", "options": organize}],
        "options": {"sortBy": [{"displayName": "Requests", "desc": True}]},
    }
    lines = [
        line("requests", "", [1.0], model="a", hidden="x"),
        line("requests", "", [7.0], model="b", hidden="x"),
        line("errors", "", [0.5], model="a", hidden="x"),
    ]

    table = rows_of(made, lines)

    assert ("Model", "Errors", "Requests") == table.columns
    assert (
        {"Model": "b", "Requests": 7.0},
        {"Model": "a", "Errors": 0.5, "Requests": 1.0},
    ) == table.rows


def has_color(file: Path, name: str) -> bool:
    """Tell whether a colour is in a picture, or one that an eye takes for it."""
    with Image.open(file) as picture:
        page = np.asarray(picture.convert("RGB"), dtype=int).reshape(-1, 3)
    distances = np.abs(page - ImageColor.getrgb(color_code(name))).sum(axis=1)
    return bool((distances < 8).sum() > 20)
