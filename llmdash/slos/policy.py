"""Which tiers tell when a promise is being broken: the workbook's, or those chosen by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, inf, log10

from llmdash.errors import SloError
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Fast, Severity, Tier, budget, percent

#: The period that the workbook's shares are of, and that a promise has by default.
MONTH = Duration.parse("30d")

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


def workbook(objective: float, period: Duration) -> tuple[Tier, ...]:
    """Return the workbook's tiers for an objective and a period.

    They keep their speed, not their share: 14.4 x is an emergency in a week as in a month, and
    what burns a budget no faster than evenly breaks no promise over any period. (With the shares
    kept, the slowest tier would fire below that speed over a week, and sleep through twice of it
    over a quarter.)
    """
    return tuple(
        replace(tier, spent=_spent(tier, period))
        for tier in WORKBOOK
        if not _why_not(tier, objective, period)
    )


def left_out(objective: float, period: Duration) -> tuple[tuple[str, str], ...]:
    """Return which of the workbook's tiers are for show there, and why."""
    reasons = [(tier.place, _why_not(tier, objective, period)) for tier in WORKBOOK]
    return tuple((place, why) for place, why in reasons if why)


def _spent(tier: Tier, period: Duration) -> float:
    return round(tier.spent * MONTH.milliseconds / period.milliseconds, 12)


def _why_not(tier: Tier, objective: float, period: Duration) -> str:
    limit = tier.limit(objective, MONTH)
    if limit >= 1:
        return f"above {percent(limit)} of events: not even a total outage could fire it"
    if tier.long >= period:
        return f"no window of {tier.long} is in a period of {period}"
    if _spent(tier, period) > 1:
        return f"at {tier.factor(MONTH):g} x the budget is gone in less than {tier.long}"
    return ""


def _refuse_twins(tiers: Sequence[Tier]) -> None:
    """Raise a SloError where alerts of two tiers could not be told apart."""
    places = [tier.place for tier in tiers]
    for place in places:
        if places.count(place) > 1:
            expected = "one tier of a severity and a long window"
            raise SloError("tiers", expected, f"{places.count(place)} called {place}")


def _refuse_useless(tier: Tier, objective: float, period: Duration) -> None:
    """Raise a SloError where a tier can never fire, or fires while the promise is kept."""
    place, factor, limit = (
        f"tier {tier.place}",
        tier.factor(period),
        tier.limit(objective, period),
    )
    if limit >= 1:
        raise SloError(
            place,
            "a tier that can fire",
            f"{factor:g} x a budget of {budget(objective):.3g} is {limit:.3g} of all events",
            f"spend less than {_below(tier.spent / limit)} of the budget, or take a longer window",
        )
    if factor < 1:
        raise SloError(
            place,
            f"a tier that fires where {period} of it would break the promise",
            f"{factor:g} x, at which budget is left",
            f"spend {_least(tier.spent / factor)} of the budget or more, or take a shorter window",
        )


def _below(share: float) -> str:
    """Return a share to three digits, rounded down: advice that is rounded up would not help."""
    scale = 10 ** (2 - floor(log10(share)))
    return f"{floor(share * scale) / scale:g}"


def _least(share: float) -> str:
    """Return a share to three digits, rounded up."""
    scale = 10 ** (2 - floor(log10(share)))
    return f"{ceil(round(share * scale, 6)) / scale:g}"


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
            SloError: a tier chosen by hand can never fire or fires while the promise is kept, two
                have one name, or there is none.
        """
        if tiers is not None:
            _refuse_twins(tiers)
            for tier in tiers:
                _refuse_useless(tier, objective, period)
        able = workbook(objective, period) if tiers is None else tuple(tiers)
        if not able and fast is None and tiers is not None:
            raise SloError("tiers", "a tier", "none")
        made = cls(objective, period, able, fast)
        # Tickets chosen by hand want no page at all.
        pages = tiers is None or any(tier.severity is Severity.PAGE for tier in tiers)
        if fast is None and pages and made.minutes_to_page(1) > LATEST_PAGE_MINUTES:
            return cls(objective, period, able, Fast())
        return made

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
