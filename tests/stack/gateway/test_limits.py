"""What limits promise, wherever they are kept: in memory by a clock of the test, and in a real Redis."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.gateway.limits import Account, Allowance, Limits, Refusal, Reservation
from llmstack.gateway.memory_limits import MemoryLimits
from llmstack.gateway.redis_limits import RedisLimits
from tests.stack.gateway.redis_server import RedisServer

#: So slow that nothing worth mentioning comes back while a test asks Redis.
SLOW = Account("tokens", "key", 0.06)
AMOUNTS = st.floats(0, 100, allow_nan=False)
STEPS = st.floats(0, 90, allow_nan=False)

Make = Callable[[], Limits]


@pytest.fixture(params=["memory", "redis"])
def make(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Make]:
    if request.param == "memory":
        yield lambda: MemoryLimits(lambda: 0.0)
        return
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield lambda: RedisLimits(server.url)
    server.stop()


def asked(make: Make, work: Callable[[Limits], Coroutine[Any, Any, Any]]) -> Any:
    """Do something with limits, and close them."""

    async def run() -> Any:
        limits = make()
        try:
            return await work(limits)
        finally:
            await limits.close()

    return asyncio.run(run())


async def level(limits: Limits, account: Account = SLOW) -> float:
    """How an account stands: asking for nothing takes nothing."""
    found = await limits.take(account, 0)
    return found.allowance.level


def reserved(found: Reservation | Refusal) -> Reservation:
    assert isinstance(found, Reservation)
    return found


def test_what_is_taken_is_gone(make: Make) -> None:
    """Until nothing is left; others have their own."""

    async def work(limits: Limits) -> list[float]:
        first = reserved(await limits.take(SLOW, 0.05))
        refused = await limits.take(SLOW, 0.02)
        assert isinstance(refused, Refusal)
        other = await level(limits, Account("requests", "key", 0.06))
        another = await level(limits, Account("tokens", "another", 0.06))
        return [first.allowance.level, refused.allowance.level, other, another]

    assert [0.01, 0.01, 0.06, 0.06] == pytest.approx(asked(make, work), abs=1e-3)


def test_what_is_not_used_comes_back_once(make: Make) -> None:
    """At the end of the request, however often that is said."""

    async def work(limits: Limits) -> float:
        found = reserved(await limits.take(SLOW, 0.05))
        found.settle(0.02)
        found.settle(0)
        await asyncio.sleep(0.05)
        return await level(limits)

    assert pytest.approx(0.04, abs=1e-3) == asked(make, work)


def test_what_is_used_beyond_is_owed(make: Make) -> None:
    """The next has to wait until it is paid."""

    async def work(limits: Limits) -> Refusal:
        reserved(await limits.take(SLOW, 0.01)).settle(0.07)
        await asyncio.sleep(0.05)
        found = await limits.take(SLOW, 0.01)
        assert isinstance(found, Refusal)
        return found

    found = asked(make, work)
    assert pytest.approx(-0.01, abs=1e-3) == found.allowance.level
    assert pytest.approx(20, abs=1) == found.wait


def test_what_runs_at_the_same_time_cannot_overshoot(make: Make) -> None:
    """Hundreds arrive at once: together they get what there is, to the last of it."""

    async def work(limits: Limits) -> int:
        account = Account("requests", "key", 50)
        found = await asyncio.gather(*(limits.take(account, 1) for _ in range(300)))
        return sum(isinstance(each, Reservation) for each in found)

    # What comes back while Redis is asked is less than one.
    assert asked(make, work) in (50, 51)


def test_so_many_places(make: Make) -> None:
    """Each that is left makes room for one; it is left once."""

    async def work(limits: Limits) -> list[bool]:
        leases = await asyncio.gather(*(limits.enter("key", 2) for _ in range(20)))
        entered = [lease for lease in leases if lease is not None]
        found = [len(entered) == 2, await limits.enter("another", 2) is not None]
        entered[0].leave()
        entered[0].leave()
        await asyncio.sleep(0.05)
        found += [await limits.enter("key", 2) is not None for _ in range(2)]
        return found

    assert [True, True, True, False] == asked(make, work)


# --- the arithmetic, by a clock of our own ----------------------------------------------------------


def test_it_refills_evenly_and_no_further() -> None:
    """Sixty a minute are one a second."""
    now = [0.0]
    limits, account = MemoryLimits(lambda: now[0]), Account("tokens", "key", 60)

    async def work() -> list[float]:
        await limits.take(account, 60)
        found = []
        for now[0] in (0, 1, 30, 60, 600):
            found.append(await level(limits, account))
        return found

    assert [0, 1, 30, 60, 60] == asyncio.run(work())


@pytest.mark.parametrize(
    ("amount", "expected"), [(20.5, 0.5), (21, 1), (50, 30), (60, 40), (61, math.inf)]
)
def test_how_long_to_wait(amount: float, expected: float) -> None:
    """Until it is there; what is more than a full one never is."""
    found = Refusal(Allowance(Account("tokens", "key", 60), 20), amount)

    assert expected == found.wait


def test_as_headers_tell_it() -> None:
    """What is left, and when it is whole."""
    found = Allowance(Account("tokens", "key", 60), -30)

    assert (0, 90) == (found.remaining, found.reset)


@given(st.integers(1, 200), st.lists(st.tuples(STEPS, AMOUNTS), max_size=40))
def test_nobody_gets_more_than_is_theirs(limit: int, wanted: list[tuple[float, float]]) -> None:
    """Over any stretch of time what is admitted is at most one full account and what came back since."""
    now = [0.0]
    limits, account = MemoryLimits(lambda: now[0]), Account("tokens", "key", limit)

    async def work() -> list[tuple[float, float]]:
        admitted = []
        for step, amount in wanted:
            now[0] += step
            if isinstance(await limits.take(account, amount), Reservation):
                admitted.append((now[0], amount))
        return admitted

    admitted = asyncio.run(work())
    for place, (begin, _) in enumerate(admitted):
        for end, _ in admitted[place:]:
            taken = sum(amount for at, amount in admitted if begin <= at <= end)
            assert taken <= limit + (end - begin) * limit / 60 + 1e-6


@given(st.integers(1, 200), st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=20))
def test_what_comes_back_is_what_was_not_used(
    limit: int, wanted: list[tuple[float, float]]
) -> None:
    """All arrive at once: what they reserve is never more than there is, and what they used is gone."""
    limits, account = MemoryLimits(lambda: 0.0), Account("tokens", "key", limit)

    async def work() -> float:
        running = []
        for most, share in wanted:
            found = await limits.take(account, most)
            if isinstance(found, Reservation):
                running.append((found, most, most * share / 100))
        assert sum(most for _, most, _ in running) <= limit + 1e-6
        for found, _, used in running:
            found.settle(used)
        return limit - sum(used for *_, used in running)

    expected = asyncio.run(work())
    assert pytest.approx(expected) == asyncio.run(level(limits, account))


@given(st.integers(1, 200), AMOUNTS, STEPS)
def test_the_wait_is_enough_and_no_more(limit: int, taken: float, later: float) -> None:
    """After it the amount is there, and a moment before it is not."""
    now = [0.0]
    limits, account = MemoryLimits(lambda: now[0]), Account("tokens", "key", limit)

    async def work() -> None:
        reserved(await limits.take(account, 0)).settle(taken)
        now[0] = later
        found = await limits.take(account, limit / 2)
        if isinstance(found, Reservation):
            return
        if found.wait > 1:
            now[0] = later + found.wait - 1
            assert isinstance(await limits.take(account, limit / 2), Refusal)
        now[0] = later + found.wait + 1e-6
        reserved(await limits.take(account, limit / 2))

    asyncio.run(work())


def test_strangers_cannot_fill_the_memory() -> None:
    """Accounts that are full again go first; else whoever was seen longest ago."""
    now = [0.0]
    limits = MemoryLimits(lambda: now[0], most=3)

    def of(who: str) -> Account:
        return Account("client", who, 60)

    async def work() -> list[float]:
        for who in "abc":
            await limits.take(of(who), 60)
        now[0] = 1.0
        await limits.take(of("a"), 0)
        await limits.take(of("d"), 0)
        # `b` was seen longest ago, and is forgotten; `d` is full, and goes when `b` comes anew.
        return [await level(limits, of(who)) for who in "acb"]

    assert [1, 1, 60] == asyncio.run(work())
    assert 3 == len(limits)
