"""When a promise that is being broken calls somebody: tiers of burn, and what they can see.

A tier fires when the budget burns faster than its factor over a long window and over a short one;
the short window lets it go soon after the trouble ends. Arithmetic and the default tiers are those
of the SRE workbook, chapter 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import floor, inf, log10
from typing import ClassVar

from llmdash.errors import SloError
from llmdash.promql.windows import Duration
from llmdash.slos.windows import TILE


class Severity(Enum):
    """Who is told: somebody at once, or whoever looks at the tickets next day."""

    PAGE = "page"
    TICKET = "ticket"


#: A page of a shorter window fires on for this long. At night requests come minutes apart: each
#: pause would end the page, and each failure begin another. It is our own choice: the other page
#: tier takes longer to end anyhow.
LINGER = Duration.parse("15m")
#: Any other page fires on for this long. Where the long window creeps past its limit, one event
#: more or less in a tile would end the page and begin it again.
HOVER = TILE


@dataclass(frozen=True)
class Tier:
    """One speed of burning: what share of the budget may go in the long window unnoticed."""

    severity: Severity
    #: Share of the whole period's budget that is gone when it fires.
    spent: float
    long: Duration
    short: Duration

    def __post_init__(self) -> None:
        """Refuse a share that is none, and windows that do not nest."""
        if not 0 < self.spent <= 1:
            raise SloError(self.place, "a share of the budget above 0, up to 1", f"{self.spent:g}")
        if self.short >= self.long:
            raise SloError(self.place, f"a short window below {self.long}", str(self.short))

    @property
    def place(self) -> str:
        """What the tier is called in messages, and by its alert's label."""
        return f"{self.severity.value}-{self.long}"

    def factor(self, period: Duration) -> float:
        """Return how many times faster than evenly over the period the budget burns."""
        return round(self.spent * period.milliseconds / self.long.milliseconds, 6)

    def limit(self, objective: float, period: Duration) -> float:
        """Return the share of bad events above which it fires; 1 and more is never passed."""
        return round(self.factor(period) * budget(objective), 12)

    def minutes_to_fire(self, bad: float, objective: float, period: Duration) -> float:
        """Return how long a share of bad events takes to fire it, after a clean past.

        Infinite where that share never does. Both windows must be above the limit, and the long
        one is the last to get there.
        """
        limit = self.limit(objective, period)
        return inf if bad <= limit else minutes(self.long) * limit / bad

    def minutes_to_reset(self, bad: float, objective: float, period: Duration) -> float:
        """Return how long it fires on after bad events have ended; 0 where it never fired."""
        limit = self.limit(objective, period)
        if bad <= limit:
            return 0.0
        lingers = minutes(self.lingers) if self.lingers else 0.0
        return minutes(self.short) * (1 - limit / bad) + lingers

    @property
    def lingers(self) -> Duration | None:
        """How long it fires on once its windows are below the limit."""
        if self.severity is not Severity.PAGE:
            return None
        return LINGER if self.short < LINGER else HOVER


#: The workbook's recommendation: 2 % of a month in an hour, 5 % in six, 10 % in one and in three
#: days; each short window is a twelfth of the long one.
WORKBOOK = (
    Tier(Severity.PAGE, 0.02, Duration.parse("1h"), Duration.parse("5m")),
    Tier(Severity.PAGE, 0.05, Duration.parse("6h"), Duration.parse("30m")),
    Tier(Severity.TICKET, 0.10, Duration.parse("1d"), Duration.parse("2h")),
    Tier(Severity.TICKET, 0.10, Duration.parse("3d"), Duration.parse("6h")),
)

#: A total outage that is paged later than this is known from users first, so a promise whose
#: budget is that large gets a tier of its own (below). It is our own choice.
LATEST_PAGE_MINUTES = 15.0


@dataclass(frozen=True)
class Fast:
    """The tier of promises with large budgets: most events are bad, by a stricter measure."""

    #: Share of events that are bad by that measure.
    share: float = 0.5
    #: One window is enough: with half of all events that bad, it is also soon clean again. Events
    #: by the stricter measure are added up to no longer one.
    window: ClassVar[Duration] = TILE
    lingers: ClassVar[Duration] = LINGER

    def __post_init__(self) -> None:
        """Refuse a share that everything or nothing passes."""
        if not 0 < self.share < 1:
            raise SloError("fast tier", "a share between 0 and 1", f"{self.share:g}")

    @property
    def place(self) -> str:
        """What the tier is called, as others are by theirs."""
        return f"{Severity.PAGE.value}-fast-{self.window}"

    def minutes_to_fire(self, bad: float) -> float:
        """Return how long a share of events, bad by the stricter measure, takes to fire it."""
        return inf if bad <= self.share else minutes(self.window) * self.share / bad

    def minutes_to_reset(self, bad: float) -> float:
        """Return how long it fires on after that has ended."""
        if bad <= self.share:
            return 0.0
        return minutes(self.window) * (1 - self.share / bad) + minutes(self.lingers)


