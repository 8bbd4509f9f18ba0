"""How much lies outside of what buckets can tell: beyond the last edge, or below the first.

Each source has edges of its own, and none is ever compared with another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from llmdash.dashboards.panels import Column, LabelColumn, Panel, Query, Stat, Table, TimeSeries
from llmdash.dashboards.policy import BEYOND
from llmdash.dashboards.style import shade
from llmdash.layer import Layer
from llmdash.levels import BY_SOURCE
from llmdash.promql.expressions import at_most, first_of, greatest, one_of, total
from llmdash.promql.nodes import Expr
from llmdash.signals import signal
from llmdash.sources.source import Source

#: The latencies that are read off buckets, and what a column of them is called.
LATENCIES = (
    ("time_to_first_token", "TTFT"),
    ("inter_token_latency", "Inter-token"),
    ("end_to_end_latency", "End to end"),
    ("queue_time", "Queue"),
)


@dataclass(frozen=True)
class Reach:
    """Asks the recorded buckets of one latency how much they do not tell."""

    layer: Layer
    name: str

    @property
    def sources(self) -> tuple[Source, ...]:
        """Return the sources with buckets whose ends are known."""
        return tuple(
            source for source in self.layer.answering(self.name, buckets=True) if self.edges(source)
        )

    def edges(self, source: Source) -> tuple[float, ...]:
        """Return the edges of one source; none where they differ from model to model."""
        known = self.layer.buckets(self.name).where(source=source.name).facts.edges
        return () if known is None or known.varies_by else known.values

    def beyond(self) -> Expr:
        """Return the share above the last edge, by source."""
        return first_of(*(1 - each for each in self._up_to(max)))

    def below(self) -> Expr:
        """Return the share up to the first edge, by source."""
        return first_of(*self._up_to(min))

    def _up_to(self, end: Callable[[Iterable[float]], float]) -> Iterator[Expr]:
        """Yield the share up to one end, of all sources together that have the same."""
        sources: dict[float, list[str]] = {}
        for source in self.sources:
            sources.setdefault(end(self.edges(source)), []).append(source.name)
        everything = total(self.layer.counts(self.name), BY_SOURCE)
        for edge, names in sources.items():
            buckets = self.layer.buckets(self.name).where(one_of("source", names))
            yield total(at_most(buckets, edge), BY_SOURCE) / everything

    @property
    def ends(self) -> str:
        """Say where the buckets of each source begin and end."""
        each = (
            f"{source.name} {min(self.edges(source)):g} to {max(self.edges(source)):g} s"
            for source in self.sources
        )
        return ", ".join(each)


def reaches(layer: Layer) -> tuple[Reach, ...]:
    """Return the latencies that some source of the pack has buckets of."""
    return tuple(
        reach
        for reach in (Reach(layer, name) for name, _ in LATENCIES)
        if layer.has(reach.name, buckets=True) and reach.sources
    )


def reach_tiles(layer: Layer) -> Iterator[Panel]:
    """Yield whether high quantiles can be read at all."""
    titles = dict(LATENCIES)
    queries = tuple(
        Query(reach.name.replace("_", "-"), greatest(reach.beyond()), titles[reach.name])
        for reach in reaches(layer)
    )
    if queries:
        yield Stat(
            key="beyond-now",
            title="Beyond the last bucket, worst source",
            description="Share of observations above the last bucket edge. From 1 % on p99 is no "
            "number any more but that edge, from 5 % p95. Set wider buckets on the server, tell "
            "the source with edges=, or read the mean.",
            queries=queries,
            thresholds=BEYOND,
            width=8,
        )


def reach_panels(layer: Layer) -> Iterator[Panel]:
    """Yield the shares of each source: now in a table, then over time."""
    found, titles = reaches(layer), dict(LATENCIES)
    if not found:
        return
    queries, beyond, below = [], [], []
    for reach in found:
        title, key = titles[reach.name], reach.name.replace("_", "-")
        queries += [Query(f"{key}-beyond", reach.beyond()), Query(f"{key}-below", reach.below())]
        beyond.append(Column(f"{key}-beyond", f"{title}, beyond", thresholds=BEYOND))
        below.append(Column(f"{key}-below", f"{title}, in the first"))
    yield Table(
        key="reach",
        title="Outside of the buckets",
        description="For each source, the share of observations beyond its last edge (quantiles "
        "stop there) and in its first bucket (where a quantile is a guess between zero and the "
        "edge). Much in the first bucket is a fast server with coarse buckets: compare means "
        "there. A cell without data is a source that has no such buckets.",
        by=(LabelColumn("source", "Source"), LabelColumn("role", "Role")),
        queries=tuple(queries),
        columns=(*beyond, *below),
        sort_by=beyond[0].title,
        height=8,
    )


def reach_graphs(layer: Layer) -> Iterator[Panel]:
    """Yield since when a latency is beyond its buckets, and how much is in the first of them."""
    for reach in reaches(layer):
        asked, key = signal(reach.name), reach.name.replace("_", "-")
        yield TimeSeries(
            key=f"{key}-outside",
            title=f"{asked.title}, outside of the buckets",
            description="Share of observations beyond the last edge and in the first bucket. Where "
            "the former rises, quantiles lie flat on the edge while it gets worse. First and last "
            f"edges: {reach.ends}.",
            queries=(
                Query(
                    "beyond",
                    reach.beyond(),
                    "{{role}} {{source}} beyond",
                    color=shade(reach.name, 0.99),
                ),
                Query(
                    "below",
                    reach.below(),
                    "{{role}} {{source}} in the first",
                    color=shade(reach.name, 0.5),
                ),
            ),
            zoomed=True,
        )
