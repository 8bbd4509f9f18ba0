"""A metrics page of a running server, with each name as Prometheus stores it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.samples import Sample

from tests.exposition import Family, read_exposition
from tests.live.process import direct_session


@dataclass(frozen=True)
class Exposition:
    """The families of one page."""

    families: dict[str, Family]

    def samples(self) -> Iterator[Sample]:
        """Yield every sample, under the name that its series is stored by."""
        for family in self.families.values():
            yield from family.samples

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples that have this name and these labels; 0 where there are none."""
        return sum(
            sample.value
            for sample in self.samples()
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def is_positive(self, family: str) -> bool:
        """Whether any sample of the family is a number above zero."""
        found = self.families.get(family)
        return found is not None and any(
            sample.value > 0 and not math.isnan(sample.value) for sample in found.samples
        )


def fetch_exposition(url: str) -> Exposition:
    """Get a metrics page and parse it as its content type says."""
    with direct_session() as session:
        answer = session.get(url, timeout=10)
    answer.raise_for_status()
    return Exposition(read_exposition(answer.text, answer.headers.get("Content-Type", "")))
