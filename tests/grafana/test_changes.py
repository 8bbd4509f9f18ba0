"""Differences of two dashboards, in words; nothing that differs is left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdash.grafana.changes import changes_between
from llmdash.grafana.content import canonical
from tests.grafana.pages import page, panel


def thresholds(*steps: tuple[str, float | None]) -> dict[str, Any]:
    found = [{"color": color, "value": value} for color, value in steps]
    return {
        "defaults": {"unit": "s", "thresholds": {"mode": "absolute", "steps": found}},
        "overrides": [],
    }


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (page(), page(), []),
        (page(title="A"), page(title="B"), ["title: A → B"]),
        (page(refresh="30s"), page(refresh="1m"), ["refresh: 30s → 1m"]),
        (page(tags=["a"]), page(tags=["a", "b"]), ['tags: ["a"] → ["a", "b"]']),
        (page(), page(description="Help."), ["description added: Help."]),
        (page(time={"from": "now-1h", "to": "now"}), page(time={"from": "now-6h", "to": "now"}), ['time range: {"from": "now-1h", "to": "now"} → {"from": "now-6h", "to": "now"}']),
        (
            page(panels=[panel(1, "A")]),
            page(panels=[panel(1, "B", gridPos={"x": 12, "y": 0, "w": 12, "h": 8})]),
            [
                'panel "A": position: left 0, top 0, width 12, height 8 → left 12, top 0, width 12, height 8',
                'panel "A": title: A → B',
            ],
        ),
        (page(panels=[panel(1, "A")]), page(panels=[panel(1, "A"), panel(2, "B")]), ['panel "B" added: left 0, top 0, width 12, height 8']),
        (page(panels=[panel(1, "A"), panel(2, "B")]), page(panels=[panel(1, "A")]), ['panel "B" removed: left 0, top 0, width 12, height 8']),
        (page(panels=[panel(1, "A")]), page(panels=[panel(1, "A", type="stat")]), ['panel "A": kind of panel: timeseries → stat']),
        (
            page(panels=[panel(1, "A")]),
            page(panels=[panel(1, "A", fieldConfig={"defaults": {"unit": "ms"}, "overrides": []})]),
            ['panel "A": unit: s → ms'],
        ),
        (
            page(panels=[panel(1, "A", fieldConfig=thresholds(("green", None), ("red", 2)))]),
            page(panels=[panel(1, "A", fieldConfig=thresholds(("green", None), ("red", 3.5)))]),
            ['panel "A": thresholds: green from below, red from 2 → green from below, red from 3.5'],
        ),
        (
            page(panels=[panel(1, "A", targets=[{"refId": "A", "expr": "up"}])]),
            page(panels=[panel(1, "A", targets=[{"refId": "A", "expr": "sum(up)", "legendFormat": "all"}])]),
            ['panel "A": query A: up → sum(up)', 'panel "A": query A, legendFormat added: all'],
        ),
        (
            page(panels=[panel(1, "A", targets=[{"refId": "A", "expr": "up"}])]),
            page(panels=[panel(1, "A", targets=[{"refId": "B", "expr": "up"}])]),
            ['panel "A": query B added: up', 'panel "A": query A removed: up'],
        ),
        (
            page(templating={"list": [{"name": "model", "type": "query"}, {"name": "source", "type": "query"}]}),
            page(templating={"list": [{"name": "source", "type": "custom"}, {"name": "model", "type": "query"}]}),
            ["variable source, type: query → custom", 'order of variables: ["model", "source"] → ["source", "model"]'],
        ),
        (page(panels=[panel(1, "A", options={"legend": {"showLegend": True}})]), page(panels=[panel(1, "A", options={"legend": {"showLegend": False}})]), ['panel "A": options.legend.showLegend: true → false']),
        # A row that is opened keeps its panels.
        (
            page(panels=[{"id": 9, "type": "row", "title": "R", "collapsed": True, "panels": [panel(1, "A")]}]),
            page(panels=[{"id": 9, "type": "row", "title": "R", "collapsed": False, "panels": []}, panel(1, "A")]),
            ['row "R": collapsed: true → false'],
        ),
        # Two panels of one number are two panels.
        (page(panels=[panel(1, "A"), panel(1, "B")]), page(panels=[panel(1, "A")]), ['panel "B" removed: left 0, top 0, width 12, height 8']),
    ],
)  # fmt: skip
def test_words(before: dict[str, Any], after: dict[str, Any], expected: list[str]) -> None:
    """Titles, queries, units, thresholds and positions have words; what has none is told by its path."""
    assert expected == [str(change) for change in changes_between(before, after)]


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text("ab", max_size=2))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["refId", "name", "title", "expr", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
PANELS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(1, 3), "type": st.sampled_from(["row", "stat"])},
        optional={"title": st.text("ab", min_size=1, max_size=2), "targets": TREES, "fieldConfig": TREES, "gridPos": st.dictionaries(st.sampled_from("xywh"), st.integers(0, 3))},
    ),
    max_size=3,
)  # fmt: skip
PAGES = st.fixed_dictionaries(
    {"uid": st.just("llm-a"), "panels": PANELS},
    optional={"title": st.text("ab", max_size=2), "templating": TREES, "links": TREES, "annotations": TREES},
)  # fmt: skip


def told_of(content: dict[str, Any]) -> list[Any]:
    """What the order of panels does not change: it is told by their positions."""
    kept = canonical(content)
    return [*sorted(kept.pop("panels"), key=lambda each: (each["id"], str(each))), kept]


@given(PAGES, PAGES)
def test_nothing_that_differs_is_left_out(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Two dashboards without a difference say the same; two that say the same have none."""
    found = changes_between(before, after)

    if canonical(before) == canonical(after):
        assert () == found
    elif not found:
        assert told_of(before) == told_of(after)
