"""Rows go from one page to another with some of their panels, or with more."""

from __future__ import annotations

import pytest

from llmdash.dashboards.dashboard import Row
from llmdash.dashboards.panel_rows import extended, panel_keys, picked, without
from llmdash.errors import DashboardError
from tests.dashboards.examples import time_series

ROWS = (
    Row(key="one", title="One", panels=(time_series("a"), time_series("b"))),
    Row(key="two", title="Two", panels=(time_series("c"),), collapsed=True),
)


def keys(rows: tuple[Row, ...]) -> list[tuple[str, list[str]]]:
    return [(row.key, [panel.key for panel in row.panels]) for row in rows]


def test_panels_are_picked_in_the_order_asked() -> None:
    """A page says in which order its reader looks; what a source lacks is passed over."""
    assert ["c", "a"] == [panel.key for panel in picked(ROWS, ("c", "nowhere", "a"))]


def test_a_row_without_panels_goes() -> None:
    """What stands elsewhere already is left out, and no empty heading stays behind."""
    left = tuple(without(ROWS, {"a", "c"}))

    assert [("one", ["b"])] == keys(left)
    assert frozenset({"a", "b", "c"}) == panel_keys(ROWS)


def test_more_panels_come_last_or_in_place() -> None:
    """A new panel ends its row; one of a known key stands where the other stood, as it was."""
    better = time_series("a", title="Better")

    found = extended(ROWS, "one", (time_series("d"), better))

    assert [("one", ["a", "b", "d"]), ("two", ["c"])] == keys(found)
    assert "Better" == found[0].panels[0].title
    assert found[1] is ROWS[1]


def test_a_row_that_is_not_there_is_named() -> None:
    """Panels for a row that nobody has would vanish in silence."""
    with pytest.raises(DashboardError, match="one of one, two, got three"):
        extended(ROWS, "three", ())
