"""Counting what is wrong, so that zero is said while it is known that nothing is."""

from __future__ import annotations

from llmdash.promql.expressions import aggregate, count, first_of
from llmdash.promql.nodes import Expr


def number_of(wrong: Expr, among: Expr) -> Expr:
    """Return how many series are wrong; zero where none is, no data where nothing is known."""
    return first_of(count(wrong), count(among) * 0)


def sources_of(series: Expr) -> Expr:
    """Return one series for each source, whatever its series say: sources of all roles count."""
    return aggregate("group", series, ("source",))
