"""Accounts in the memory of one gateway."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from llmstack.gateway.limits import Account, Allowance, Lease, Refusal, Reservation

#: How many accounts are remembered, so that strangers cannot fill the memory.
MOST_ACCOUNTS = 10_000


@dataclass
class Bucket:
    """How one account stood at a time: full at the start, never more than full."""

    level: float
    at: float

    def refill(self, account: Account, now: float) -> None:
        """Add what has come back since."""
        self.level = min(account.limit, self.level + max(0.0, now - self.at) * account.rate)
        self.at = max(self.at, now)


class MemoryLimits:
    """Limits of one process, held by its own clock."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most: int = MOST_ACCOUNTS
    ) -> None:
        """Begin with all accounts full.

        Args:
            clock: seconds that never go back.
            most: how many accounts are remembered.
        """
        self._clock, self._most = clock, most
        self._buckets: OrderedDict[Account, Bucket] = OrderedDict()
        self._running: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many accounts are remembered."""
        return len(self._buckets)

    async def take(self, account: Account, amount: float) -> Reservation | Refusal:
        """Take an amount, or nothing where less is there."""
        bucket = self._bucket(account)
        if amount > bucket.level:
            return Refusal(Allowance(account, bucket.level), amount)
        bucket.level -= amount

        def give_back(rest: float) -> None:
            # Asked anew: somebody who was forgotten meanwhile begins full.
            held = self._bucket(account)
            held.level = min(account.limit, held.level + rest)

        return Reservation(Allowance(account, bucket.level), amount, give_back)

    async def enter(self, who: str, most: int) -> Lease | None:
        """Take one of so many places of somebody; None where all are taken."""
        if self._running[who] >= most:
            return None
        self._running[who] += 1

        def leave() -> None:
            self._running[who] -= 1
            if not self._running[who]:
                del self._running[who]

        return Lease(leave)

    async def close(self) -> None:
        """Do nothing: all of it goes with the process."""

    def running(self) -> int:
        """Return how many places are taken."""
        return self._running.total()

    def _bucket(self, account: Account) -> Bucket:
        now = self._clock()
        found = self._buckets.get(account)
        if found is None:
            if len(self._buckets) >= self._most:
                self._forget(now)
            found = self._buckets[account] = Bucket(account.limit, now)
        self._buckets.move_to_end(account)
        found.refill(account, now)
        return found

    def _forget(self, now: float) -> None:
        """Forget those that are full again, which are as new; else whoever was seen longest ago."""
        for account, bucket in list(self._buckets.items()):
            bucket.refill(account, now)
            if bucket.level >= account.limit:
                del self._buckets[account]
        while len(self._buckets) >= self._most:
            self._buckets.popitem(last=False)
