"""Counting what is wrong, so that zero is said while it is known that nothing is."""

from __future__ import annotations

from llmdash.promql.expressions import aggregate, count, or_zero
from llmdash.promql.nodes import Expr


def none_or(wrong: Expr, known: Expr) -> Expr:
    """Return how many series are wrong; zero while it is known what could be."""
    return or_zero(count(wrong), known)


def number_of(wrong: Expr, among: Expr) -> Expr:
    """Return how many series are wrong; zero where none is, no data where nothing is known."""
    return none_or(wrong, count(among))


def sources_of(series: Expr) -> Expr:
    """Return one series for each source, whatever its series say: sources of all roles count."""
    return aggregate("group", series, ("source",))
