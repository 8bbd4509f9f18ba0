"""Bucket edges: all spellings of each, the nearest ones, and what several sources share."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmdash.errors import PromqlError
from llmdash.promql.edges import Edges, edges_named, le_pattern, spellings
from llmdash.promql.units import SECONDS, TOKENS

SPELLINGS = (
    (5, ("5", "5.0")),
    (2.5, ("2.5",)),
    (0.3, ("0.3",)),
    (0, ("0", "0.0")),
    (0.0001, ("0.0001",)),
    # Go, Python and Prometheus use an exponent here; Triton and Rust write them out.
    (0.00001, ("0.00001", "1e-05")),
    (1.5e-05, ("0.000015", "1.5e-05")),
    (131072, ("131072", "131072.0")),
    (1_000_000, ("1000000", "1000000.0", "1e+06")),
    (1_048_576, ("1.048576e+06", "1048576", "1048576.0")),
    (0.123456789, ("0.123456789",)),
    (float("inf"), ("+Inf",)),
)


@pytest.mark.parametrize(("edge", "expected"), SPELLINGS)
def test_edges_have_several_spellings(edge: float, expected: tuple[str, ...]) -> None:
    """One edge is written in as many ways as there are clients."""

    assert expected == spellings(edge)


edges_drawn = st.floats(1e-9, 1e15, allow_nan=False) | st.integers(0, 10**15).map(float)


@settings(derandomize=True, database=None, deadline=None)
@given(st.lists(edges_drawn, min_size=1, max_size=5))
def test_a_pattern_matches_every_spelling_and_reads_back(edges: list[float]) -> None:
    """The pattern is exact: each spelling is that very number."""
    pattern = le_pattern((*edges, float("inf")))
    texts = [text for edge in edges for text in spellings(edge)]

    assert all(re.fullmatch(pattern, text) for text in texts)
    assert set(edges) == {float(text) for text in texts}
    assert (*sorted(set(edges)), float("inf")) == edges_named(pattern)


def test_patterns_by_hand_are_read() -> None:
    """A point may be optional, as people write it."""

    assert (2.5, 5, float("inf")) == edges_named(r"5(\.0)?|2\.5|\+Inf")


@pytest.mark.parametrize("pattern", [".+", "", "nan", "infinity", "1_0", " 5", "5|", "-Inf"])
def test_other_patterns_are_refused(pattern: str) -> None:
    """What does not list edges cannot be checked."""
    with pytest.raises(PromqlError, match=r"expected numbers joined by \| in a matcher on le"):
        edges_named(pattern)


@pytest.mark.parametrize("values", [(1.0, 0.5), (1.0, 1.0), (1.0, float("inf")), (float("nan"),)])
def test_edges_ascend_and_are_finite(values: tuple[float, ...]) -> None:
    """`+Inf` is always there and is not listed."""
    with pytest.raises(PromqlError):
        Edges(values, SECONDS)


NEAREST = (
    (2, "the nearest edges are 1 and 2.5"),
    (0.1, "the nearest edge is 1"),
    (10, "the nearest edge is 5"),
)


@pytest.mark.parametrize(("threshold", "said"), NEAREST)
def test_the_nearest_edges_are_named(threshold: float, said: str) -> None:
    """One below and one above, where there are."""

    assert said == Edges((1.0, 2.5, 5.0), SECONDS).nearest(threshold)


def test_long_numbers_are_not_cut_short() -> None:
    """Two edges never look alike in a message."""
    with pytest.raises(PromqlError) as caught:
        Edges((1_048_576.0,), TOKENS).require(1_048_577, "a threshold")

    assert "expected a bucket edge in a threshold, got 1048577; the nearest edge is 1048576" == str(
        caught.value
    )


def test_sources_share_edges() -> None:
    """The values are those that all have; the edges differ by source until one is pinned."""
    shared = Edges.of_sources(
        {"b": Edges((1.0, 2.0, 8.0), SECONDS), "a": Edges((1.0, 4.0), SECONDS)}
    )

    assert ((1.0,), frozenset({"source"})) == (shared.values, shared.varies_by)
    assert Edges((1.0, 2.0, 8.0), SECONDS) == shared.pinned("b")
    assert Edges((1.0, 2.0, 8.0), SECONDS) == shared.among("b".__eq__)
    assert shared == shared.among("ab".__contains__)
    assert 8 == shared.top


def test_equal_sources_do_not_vary() -> None:
    """Two sources with the same edges can be added up."""

    assert (
        frozenset() == Edges.of_sources({name: Edges((1.0,), SECONDS) for name in "ab"}).varies_by
    )


def test_some_sources_share_more() -> None:
    """Of those that a pattern chooses the edges are those that they share, and vary as before."""
    each = {"a": (1.0, 4.0), "b": (1.0, 2.0, 8.0), "c": (1.0, 2.0, 8.0)}
    found = Edges.of_sources(
        {name: Edges(values, SECONDS, frozenset({"model"})) for name, values in each.items()}
    ).among("bc".__contains__)

    assert ((1.0, 2.0, 8.0), frozenset({"model"})) == (found.values, found.varies_by)


def test_sources_measure_in_one_unit() -> None:
    """Seconds and tokens share no edge."""
    with pytest.raises(PromqlError) as caught:
        Edges.of_sources({"a": Edges((1.0,), SECONDS), "b": Edges((1.0,), TOKENS)})

    assert (
        "expected edges in one unit in a histogram of several sources, got seconds and tokens"
        == str(caught.value)
    )


def test_the_top_is_unknown_where_edges_vary() -> None:
    """A model that ends earlier has fewer edges, and one that ends later more."""

    assert Edges((1.0,), TOKENS, frozenset({"model_name"})).top is None
