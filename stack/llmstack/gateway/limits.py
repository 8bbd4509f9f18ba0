"""How much a key or a client may ask for: allowances that refill evenly, and reservations on them.

What a request will cost is known at its end only. So it reserves on arrival what it may cost at
most, and what it did not use is given back: requests at the same time cannot overshoot together.
Amounts are requests or tokens, times are seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

#: The period that limits are stated for.
MINUTE = 60.0


class Account(NamedTuple):
    """Whose allowance it is, and of what; a tuple, since each request looks it up many times."""

    #: `requests` or `tokens` of a key, or `client` for requests of an address.
    kind: str
    who: str
    #: What may be taken in a minute, and at once.
    limit: float

    @property
    def rate(self) -> float:
        """What comes back in a second."""
        return self.limit / MINUTE


@dataclass(frozen=True)
class Allowance:
    """How an account stands."""

    account: Account
    #: What is there; below zero where more was used than had been reserved.
    level: float

    @property
    def remaining(self) -> float:
        """What may still be taken."""
        return max(0.0, self.level)

    @property
    def reset(self) -> float:
        """Seconds until it is full."""
        return max(0.0, self.account.limit - self.level) / self.account.rate


@dataclass(frozen=True)
class Refusal:
    """Why nothing was reserved: the allowance is too small for the amount."""

    allowance: Allowance
    amount: float

    @property
    def wait(self) -> float:
        """Seconds until the amount is there: infinity for never."""
        account = self.allowance.account
        if self.amount > account.limit:
            return math.inf
        return max(0.0, self.amount - self.allowance.level) / account.rate


@dataclass
class Reservation:
    """What was taken for one request; settled once, with what it really used."""

    allowance: Allowance
    amount: float
    _return: Callable[[float], None] = field(repr=False)
    _is_settled: bool = False

    def settle(self, used: float) -> None:
        """Give back what was not used, or take what was used beyond; a second time does nothing."""
        if self._is_settled:
            return
        self._is_settled = True
        if used != self.amount:
            self._return(self.amount - used)


@dataclass
class Lease:
    """One of the places of those whose requests run at the same time; left once."""

    _leave: Callable[[], None] = field(repr=False)
    _is_left: bool = False

    def leave(self) -> None:
        """Make place for another; a second time does nothing."""
        if not self._is_left:
            self._is_left = True
            self._leave()


class Limits(Protocol):
    """Where accounts are kept.

    What is taken is waited for; what is given back is not, so that a request can end at once.
    """

    async def take(self, account: Account, amount: float) -> Reservation | Refusal:
        """Take an amount, or nothing where less is there."""
        ...

    async def enter(self, who: str, most: int) -> Lease | None:
        """Take one of so many places of somebody; None where all are taken."""
        ...

    async def close(self) -> None:
        """Give back all that is still to be given back, and let go of connections."""
        ...
