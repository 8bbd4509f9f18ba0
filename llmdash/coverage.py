"""Which families of a source the content of a pack reads, and which nobody looks at.

A page counts for the source that it is of, a shared one for every source that exposes what it
reads. Variables and events do not count: they name a family and show nothing of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llmdash.dashboards.dashboard import Dashboard
from llmdash.metrics.metric import Metric, Needs
from llmdash.promql.nodes import Expr
from llmdash.promql.rewrite import selectors
from llmdash.recordings import RuleGroup
from llmdash.sources.source import Source

#: What a machine has or has not; a family that needs no more than these is there by default.
HARDWARE = frozenset(
    {
        Needs.GPU,
        Needs.PROFILING_MODULE,
        Needs.NVLINK,
        Needs.VGPU,
        Needs.MEMORY_SENSOR,
        Needs.ECC_MEMORY,
        Needs.ROW_REMAPPING,
        Needs.PAGE_RETIREMENT,
    }
)


@dataclass(frozen=True)
class Coverage:
    """The families of one source, and the names of those that a panel or a rule reads."""

    source: Source
    used: frozenset[str]

    @property
    def by_default(self) -> tuple[Metric, ...]:
        """The families that the exporter shows where nobody has set anything."""
        return tuple(metric for metric in self.source.metrics if HARDWARE.issuperset(metric.needs))

    @property
    def unused(self) -> tuple[Metric, ...]:
        """The families that no panel and no rule reads."""
        return tuple(metric for metric in self.source.metrics if metric.name not in self.used)

    def used_of(self, metrics: Iterable[Metric]) -> int:
        """Return how many of some families are read."""
        return sum(metric.name in self.used for metric in metrics)

    def share_of(self, metrics: Iterable[Metric]) -> float:
        """Return which share of some families, of which there is at least one, is read."""
        families = tuple(metrics)
        return self.used_of(families) / len(families)

    def catalogue_name(self, metric: Metric) -> str:
        """Return a family's name in the catalogue, whatever prefix it has here."""
        catalogue, spoken = self.source.dialect.prefix
        if spoken and metric.name.startswith(spoken):
            return catalogue + metric.name.removeprefix(spoken)
        return metric.name


def coverage_of(
    source: Source, pages: Iterable[Dashboard], groups: Iterable[RuleGroup]
) -> Coverage:
    """Return what these pages and recordings read of a source."""
    read = {family for expression in _shown(pages) for family in families_in(expression)}
    for group in groups:
        read.update(f for recording in group.recordings for f in families_in(recording.expr))
    return Coverage(source, frozenset(read & {metric.name for metric in source.metrics}))


def families_in(expression: Expr) -> Iterator[str]:
    """Yield the families that an expression reads."""
    return (selector.series.family for selector in selectors(expression))


def _shown(pages: Iterable[Dashboard]) -> Iterator[Expr]:
    """Yield what panels ask that explain themselves: one text for many panels is a list."""
    for page in pages:
        texts = Counter(panel.description for panel in page.panels())
        for panel in page.panels():
            if panel.description and texts[panel.description] == 1:
                yield from (query.expr for query in panel.queries)
