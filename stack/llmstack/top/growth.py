"""What counters of one server have grown by from one page to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmstack.scraping.families import Labels
from llmstack.scraping.samples import Sample
from llmstack.top.page import Page

#: The label of a bucket's upper edge.
EDGE = "le"

_Key = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Growth:
    """Two pages of one server, and the seconds between them."""

    before: Page
    after: Page
    seconds: float

    def rates(self, name: str) -> tuple[Sample, ...]:
        """Return what each series of a name grows by in a second.

        A counter that is less than before began again at zero, and so did one that was not there:
        the server would have shown it.
        """
        before = {_key(sample.labels): sample.value for sample in self.before.samples(name)}
        found = []
        for sample in self.after.samples(name):
            grown = _grown(before.get(_key(sample.labels), 0.0), sample.value)
            found.append(Sample(name, sample.labels, grown / self.seconds))
        return tuple(found)

    def buckets(self, name: str) -> tuple[tuple[Labels, Mapping[float, float]], ...]:
        """Return for each histogram what the buckets up to each edge grow by in a second.

        All buckets of one histogram began again if one of them did.
        """
        before = _histograms(self.before.samples(name))
        found = []
        for key, now in _histograms(self.after.samples(name)).items():
            then = before.get(key, {})
            if any(now.get(edge, 0.0) < value for edge, value in then.items()):
                then = {}
            grown = {edge: (now[edge] - then.get(edge, 0.0)) / self.seconds for edge in now}
            found.append((dict(key), grown))
        return tuple(found)


def _key(labels: Labels) -> _Key:
    return frozenset(labels.items())


def _grown(before: float, now: float) -> float:
    return now - before if now >= before else now


def _histograms(samples: tuple[Sample, ...]) -> dict[_Key, dict[float, float]]:
    found: dict[_Key, dict[float, float]] = {}
    for sample in samples:
        labels = dict(sample.labels)
        try:
            edge = float(labels.pop(EDGE))
        except (KeyError, ValueError):
            # A series of that name that is no bucket.
            continue
        found.setdefault(_key(labels), {})[edge] = sample.value
    return found
