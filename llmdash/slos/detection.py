"""The detection table: how soon a policy tells of trouble, and how soon it is quiet afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isinf

from llmdash.promql.windows import Duration
from llmdash.slos.policy import Policy
from llmdash.slos.tiers import Severity, budget

#: Said of what never happens.
NEVER = "never"
#: Said of the end of what never began.
NOTHING = "–"

#: Shares of bad events that everybody can picture; twice the budget's own speed comes with them.
_SHARES = (("total outage", 1.0), ("half of all events", 0.5), ("a tenth of them", 0.1))
_BURN = 2


@dataclass(frozen=True)
class Detection:
    """What a policy does about one share of bad events that lasts; times are in minutes."""

    title: str
    #: Share of all events that is bad.
    bad: float
    #: Until the first page, where bad events are also bad by the fast tier's measure.
    page: float
    #: Until the first page where they are not, so that only the budget tells.
    page_by_budget: float
    ticket: float
    #: Until the last page, and the last ticket, has ended after the trouble has; 0 if none was.
    page_ends: float
    ticket_ends: float


def detections(policy: Policy) -> tuple[Detection, ...]:
    """Return what a policy does about a total outage and about less, the worst first."""
    return tuple(_detection(policy, title, bad) for title, bad in _troubles(policy))


def _troubles(policy: Policy) -> Iterator[tuple[str, float]]:
    yield from _SHARES
    twice = _BURN * budget(policy.objective)
    # Where more than half may be bad, nothing burns the budget twice as fast as it may.
    if twice <= 1:
        yield f"burn at {_BURN} x", twice


def _detection(policy: Policy, title: str, bad: float) -> Detection:
    return Detection(
        title,
        bad,
        page=policy.minutes_to_page(bad),
        page_by_budget=policy.minutes_to_page(bad, bad_by_fast=0),
        ticket=policy.minutes_to_ticket(bad),
        page_ends=_ends(policy, Severity.PAGE, bad),
        ticket_ends=_ends(policy, Severity.TICKET, bad),
    )


def _ends(policy: Policy, severity: Severity, bad: float) -> float:
    """Return when the last tier of a severity is quiet again, after trouble that fired them all."""
    found = [
        tier.minutes_to_reset(bad, policy.objective, policy.period)
        for tier in policy.tiers_of(severity)
    ]
    if policy.fast is not None and severity is Severity.PAGE:
        found.append(policy.fast.minutes_to_reset(bad))
    return max(found, default=0.0)


def time_until(minutes: float) -> str:
    """Return the time until something happens, to the second; infinite is never."""
    if isinf(minutes):
        return NEVER
    # Less than a second is said as one: nothing is evaluated as often.
    return str(Duration(max(1, round(minutes * 60)) * 1000))


def time_to_end(minutes: float) -> str:
    """Return the time until something has ended, to the second; a dash where it never began."""
    return time_until(minutes) if minutes else NOTHING
