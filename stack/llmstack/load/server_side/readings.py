"""What an engine's samples say: its histograms, counts and gauges, of one model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite

from llmstack.load.server_side.histograms import Buckets
from llmstack.scraping.engines import Engine
from llmstack.scraping.families import Families, Family
from llmstack.scraping.samples import Sample


@dataclass(frozen=True)
class Queues:
    """How much a server has to do; None for what it does not tell."""

    running: float | None = None
    waiting: float | None = None
    #: Of the fullest of its caches, from 0 to 1.
    kv_cache: float | None = None

    @property
    def is_empty(self) -> bool | None:
        """Whether nothing is there; None where nobody knows: what waits is not all there is."""
        if self.running or self.waiting:
            return False
        return None if self.running is None else True


@dataclass(frozen=True)
class Reading:
    """Samples of an engine."""

    engine: Engine
    model: str
    samples: Sequence[Sample]

    def histogram(self, metric: str) -> Buckets | None:
        """Return a histogram (ttft, itl, tpot, e2e) in seconds; None where there is none."""
        for family in self.engine.latencies.get(metric, ()):
            counts: dict[float, float] = defaultdict(float)
            total = 0.0
            for sample in self._of(family):
                if sample.name.endswith("_bucket"):
                    edge = float(sample.labels.get("le", "nan"))
                    counts[edge * family.scale if isfinite(edge) else inf] += sample.value
                elif sample.name.endswith("_sum"):
                    total += sample.value * family.scale
            if inf in counts:
                edges = tuple(sorted(counts))
                return Buckets(edges, tuple(counts[edge] for edge in edges), total)
        return None

    def count(self, families: Families) -> float | None:
        """Return the sum of the first family that is there."""
        values = self._values(families)
        return sum(values) if values else None

    @property
    def queues(self) -> Queues:
        """How much it has to do."""
        engine = self.engine
        caches = self._values(engine.kv_cache)
        return Queues(
            self.count(engine.running), self.count(engine.waiting), max(caches) if caches else None
        )

    @property
    def movement(self) -> tuple[float | None, ...]:
        """What grows while it works: equal twice in a row, it does nothing."""
        histograms = map(self.histogram, self.engine.latencies)
        counts = [None if each is None else each.count for each in histograms]
        return (*counts, self.count(self.engine.answer_tokens))

    def _values(self, families: Families) -> list[float]:
        for family in families:
            found = [sample.value * family.scale for sample in self._of(family)]
            if found:
                return [value for value in found if isfinite(value)]
        return []

    def _of(self, family: Family) -> Iterator[Sample]:
        names = family.names
        chosen = [
            sample
            for sample in self.samples
            if sample.name in names and family.holds(sample.labels)
        ]
        label = self.engine.model_label
        # An ensemble's parts have names of their own, and so have adapters: then all count.
        own = [sample for sample in chosen if sample.labels.get(label) == self.model]
        yield from own or chosen
