"""What the day and the week asked of the engines, and how many of them that would have taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import Column, Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import DAY, HOUR, KV_TARGET, WEEK
from llmdash.dashboards.style import PLAIN, hue
from llmdash.promql.expressions import (
    ago,
    as_value,
    call,
    greatest,
    or_zero,
    over_time,
    total,
)
from llmdash.promql.nodes import Expr, Selector
from llmdash.promql.windows import Duration

_BY = ("source", "model")
#: What grows: the signal, and how a reader calls it.
_GROWING = (("requests", "Requests"), ("generation_tokens", "Generation tokens"))
#: The same where there is little room for a title.
_IN_SHORT = {"requests": "Requests", "generation_tokens": "Tokens"}
#: What a reader sees when this week's line leaves that of the week before.
_WEEKS_APART = {
    "requests": "The same hours of two weeks, all engines chosen. Above the plain line all day "
    "long is growth; above it for an hour is an event. No plain line: recordings are younger than "
    "a week.",
    "generation_tokens": "Answers of this week and of the week before. Growing faster than the "
    "requests beside it, answers have become longer; growing less, they were cut, or the engines "
    "are full.",
}


@dataclass(frozen=True)
class Demand:
    """Asks how much was asked for; what looks back further than Prometheus keeps is left out."""

    page: LayerPage

    @property
    def knows_the_day(self) -> bool:
        """Tell whether Prometheus keeps a day."""
        return self.page.layer.intervals.retention >= DAY

    @property
    def knows_the_week(self) -> bool:
        """Tell whether Prometheus keeps the same day of the week before."""
        kept = self.page.layer.intervals.retention
        return kept >= Duration(DAY.milliseconds + WEEK.milliseconds)

    @property
    def can_size(self) -> bool:
        """Tell whether some engine says all that the number of engines needed is made of."""
        asked = ("kv_cache_use", "requests_running", "requests_waiting")
        return self.knows_the_day and all(self.page.has(name) for name in asked)

    @property
    def _engines(self) -> Selector:
        return self.page.gauge("requests_running", "count")

    def engines_needed(self, by: Sequence[str]) -> Expr:
        """Return engines that the day's peaks would have asked for, at most.

        Engines times their mean KV use over the target is what an autoscaler would ask for; the
        queue, in engines' worth of running requests, stood outside. The peaks of all four may not
        have met, so this is an upper bound.
        """
        page = self.page
        full = _highest(page.gauge("kv_cache_use", "avg"), by) / KV_TARGET
        # What is deferred waits for something that no engine more would bring.
        waiting = _highest(page.gauge("requests_waiting").where(reason="capacity"), by)
        running = _highest(page.gauge("requests_running", "sum"), by)
        return call("ceil", _highest(self._engines, by) * (full + waiting / running))

    def engines_missing(self, by: Sequence[str]) -> Expr:
        """Return how many of the engines needed are not there, at most; none where all are.

        A model whose engines have gone since its peak misses all of them.
        """
        there = or_zero(total(self._engines, by), _highest(self._engines, by))
        return call("clamp_min", self.engines_needed(by) - there, 0)

    def engines_missing_in_all(self) -> Expr:
        """Return the sum of what the models miss that had traffic; zero while engines are known."""
        missing = self.engines_missing(_BY) >= 0
        added = as_value(missing, "whole engines of models, which add up")
        return or_zero(total(added), total(self._engines))

    def explained(self) -> str:
        """Say how the number of engines needed is estimated; nothing where it is not."""
        if not self.can_size:
            return ""
        return (
            " Engines needed at today's peak: the day's most engines x the day's greatest mean KV "
            f"cache use / {KV_TARGET:g}, plus the day's longest queue in engines' worth of "
            "running requests, rounded up. Peaks that did not meet count together, so it is an "
            "upper bound; no traffic means that none was needed. Missing are those of them that "
            "are not there now: all of a model's, for a day, if it was taken away."
        )

    def peak(self, of: Selector, by: Sequence[str]) -> Expr:
        """Return the sum of the greatest rates of the day."""
        return total(over_time("max", of, DAY), by)

    def growth(self, name: str, by: Sequence[str] = (), length: Duration = DAY) -> Expr:
        """Return how much more was counted than in the same length of time a week ago."""
        rates = self.page.rates(name)
        now, then = (total(over_time("sum", of, length), by) for of in (rates, ago(rates, WEEK)))
        return now / then - 1

    def answered(self) -> Selector:
        """Return the rate of requests that went well, which has one series for each model."""
        return self.page.rates("requests").where(outcome="ok")

    def columns(self, by: Sequence[str]) -> Iterator[tuple[Column, Expr]]:
        """Yield the day's peaks and the growth over a week, for a table."""
        if self.knows_the_day:
            yield Column("peak-requests", "Requests, day's peak"), self.peak(self.answered(), by)
            if self.page.has("generation_tokens"):
                tokens = self.page.rates("generation_tokens")
                yield Column("peak-tokens", "Tokens, day's peak"), self.peak(tokens, by)
        if self.knows_the_week:
            for name, title in _IN_SHORT.items():
                if self.page.has(name):
                    key = f"growth-{name.replace('_', '-')}"
                    yield Column(key, f"{title}, week on week"), self.growth(name, by)

    def tiles(self) -> Iterator[Panel]:
        """Yield the day's peaks and the growth over a week, of all that is chosen."""
        if self.knows_the_day and self.page.has("generation_tokens"):
            yield Stat(
                key="peak-tokens-now",
                title="Peak of generation tokens",
                description="The greatest rate of generation tokens of the last day, each model's "
                "own peak added up: what the fleet must be able to write at once.",
                queries=(Query("peak", self.peak(self.page.rates("generation_tokens"), ())),),
            )
        if self.knows_the_week:
            name = "generation_tokens" if self.page.has("generation_tokens") else "requests"
            yield Stat(
                key="growth-now",
                title=f"{_IN_SHORT[name]}, week on week",
                description="The last day against the same day a week before. At a tenth more "
                "each week the traffic doubles in seven; order engines before the headroom goes. "
                "No data in the first week of the recordings.",
                queries=(Query("growth", self.growth(name)),),
            )


