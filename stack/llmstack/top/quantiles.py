"""The quantile of a histogram, as `histogram_quantile` of Prometheus works it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isinf, nan


def added_up(histograms: Sequence[Mapping[float, float]]) -> dict[float, float]:
    """Return the sum of histograms, at the edges that all of them have."""
    if not histograms:
        return {}
    shared = set(histograms[0]).intersection(*histograms)
    return {edge: sum(each[edge] for each in histograms) for edge in sorted(shared)}


def quantile_of(share: float, buckets: Mapping[float, float]) -> float:
    """Return a quantile, by a straight line within its bucket.

    Beyond the last finite edge it is that edge, for nobody knows more; NaN where nothing was
    observed, or where there is no bucket up to infinity.

    Args:
        share: from 0 to 1.
        buckets: how many observations are up to each edge.
    """
    edges = sorted(buckets)
    if len(edges) < 2 or not isinf(edges[-1]):
        return nan
    # Pages are not read at one instant, so a lower bucket may have counted more.
    counts, highest = [], 0.0
    for edge in edges:
        highest = max(highest, buckets[edge])
        counts.append(highest)
    if not highest > 0 or highest == inf:
        return nan
    rank = share * highest
    at = next(number for number, count in enumerate(counts) if count >= rank)
    if at == len(edges) - 1:
        return edges[-2]
    if at == 0 and edges[0] <= 0:
        return edges[0]
    low, below = (0.0, 0.0) if at == 0 else (edges[at - 1], counts[at - 1])
    within = counts[at] - below
    return low if within == 0 else low + (edges[at] - low) * (rank - below) / within
