"""Quantiles of what a server counted in between, and how well they are known."""

from __future__ import annotations

from math import inf

import pytest

from llmstack.load.server_side.histograms import Buckets, together
from llmstack.scraping.histograms import Within

EDGES = (0.1, 0.5, 1.0, inf)
BEFORE = Buckets(EDGES, (1.0, 1.0, 2.0, 3.0), 9.0)
AFTER = Buckets(EDGES, (1.0, 9.0, 12.0, 13.0), 15.0)


def test_what_was_counted_since_is_a_difference() -> None:
    """Ten more, eight of them up to half a second, and 6 seconds in all."""
    found = AFTER.since(BEFORE)

    assert Buckets(EDGES, (0.0, 8.0, 10.0, 10.0), 6.0) == found
    assert found is not None
    assert (10.0, 0.6) == (found.count, found.mean)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.5, Within(0.35, 0.1, 0.5)), (0.8, Within(0.5, 0.1, 0.5)), (0.95, Within(0.875, 0.5, 1.0))],
)
def test_a_quantile_lies_in_a_bucket(share: float, expected: Within) -> None:
    """On a line through it, as Prometheus has it."""
    found = AFTER.since(BEFORE)
    assert found is not None
    quantile = found.quantile(share)

    assert quantile is not None
    assert expected.value == pytest.approx(quantile.value)
    assert (expected.above, expected.up_to) == (quantile.above, quantile.up_to)


def test_beyond_the_last_edge_nobody_knows() -> None:
    """Only that it is above."""
    assert Within(1.0, 1.0, inf) == Buckets(EDGES, (0.0, 0.0, 0.0, 4.0), 99.0).quantile(0.5)


def test_a_server_that_began_anew_has_no_difference() -> None:
    """Its counts are fewer, or have other edges."""
    assert BEFORE.since(AFTER) is None
    assert AFTER.since(Buckets((0.2, inf), (1.0, 1.0), 1.0)) is None


def test_nothing_has_no_quantile() -> None:
    """And no mean."""
    empty = Buckets(EDGES, (0.0,) * 4, 0.0)

    assert (None, None) == (empty.quantile(0.5), empty.mean)
    assert AFTER == AFTER.since(Buckets((), (), 0.0))


def test_histograms_of_rounds_are_added_up() -> None:
    """Where they have the same edges."""
    assert Buckets(EDGES, (2.0, 10.0, 14.0, 16.0), 24.0) == together([BEFORE, AFTER])
    assert together([BEFORE, Buckets((0.2, inf), (1.0, 1.0), 1.0)]) is None
    assert together([]) is None