def _highest(of: Selector, by: Sequence[str]) -> Expr:
    """Return the day's peak of the greatest series."""
    return greatest(over_time("max", of, DAY), by)


def demand_panels(demand: Demand) -> Iterator[Panel]:
    """Yield traffic beside that of a week before, and how it grows."""
    page = demand.page
    for name, title in _GROWING:
        if not page.has(name):
            continue
        key = name.replace("_", "-")
        now = Query("now", page.counter(name), "now", color=hue(name))
        if not demand.knows_the_week:
            yield TimeSeries(
                key=key,
                title=title,
                description="What all engines chosen do each second. A peak that is cut off flat "
                "while requests wait is the limit of the fleet, not of its users.",
                queries=(now,),
            )
            continue
        before = total(ago(page.rates(name), WEEK))
        yield TimeSeries(
            key=f"{key}-and-a-week-ago",
            title=f"{title}, now and a week ago",
            description=_WEEKS_APART[name],
            queries=(now, Query("before", before, "a week ago", color=PLAIN)),
        )
    if demand.knows_the_week:
        growing = "generation_tokens" if page.has("generation_tokens") else "requests"
        yield TimeSeries(
            key="growth",
            title=f"{dict(_GROWING)[growing]}, growth by model",
            description="Each hour over the same hour a week before, less one; a model younger "
            "than a week has no line. Models that grow while others shrink need engines moved, "
            "not bought.",
            queries=(Query("growth", demand.growth(growing, _BY, HOUR), "{{source}} {{model}}"),),
        )
