"""Quantiles of histograms: by a straight line, as Prometheus draws it, and the bucket they lie in."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.scraping.histograms import Within, added_up, quantile


@pytest.mark.parametrize(
    ("share", "buckets", "expected"),
    [
        (0.5, {1: 10, 2: 20, inf: 20}, Within(1.0, 0.0, 1.0)),
        (0.75, {1: 10, 2: 20, inf: 20}, Within(1.5, 1.0, 2.0)),
        (0.25, {1: 10, 2: 20, inf: 20}, Within(0.5, 0.0, 1.0)),
        # Between edges that nothing is between.
        (0.95, {1: 0, 2: 0, 4: 100, inf: 100}, Within(3.9, 2.0, 4.0)),
        # Beyond the last edge nobody knows.
        (0.95, {1: 10, 2: 10, inf: 100}, Within(2.0, 2.0, inf)),
        (0.95, {-1: 10, 2: 10, inf: 10}, Within(-1.0, -inf, -1.0)),
        # Pages are not read at one instant.
        (0.5, {1: 10, 2: 8, 3: 20, inf: 20}, Within(1.0, 0.0, 1.0)),
        (0.95, {1: 0, inf: 0}, None),
        (0.95, {inf: 5}, None),
        (0.95, {1: 5, 2: 6}, None),
        (0.95, {}, None),
    ],
)
def test_a_quantile(share: float, buckets: dict[float, float], expected: Within | None) -> None:
    """Where nothing was observed, or where there is no bucket of infinity, there is none."""
    assert expected == quantile(share, buckets)


def test_histograms_are_added_where_all_have_the_edge() -> None:
    """One that ends earlier has counted what is beyond, and the other has not said how much of it."""
    older, newer = {1.0: 1.0, 2.0: 3.0, inf: 4.0}, {1.0: 10.0, 5.0: 20.0, inf: 20.0}

    assert {1.0: 11.0, inf: 24.0} == added_up([older, newer])
    assert {} == added_up([])


@given(
    st.lists(st.integers(0, 1000), min_size=2, max_size=20),
    st.floats(0, 1),
)
def test_it_is_within_the_edges(counts: list[int], share: float) -> None:
    """However observations fall, and it grows with the share."""
    total, buckets = 0, dict[float, float]()
    for number, count in enumerate(counts):
        total += count
        buckets[inf if number == len(counts) - 1 else float(number + 1)] = total
    within, last = quantile(share, buckets), quantile(1, buckets)

    assert (total == 0) == (within is None) == (last is None)
    if within is not None and last is not None:
        assert 0 <= within.above <= within.value <= min(within.up_to, len(counts) - 1)
        assert within.value <= last.value