def budget(objective: float) -> float:
    """Return the share of events that may be bad, without the noise of 1 - 0.999."""
    return round(1 - objective, 12)


def percent(share: float) -> str:
    """Return a share in percent, with no more digits than it has."""
    return f"{share * 100:.10g}%"


def _refuse_twins(tiers: Sequence[Tier]) -> None:
    """Raise a SloError where alerts of two tiers could not be told apart."""
    places = [tier.place for tier in tiers]
    for place in places:
        if places.count(place) > 1:
            expected = "one tier of a severity and a long window"
            raise SloError("tiers", expected, f"{places.count(place)} called {place}")


def _below(share: float) -> str:
    """Return a share to three digits, rounded down: advice that is rounded up would not help."""
    scale = 10 ** (2 - floor(log10(share)))
    return f"{floor(share * scale) / scale:g}"


def minutes(length: Duration) -> float:
    """Return a length in minutes."""
    return length.seconds / 60


@dataclass(frozen=True)
class Policy:
    """The tiers of one promise."""

    objective: float
    period: Duration
    tiers: tuple[Tier, ...]
    fast: Fast | None = None

    @classmethod
    def solved(
        cls,
        objective: float,
        period: Duration,
        tiers: Sequence[Tier] | None = None,
        fast: Fast | None = None,
    ) -> Policy:
        """Return the tiers that can fire, and a fast one where they would page too late.

        Args:
            objective: the share of good events that is promised.
            period: over how long.
            tiers: chosen by hand; the workbook's otherwise.
            fast: chosen by hand; otherwise there is one where a total outage would be paged later
                than `LATEST_PAGE_MINUTES`.

        Raises:
            SloError: a tier chosen by hand can never fire, two have one name, or there is none.
        """
        chosen = WORKBOOK if tiers is None else tuple(tiers)
        _refuse_twins(chosen)
        able = []
        for tier in chosen:
            if tier.limit(objective, period) < 1:
                able.append(tier)
            elif tiers is not None:
                raise SloError(
                    f"tier {tier.place}",
                    "a tier that can fire",
                    f"{tier.factor(period):g} x a budget of {budget(objective):.3g} is "
                    f"{tier.limit(objective, period):.3g} of all events",
                    f"spend less than {_below(tier.spent / tier.limit(objective, period))} of the "
                    "budget, or take a longer window",
                )
        if not able and fast is None and tiers is not None:
            raise SloError("tiers", "a tier", "none")
        made = cls(objective, period, tuple(able), fast)
        # Tickets chosen by hand want no page at all.
        pages = tiers is None or any(tier.severity is Severity.PAGE for tier in chosen)
        if fast is None and pages and made.minutes_to_page(1) > LATEST_PAGE_MINUTES:
            return cls(objective, period, tuple(able), Fast())
        return made

    @property
    def unable(self) -> tuple[Tier, ...]:
        """The workbook's tiers that this objective could never fire."""
        return tuple(t for t in WORKBOOK if t.limit(self.objective, self.period) >= 1)

    def tiers_of(self, severity: Severity) -> tuple[Tier, ...]:
        """Return the tiers of budget burn that tell somebody in this way."""
        return tuple(tier for tier in self.tiers if tier.severity is severity)

    def minutes_to_page(self, bad: float, bad_by_fast: float | None = None) -> float:
        """Return when a share of bad events pages first, after a clean past; infinite if never.

        Args:
            bad: share of events that break the promise.
            bad_by_fast: share of them that is bad by the fast tier's measure; all of `bad` if not
                told, as in an outage.
        """
        found = self._minutes_to_fire(Severity.PAGE, bad)
        if self.fast is not None:
            found.append(self.fast.minutes_to_fire(bad if bad_by_fast is None else bad_by_fast))
        return min(found, default=inf)

    def minutes_to_ticket(self, bad: float) -> float:
        """Return when a share of bad events writes its first ticket; infinite if never."""
        return min(self._minutes_to_fire(Severity.TICKET, bad), default=inf)

    def _minutes_to_fire(self, severity: Severity, bad: float) -> list[float]:
        tiers = self.tiers_of(severity)
        return [tier.minutes_to_fire(bad, self.objective, self.period) for tier in tiers]
