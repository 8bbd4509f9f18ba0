"""The rules of a pack's promises: events counted, added up to windows and periods, and judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmdash.errors import SloError
from llmdash.intervals import Intervals
from llmdash.placement import Placement
from llmdash.promql.expressions import call, first_of, one_of, total
from llmdash.promql.labels import nearest
from llmdash.promql.nodes import Expr, Matcher, Number, Selector
from llmdash.promql.units import COUNT, RATIO, SECONDS
from llmdash.promql.windows import Duration
from llmdash.recordings import Recording, RuleGroup
from llmdash.slos.counting import answered
from llmdash.slos.events import Events, events_of
from llmdash.slos.series import ALMOST_NONE, COUNTED, KINDS, Kind, SloSeries
from llmdash.slos.slo import Slo, refuse_twins, windows_of
from llmdash.slos.windows import (
    HOUR,
    MONTHLY_EVALUATION,
    TILE,
    chain,
    once_an_hour,
    over_period,
    tiled,
)
from llmdash.sources.source import Source


@dataclass(frozen=True)
class Measured:
    """A promise on a source: what is counted, or why it cannot be."""

    slo: Slo
    source: Source
    events: Events | None
    #: Why there is nothing to count, for a reader.
    gap: str = ""


@dataclass(frozen=True)
class Promises:
    """The promises of a pack, and where each is measured or why it is not."""

    slos: tuple[Slo, ...]
    measured: tuple[Measured, ...]

    @property
    def counted(self) -> tuple[Measured, ...]:
        """What is measured."""
        return tuple(one for one in self.measured if one.events is not None)

    @property
    def series(self) -> SloSeries | None:
        """What is recorded of the promises that are measured somewhere; None if none is."""
        counted = self.counted
        names = {one.slo.name for one in counted}
        if not counted:
            return None
        slos = tuple(slo for slo in self.slos if slo.name in names)
        return SloSeries(slos, tuple(dict.fromkeys(one.source.name for one in counted)))

    def of(self, slo: Slo) -> tuple[Measured, ...]:
        """Return a promise on each of its sources."""
        return tuple(one for one in self.measured if one.slo.name == slo.name)


def promises(
    slos: Sequence[Slo],
    sources: Sequence[Source],
    placement: Placement,
    intervals: Intervals,
    *,
    native: bool = False,
) -> Promises:
    """Return every promise on every source that it is meant for.

    A source that cannot tell of a promise is listed with the reason; one that the promise names
    itself has to.

    Args:
        slos: the promises.
        sources: those of the pack.
        placement: which model each target serves.
        intervals: how long samples are kept.
        native: read latencies from native histograms.

    Raises:
        SloError: a source that a promise names is unknown or cannot tell of it, two promises share
            a name, or a period is longer than samples are kept.
    """
    refuse_twins(slos)
    found = []
    for slo in slos:
        _check(slo, sources, intervals)
        for source in sources:
            if source.role not in slo.roles or (slo.sources and source.name not in slo.sources):
                continue
            try:
                found.append(
                    Measured(slo, source, events_of(slo, source, placement, native=native))
                )
            except SloError as error:
                if slo.sources:
                    raise
                found.append(Measured(slo, source, None, error.because))
    return Promises(tuple(slos), tuple(found))


def _check(slo: Slo, sources: Sequence[Source], intervals: Intervals) -> None:
    able = [source.name for source in sources if source.role in slo.roles]
    for name in slo.sources:
        if name not in able:
            expected = f"a source of its roles ({', '.join(able) or 'there is none'})"
            raise SloError(slo.place, expected, name, nearest(name, able))
    if slo.period > intervals.retention:
        hint = "shorten the period, or keep samples longer"
        got = f"samples kept for {intervals.retention}"
        raise SloError(slo.place, f"its period of {slo.period} to be kept", got, hint)


def slo_rules(found: Promises, intervals: Intervals) -> tuple[RuleGroup, ...]:
    """Return the groups of rules of promises; none where no source can tell of any."""
    series = found.series
    if series is None:
        return ()
    rules = _Rules(series, found.counted)
    return (
        RuleGroup("llmdash-slo", intervals.recordings, tuple(rules.windows())),
        RuleGroup("llmdash-slo-period", MONTHLY_EVALUATION, tuple(rules.periods())),
    )


@dataclass(frozen=True)
class _Rules:
    """Writes the rules; later ones read what earlier ones of their group recorded."""

    series: SloSeries
    counted: tuple[Measured, ...]

    def windows(self) -> Iterator[Recording]:
        """Yield counts of five minutes, of all longer windows, and the burn of the last hour."""
        yield from self._targets()
        for one in self.counted:
            yield from self._counts(one)
        for window, tile in chain(windows_of(self.series.slos)):
            for kind in COUNTED:
                selected = self.series.events(kind, tile)
                events = tiled(selected, window, tile, self.series.labels)
                yield _named(self.series.events(kind, window), events)
        for slo in self.series.slos:
            value = call("vector", Number(slo.objective, RATIO))
            yield _named(self.series.objective(), value, ("slo", slo.name))
        yield _named(self.series.burn(), self._burn())

    def periods(self) -> Iterator[Recording]:
        """Yield hours, their sums over each promise's period, and what is left of the budget."""
        for kind in COUNTED:
            gathered = once_an_hour(self.series.events(kind, HOUR))
            yield _named(self.series.hour(kind), gathered)
        for kind in COUNTED:
            yield _named(self.series.of_period(kind), self._of_periods("sum", kind))
        yield _named(self.series.coverage(), self._coverage())
        yield _named(self.series.budget_left(), self._left())
        yield _named(self.series.exhaustion(), self._exhaustion())

    def _targets(self) -> Iterator[Recording]:
        """Yield which targets have answered, once for each source that some promise asks it of."""
        found = {
            _labels(one.source): one.events.answering
            for one in self.counted
            if one.events is not None and one.events.answering is not None
        }
        for labels, answering in found.items():
            yield _named(answered(), answering, *labels)

    def _counts(self, one: Measured) -> Iterator[Recording]:
        events = one.events
        assert events is not None  # only what is counted is here
        labels = (("slo", one.slo.name), *_labels(one.source))
        everything, good, tolerable = (
            self.series.events(kind, TILE).where(slo=one.slo.name, source=one.source.name)
            for kind in KINDS
        )
        yield _named(everything, events.total, *labels)

        def of_all(counted: Expr) -> Expr:
            """Return events of a kind: none where it has no series yet and there are any at all."""
            return first_of(counted, total(everything, events.by) * 0)

        # Scrapes that were answered are 0 by themselves.
        is_always_there = events.answering is not None
        yield _named(good, events.good if is_always_there else of_all(events.good), *labels)
        if one.slo.policy.fast is None:
            return
        if events.tolerable is None:
            # Nothing stricter is known than the promise itself.
            yield _named(tolerable, total(good, events.by), *labels)
        else:
            yield _named(tolerable, of_all(events.tolerable), *labels)

    def _burn(self) -> Expr:
        good, everything = (self.series.events(kind, HOUR) for kind in COUNTED)
        return self.series.spent(good, everything)

    def _by_period(self) -> list[tuple[Duration, Matcher]]:
        periods = dict.fromkeys(slo.period for slo in self.series.slos)
        return [
            (period, one_of("slo", [slo.name for slo in self.series.slos if slo.period == period]))
            for period in periods
        ]

    def _of_periods(self, operation: str, kind: Kind) -> Expr:
        """Return an operation over the hours of each promise's own period."""
        hours = self.series.hour(kind)
        return first_of(
            *(
                over_period(operation, hours.where(chosen), period)
                for period, chosen in self._by_period()
            )
        )

    def _coverage(self) -> Expr:
        hours = self.series.hour("total")
        found = []
        for period, chosen in self._by_period():
            expected = period.milliseconds / HOUR.milliseconds
            counted = over_period("count", hours.where(chosen), period)
            found.append(counted / Number(expected, COUNT))
        return first_of(*found)

    def _left(self) -> Expr:
        return 1 - self.series.spent(self.series.of_period("good"), self.series.of_period("total"))

    def _exhaustion(self) -> Expr:
        found = []
        for period, chosen in self._by_period():
            left = call("clamp_min", self.series.budget_left().where(chosen), 0)
            # What is left chooses the promises; the speed of others finds no partner.
            burn = call("clamp_min", self.series.burn(), ALMOST_NONE)
            speed = burn / Number(period.seconds, SECONDS)
            found.append(call("clamp_max", left / speed, period.seconds))
        return first_of(*found)


def _labels(source: Source) -> tuple[tuple[str, str], ...]:
    return (("source", source.name), ("role", source.role.value))


def _named(series: Selector, expr: Expr, *labels: tuple[str, str]) -> Recording:
    return Recording(series.series.name, expr, tuple(sorted(labels)))
