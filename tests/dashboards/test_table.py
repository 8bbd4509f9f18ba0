"""A table fits its queries together line by line, or says why it cannot."""

from __future__ import annotations

import pytest

from llmdash.dashboards.panels import Column, LabelColumn, Mapping, Query, Table, Threshold
from llmdash.errors import DashboardError
from llmdash.promql.expressions import total
from llmdash.promql.units import COUNT, REQUESTS, TOKENS
from tests.dashboards.examples import INFO, WAITING, tokens, waiting

QUERIES = (Query("waiting", waiting()), Query("tokens", tokens()))
COLUMNS = (Column("waiting", "Waiting"), Column("tokens", "Tokens"))


def table(**changes: object) -> Table:
    fields: dict[str, object] = {
        "key": "models",
        "title": "Models",
        "queries": QUERIES,
        "by": ("model",),
        "columns": COLUMNS,
        **changes,
    }
    return Table(**fields)  # type: ignore[arg-type]  # the fields are named by each test


def test_each_column_has_its_own_unit() -> None:
    """A table has no unit for all; a column has its query's, or the one that it is given."""
    found = table(columns=(Column("waiting", "Waiting", unit=COUNT), COLUMNS[1]))

    assert found.shown_unit is None
    assert [COUNT, TOKENS.per_second] == [found.unit_of(column) for column in found.columns]
    assert REQUESTS == table().unit_of(COLUMNS[0])


def test_a_label_column_is_titled_by_its_label() -> None:
    """Where no title is given, the label in words is one."""
    assert "Block size" == LabelColumn("block_size").title


def test_a_column_names_a_value_once() -> None:
    """Of two names for one code a reader would see one, and nobody knows which."""
    twice = (Mapping(7, "seven", "red"), Mapping(7, "again", "red"))

    with pytest.raises(DashboardError, match="a mapping for each state, once"):
        Column("waiting", "Waiting", mappings=twice)


def test_an_info_series_needs_no_column_of_values() -> None:
    """A table of one query may show labels only: the value of an info series is always 1."""
    found = table(queries=(Query("info", INFO.select()),), by=("model", "cache_dtype"), columns=())

    assert ("model", "cache_dtype") == tuple(column.label for column in found.label_columns)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": COLUMNS[:1]}, "a column for each of waiting, tokens, got columns of waiting"),
        ({"columns": (Column("waitin", "W"),)}, "a column of one of its queries, got waitin; did you mean waiting?"),
        ({"columns": (COLUMNS[0], Column("tokens", "Waiting"))}, "column titles that differ"),
        ({"sort_by": "Wating"}, "a column to sort by, got 'Wating'; did you mean Waiting?"),
        ({"by": ()}, "label columns that differ, got none"),
        ({"by": ("model", LabelColumn("model"))}, "label columns that differ"),
        ({"unit": COUNT}, "units on columns"),
        (
            {"queries": (QUERIES[0], Query("tokens", total(WAITING.select(), ["model", "engine"])))},
            "series by model, as the table's lines are, got by engine, model",
        ),
        (
            {"columns": (Column("waiting", "W", thresholds=(Threshold(-3, "red"),)), COLUMNS[1])},
            "thresholds from 0 to , got -3",
        ),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_together_is_refused(
    changes: dict[str, object], message: str
) -> None:
    """Lines of unlike labels do not meet, and a column without a query is empty."""
    with pytest.raises(DashboardError) as caught:
        table(**changes)

    assert message in str(caught.value)
