"""What a server's own histogram counted between two looks, and how well its quantiles are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite


@dataclass(frozen=True)
class Within:
    """A quantile, and the bucket in which it lies: more than that nobody knows of it."""

    #: As Prometheus tells it: on a line through the bucket.
    value: float
    above: float
    up_to: float


@dataclass(frozen=True)
class Buckets:
    """Counts up to each edge (`inf` last), the sum of all values, in base units."""

    edges: tuple[float, ...]
    #: Each counts all values up to its edge.
    counts: tuple[float, ...]
    total: float

    @property
    def count(self) -> float:
        """How many values there are."""
        return self.counts[-1] if self.counts else 0.0

    @property
    def mean(self) -> float | None:
        """Their mean, which is exact; None where there is none."""
        return self.total / self.count if self.count else None

    def since(self, before: Buckets) -> Buckets | None:
        """Return what was counted since; None where the server began anew in between."""
        if not before.counts:
            return self
        if before.edges != self.edges:
            return None
        counts = tuple(now - then for now, then in zip(self.counts, before.counts, strict=True))
        if min(counts) < 0:
            return None
        return Buckets(self.edges, counts, self.total - before.total)

    def quantile(self, share: float) -> Within | None:
        """Return a quantile; None where there are no values.

        Args:
            share: 0.5 for the median.
        """
        if not self.count:
            return None
        rank = share * self.count
        place = next(number for number, count in enumerate(self.counts) if count >= rank)
        above = self.edges[place - 1] if place else 0.0
        up_to = self.edges[place]
        below = self.counts[place - 1] if place else 0.0
        inside = self.counts[place] - below
        if not isfinite(up_to):
            # Nobody knows how far beyond the last edge.
            return Within(above, above, inf)
        value = above + (up_to - above) * ((rank - below) / inside if inside else 1.0)
        return Within(value, above, up_to)


def together(all_of: Sequence[Buckets]) -> Buckets | None:
    """Return histograms as one; None where there are none, or their edges differ."""
    if not all_of or len({each.edges for each in all_of}) > 1:
        return None
    counts = tuple(sum(each) for each in zip(*(one.counts for one in all_of), strict=True))
    return Buckets(all_of[0].edges, counts, sum(each.total for each in all_of))
