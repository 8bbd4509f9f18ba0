"""A histogram that costs little to observe, for what happens with every token.

The library's goes through its buckets one by one and takes a lock for each observation; this one
finds the bucket by bisection. It belongs to one thread, that of the event loop.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Series:
    """What was observed under one set of labels."""

    __slots__ = ("_counts", "_edges", "_sum")

    def __init__(self, edges: Sequence[float]) -> None:
        """Begin with nothing."""
        self._edges, self._sum = edges, 0.0
        # The last is beyond all edges.
        self._counts = [0] * (len(edges) + 1)

    def observe(self, value: float) -> None:
        """Count a value into the first bucket whose edge is not below it."""
        self._counts[bisect_left(self._edges, value)] += 1
        self._sum += value

    def extend(self, values: Iterable[float]) -> None:
        """Count values, which costs two thirds of observing each."""
        edges, counts, total = self._edges, self._counts, 0.0
        for value in values:
            counts[bisect_left(edges, value)] += 1
            total += value
        self._sum += total

    def told(self) -> tuple[list[tuple[str, float]], float]:
        """Return the counts up to each edge, and the sum, as an exposition has them."""
        buckets, below = [], 0
        for edge, count in zip((*self._edges, float("inf")), self._counts, strict=True):
            below += count
            # The library spells numbers so.
            text = floatToGoString(edge)  # type: ignore[no-untyped-call]
            buckets.append((text, float(below)))
        return buckets, self._sum


class Histogram(Collector):
    """Series by their labels."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str],
        edges: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        """Register it.

        Args:
            name: as it is shown.
            documentation: one line of it.
            labels: their names.
            edges: upper edges of the buckets, rising; the one of infinity is added.
            registry: where it is shown.
        """
        self._name, self._documentation = name, documentation
        self._labels, self._edges = tuple(labels), tuple(edges)
        self._series: dict[tuple[str, ...], Series] = {}
        if not self._labels:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> Series:
        """Return the series of these values, in the order of the labels."""
        found = self._series.get(values)
        if found is None:
            if len(values) != len(self._labels):
                raise ValueError(f"{self._name}: expected {self._labels}, got {values}")
            found = self._series[values] = Series(self._edges)
        return found

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield all series, for the page."""
        family = self._family()
        for values, series in self._series.items():
            buckets, total = series.told()
            family.add_metric(values, buckets, total)
        yield family

    def describe(self) -> Iterator[HistogramMetricFamily]:
        """Yield its name alone."""
        yield self._family()

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
