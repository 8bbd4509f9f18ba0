"""Tiers of burn: how fast a budget may go before somebody is told, and how soon one tells.

A tier fires when the budget burns faster than its factor over a long window and over a short one;
the short window lets it go soon after the trouble ends. The arithmetic is that of the SRE workbook,
chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import ClassVar

from llmdash.errors import SloError
from llmdash.promql.windows import Duration
from llmdash.slos.windows import TILE


class Severity(Enum):
    """Who is told: somebody at once, or whoever looks at the tickets next day."""

    PAGE = "page"
    TICKET = "ticket"

    @property
    def label(self) -> str:
        """The label `severity` of such alerts, as most rules in the wild have it."""
        return "critical" if self is Severity.PAGE else "warning"


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


def roughly(share: float) -> str:
    """Return a share in percent, to three digits."""
    return f"{share * 100:.3g}%"


def minutes(length: Duration) -> float:
    """Return a length in minutes."""
    return length.seconds / 60
