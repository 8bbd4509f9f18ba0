"""How much a key or a client may ask for: buckets that refill, and reservations on several at once.

What a request will cost is known at its end only. So it reserves on arrival what it may cost at
most, and what it did not use is given back: requests at the same time cannot overshoot together.
Times are seconds of a clock that never goes back; amounts are requests or tokens.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

#: The period that limits are stated for.
MINUTE = 60.0


@dataclass
class Bucket:
    """An allowance that refills evenly: full at the start, and never more than full."""

    #: What may be taken in a minute, and at once.
    limit: float
    _level: float = field(init=False)
    _at: float = field(default=-math.inf, init=False)

    def __post_init__(self) -> None:
        """Begin full."""
        self._level = self.limit

    @property
    def rate(self) -> float:
        """What comes back in a second."""
        return self.limit / MINUTE

    def level(self, now: float) -> float:
        """Return what is there; below zero where more was used than had been reserved."""
        if now > self._at:
            if self._at > -math.inf:
                self._level = min(self.limit, self._level + (now - self._at) * self.rate)
            self._at = now
        return self._level

    def wait_for(self, amount: float, now: float) -> float:
        """Return after how many seconds an amount is there: 0 for at once, infinity for never."""
        if amount > self.limit:
            return math.inf
        missing = amount - self.level(now)
        return max(0.0, missing / self.rate)

    def take(self, amount: float, now: float) -> None:
        """Take an amount, also where less is there."""
        self._level = self.level(now) - amount

    def give_back(self, amount: float, now: float) -> None:
        """Give back what was taken and not used."""
        self._level = min(self.limit, self.level(now) + amount)

    def is_full(self, now: float) -> bool:
        """Tell whether it would be the same if it were made anew."""
        return self.level(now) >= self.limit


@dataclass(frozen=True)
class Allowance:
    """How one bucket stands, as its headers tell it."""

    limit: float
    remaining: float
    #: Seconds until it is full.
    reset: float


@dataclass(frozen=True)
class Refusal:
    """Why nothing was reserved, and after how many seconds it may be tried again."""

    #: Which of the buckets lacked most.
    place: int
    wait: float


@dataclass
class Reservation:
    """What was taken for one request; settled once, with what it really used."""

    _buckets: tuple[Bucket, ...]
    _amounts: tuple[float, ...]
    _is_settled: bool = False

    def settle(self, used: Sequence[float], now: float) -> None:
        """Give back what was not used, or take what was used beyond; a second time does nothing.

        Args:
            used: what was used, in the order of the buckets.
            now: the time.
        """
        if self._is_settled:
            return
        self._is_settled = True
        for bucket, taken, spent in zip(self._buckets, self._amounts, used, strict=True):
            if spent < taken:
                bucket.give_back(taken - spent, now)
            elif spent > taken:
                bucket.take(spent - taken, now)

    def cancel(self, now: float) -> None:
        """Give back everything."""
        self.settle([0.0] * len(self._buckets), now)


def reserve(
    buckets: Sequence[Bucket], amounts: Sequence[float], now: float
) -> Reservation | Refusal:
    """Take amounts of several buckets, all of them or none."""
    waits = [b.wait_for(amount, now) for b, amount in zip(buckets, amounts, strict=True)]
    longest = max(range(len(waits)), key=waits.__getitem__, default=None)
    if longest is not None and waits[longest] > 0:
        return Refusal(longest, waits[longest])
    for bucket, amount in zip(buckets, amounts, strict=True):
        bucket.take(amount, now)
    return Reservation(tuple(buckets), tuple(amounts))


def allowance(bucket: Bucket, now: float) -> Allowance:
    """Return how a bucket stands."""
    level = bucket.level(now)
    return Allowance(bucket.limit, max(0.0, level), (bucket.limit - level) / bucket.rate)


class Buckets:
    """Buckets by whom they are of; those that are full again are forgotten first."""

    def __init__(self, make: Callable[[], Sequence[Bucket]], most: int = 10_000) -> None:
        """Remember how to make them.

        Args:
            make: makes the buckets of somebody new.
            most: how many are remembered, so that strangers cannot fill the memory.
        """
        self._make, self._most = make, most
        self._held: OrderedDict[Hashable, Sequence[Bucket]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._held)

    def of(self, who: Hashable, now: float) -> Sequence[Bucket]:
        """Return somebody's buckets."""
        found = self._held.get(who)
        if found is None:
            if len(self._held) >= self._most:
                self._forget(now)
            found = self._held[who] = self._make()
        self._held.move_to_end(who)
        return found

    def _forget(self, now: float) -> None:
        full = [who for who, own in self._held.items() if all(b.is_full(now) for b in own)]
        for who in full:
            del self._held[who]
        # Nobody's is full: whoever was seen longest ago begins anew.
        while len(self._held) >= self._most:
            self._held.popitem(last=False)
