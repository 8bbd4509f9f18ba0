"""Rows, annotations and links refuse what could not be shown."""

from __future__ import annotations

import pytest

from llmdash.dashboards.dashboard import Annotation, Link, Row
from llmdash.errors import DashboardError
from llmdash.promql.expressions import greatest, total
from tests.dashboards.examples import STARTED, TOKENS_OUT, WAITING, time_series


@pytest.mark.parametrize("uid", ["Inn", "inn_fleet", "", "a" * 41, "-inn"])
def test_a_uid_that_grafana_refuses_is_refused_here(uid: str) -> None:
    """Uids are small letters, digits and hyphens, at most 40 of them."""
    with pytest.raises(DashboardError, match="at most 40"):
        Link(title="Fleet", uid=uid)


def test_a_row_is_not_empty() -> None:
    """A heading without panels says nothing."""
    with pytest.raises(DashboardError, match="row first: expected a panel, got none"):
        Row(key="first", title="First", panels=())
    with pytest.raises(DashboardError, match="row first: expected a title, got none"):
        Row(key="first", title="", panels=(time_series(),))


def test_an_annotation_shows_labels_that_are_there() -> None:
    """A misspelled label would leave a hole in the text."""
    expression = total(WAITING.select(), ["model"])

    with pytest.raises(
        DashboardError, match=r"a label out of model, got modle; did you mean model\?"
    ):
        Annotation(key="busy", name="Busy", expr=expression, title="{{modle}}")


def test_an_annotation_of_moments_needs_moments() -> None:
    """Only a value that is a time can place an event."""
    started = Annotation(
        key="start",
        name="Start",
        expr=greatest(STARTED.select()),
        title="Start",
        time_is_value=True,
    )

    assert started.time_is_value
    with pytest.raises(DashboardError, match="a value in unix seconds, got requests"):
        Annotation(
            key="start", name="Start", expr=total(WAITING.select()), title="S", time_is_value=True
        )


def test_an_annotation_of_a_counter_is_refused() -> None:
    """A counter is above zero for ever, and would mark every moment."""
    with pytest.raises(DashboardError, match="take its increase first"):
        Annotation(key="tokens", name="Tokens", expr=TOKENS_OUT.select(), title="T")
