"""Whether what is counted agrees: latencies with running requests, a gateway with its engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmdash.dashboards.counted import number_of, sources_of
from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import ANY, FEWEST_AT_ONCE, HOUR, LITTLE, LITTLE_BAND
from llmdash.dashboards.style import source_colors
from llmdash.layer import Layer
from llmdash.promql.expressions import (
    call,
    counted_as,
    first_of,
    greatest,
    joined,
    one_of,
    over_time,
    total,
)
from llmdash.promql.nodes import Expr, Selector
from llmdash.promql.units import COUNT, REQUESTS
from llmdash.sources.source import Role

#: One source has one role, and nothing is added up over roles.
BY = ("role", "source")

_LATENCY = "end_to_end_latency"
_RUNNING = "requests_running"
_WAITING = "requests_waiting"


@dataclass(frozen=True)
class Counts:
    """Asks the recordings whether two ways to count the same agree."""

    layer: Layer

    @property
    def _both_ways(self) -> tuple[str, ...]:
        """Return the sources that time their requests and say how many they hold."""
        timed = {source.name for source in self.layer.answering(_LATENCY)}
        return tuple(s.name for s in self.layer.answering(_RUNNING) if s.name in timed)

    @property
    def called(self) -> tuple[str, ...]:
        """Return what legends call the sources that can be counted both ways."""
        timed = self._both_ways
        return tuple(f"{s.role.value} {s.name}" for s in self.layer.sources if s.name in timed)

    @property
    def knows_both_ways(self) -> bool:
        """Tell whether Little's law can be asked of some source."""
        return bool(self._both_ways)

    @property
    def has_gateway(self) -> bool:
        """Tell whether a gateway counts the same requests as the engines behind it."""
        return all(self.layer.has("requests", role=r) for r in (Role.GATEWAY, Role.ENGINE))

    def by_latency(self) -> Expr:
        """Return how many requests are there at once if their latencies are right, by source."""
        sums = self.layer.sums(_LATENCY).where(one_of("source", self._both_ways))
        # A second of latency in each second is one request that is always there.
        return counted_as(total(over_time("avg", sums, HOUR), BY), REQUESTS)

    def by_gauge(self) -> Expr:
        """Return how many requests run or wait, by source, in the mean of an hour."""
        waiting = {source.name for source in self.layer.answering(_WAITING)}
        queueing = [name for name in self._both_ways if name in waiting]
        others = [name for name in self._both_ways if name not in waiting]
        found: list[Expr] = []
        if queueing:
            found.append(self._mean(_RUNNING, queueing) + self._mean(_WAITING, queueing))
        if others:
            found.append(self._mean(_RUNNING, others))
        return first_of(*found)

    def _mean(self, name: str, sources: list[str]) -> Expr:
        chosen = self.layer.gauge(name).where(one_of("source", sources))
        return total(over_time("avg", chosen, HOUR), BY)

    def little(self) -> Expr:
        """Return the one over the other, by source."""
        return self.by_latency() / self.by_gauge()

    def apart(self) -> Expr:
        """Return the sources whose two counts do not agree."""
        low, high = LITTLE
        apart = first_of(self.little() < low, self.little() > high)
        ways = (self.by_gauge(), self.by_latency())
        busy = first_of(*(requests >= FEWEST_AT_ONCE for requests in ways))
        return joined(apart, "and", busy, on=BY)

    def started(self) -> Selector:
        """Return when the youngest process of each source started."""
        return self.layer.gauge("start_time")

    def restarts(self) -> Expr:
        """Return how often that changed within the hour, by source."""
        return greatest(call("changes", self.started().over(HOUR)), BY)

    def gateway_over_engines(self) -> Expr:
        """Return requests that went well at the gateway, over those at the engines, by model."""
        gateway, engines = (
            LayerPage(self.layer, role, ()).rates("requests").where(outcome="ok")
            for role in (Role.GATEWAY, Role.ENGINE)
        )
        # Over an hour: each side counts at the end of a request, and not at the same moment.
        ended = (total(over_time("avg", side, HOUR), ("model",)) for side in (gateway, engines))
        outside, inside = ended
        return outside / inside


def count_tiles(counts: Counts) -> Iterator[Panel]:
    """Yield how many sources contradict themselves, and how many were restarted."""
    if counts.knows_both_ways:
        low, high = LITTLE
        yield Stat(
            key="counts-apart",
            title="Counts that disagree",
            description="Sources whose latencies do not fit the requests that they hold, in the "
            f"mean of the last hour (below {low:g} or above {high:g}). Something is counted twice, "
            "or not at all: see Little's law below, and what is scraped twice. With less than "
            f"{FEWEST_AT_ONCE} request at once nothing is judged.",
            queries=(
                Query("apart", number_of(sources_of(counts.apart()), sources_of(counts.little()))),
            ),
            thresholds=ANY,
        )
    if counts.layer.has("start_time"):
        yield Stat(
            key="restarts-now",
            title="Restarted sources",
            description="Sources of which a process started within the hour. Rates survive a "
            "restart, but what was counted between the last scrape and the restart is lost: few "
            "requests, unless processes restart again and again. Not every source tells its start.",
            queries=(
                Query(
                    "restarts",
                    number_of(sources_of(counts.restarts() > 0), sources_of(counts.restarts())),
                ),
            ),
            thresholds=ANY,
        )


def count_panels(counts: Counts) -> Iterator[Panel]:
    """Yield both ways to count over time."""
    if counts.knows_both_ways:
        yield TimeSeries(
            key="littles-law",
            title="Little's law: latencies over counted requests",
            description="Requests that must be there at once by their latencies, over those that "
            "are counted as running or waiting, in the mean of an hour: 1 where all is well. A "
            "half or 2 is a source with one of the two counted twice; between the dashed lines "
            "nothing is blamed. Above 1 for a while, long requests have just ended; below, many "
            "have just begun, or hang.",
            queries=(Query("ratio", counts.little(), "{{role}} {{source}}"),),
            # The texts speak of 1 and 2, not of percent.
            unit=COUNT,
            thresholds=LITTLE_BAND,
            base_color="orange",
        )
        yield TimeSeries(
            key="both-ways",
            title="Requests in the system, counted both ways",
            description="The two sides of Little's law. The lines of one source should lie on each "
            "other; the counted one far above means requests that never end and so have no "
            "latency yet, the other above that some engine's requests are in no gauge.",
            queries=(
                Query("latency", counts.by_latency(), "{{role}} {{source}} by latency"),
                Query("gauge", counts.by_gauge(), "{{role}} {{source}} counted"),
            ),
            colors={
                **source_colors(counts.called, " by latency", pale=True),
                **source_colors(counts.called, " counted"),
            },
        )
    if counts.has_gateway:
        yield TimeSeries(
            key="gateway-over-engines",
            title="Requests that went well, gateway over engines",
            description="Both sides count the same requests, so 1 is right. Near 2 or a half, one "
            "side is scraped twice. Well below 1, clients go round the gateway; above, an engine "
            "behind it is not scraped, or is of no source of the pack.",
            queries=(Query("ratio", counts.gateway_over_engines(), "{{model}}"),),
            # The texts speak of 1 and 2, not of percent.
            unit=COUNT,
        )
    if counts.layer.has("start_time"):
        yield TimeSeries(
            key="restarts",
            title="Restarts within an hour",
            description="How often the start time of a source's youngest process changed in the "
            "hour before. A rolling update is a hill as high as there are servers; a plateau is a "
            "process that crashes over and over. Sources that tell no start time are not here.",
            queries=(Query("restarts", counts.restarts(), "{{role}} {{source}}"),),
        )
