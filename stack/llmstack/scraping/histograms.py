"""Quantiles of histograms as Prometheus works them out, and how well they are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf


@dataclass(frozen=True)
class Within:
    """A quantile, and the bucket in which it lies: more than that nobody knows of it."""

    #: On a straight line through the bucket; beyond the last finite edge that edge.
    value: float
    above: float
    up_to: float


def quantile(share: float, buckets: Mapping[float, float]) -> Within | None:
    """Return a quantile; None where nothing was observed, or no bucket is up to infinity.

    Args:
        share: from 0 to 1.
        buckets: how many observations are up to each edge.
    """
    edges = sorted(buckets)
    if len(edges) < 2 or not isinf(edges[-1]):
        return None
    # Pages are not read at one instant, so a lower bucket may have counted more.
    rising, highest = [], 0.0
    for edge in edges:
        highest = max(highest, buckets[edge])
        rising.append(highest)
    if not highest > 0 or highest == inf:
        return None
    rank = share * highest
    place = next(number for number, count in enumerate(rising) if count >= rank)
    if place == len(edges) - 1:
        return Within(edges[-2], edges[-2], inf)
    if place == 0 and edges[0] <= 0:
        return Within(edges[0], -inf, edges[0])
    above, below = (edges[place - 1], rising[place - 1]) if place else (0.0, 0.0)
    inside = rising[place] - below
    value = above + (edges[place] - above) * ((rank - below) / inside if inside else 0.0)
    return Within(value, above, edges[place])


def added_up(histograms: Sequence[Mapping[float, float]]) -> dict[float, float]:
    """Return the sum of histograms (counts by edge), at the edges that all of them have."""
    if not histograms:
        return {}
    shared = set(histograms[0]).intersection(*histograms)
    return {edge: sum(each[edge] for each in histograms) for edge in sorted(shared)}
