"""What a server's own histogram counted between two looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmstack.scraping.histograms import Within, quantile


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
        """Return a quantile, 0.5 for the median; None where there are no values."""
        return quantile(share, dict(zip(self.edges, self.counts, strict=True)))


def together(all_of: Sequence[Buckets]) -> Buckets | None:
    """Return histograms as one; None where there are none, or their edges differ."""
    if not all_of or len({each.edges for each in all_of}) > 1:
        return None
    counts = tuple(sum(each) for each in zip(*(one.counts for one in all_of), strict=True))
    return Buckets(all_of[0].edges, counts, sum(each.total for each in all_of))
