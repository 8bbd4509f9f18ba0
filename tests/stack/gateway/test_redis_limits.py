"""Limits that gateways share, and what becomes of them when Redis or a gateway is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from llmstack.errors import SettingsError
from llmstack.gateway import redis_limits
from llmstack.gateway.limits import Account, Limits, Reservation
from llmstack.gateway.redis_limits import RedisLimits
from tests.stack.gateway.conftest import Make
from tests.stack.gateway.redis_server import RedisServer

SLOW = Account("requests", "key", 4)
ASK = {"model": "tiny", "messages": [{"role": "user", "content": "Hello."}]}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    found = RedisServer(tmp_path)
    found.start()
    yield found
    found.stop()


def run(work: Callable[[], Awaitable[object]]) -> None:
    async def inner() -> None:
        await work()

    asyncio.run(inner())


async def taken(limits: Limits, times: int, account: Account = SLOW) -> int:
    """How many of so many requests are let in."""
    found = [await limits.take(account, 1) for _ in range(times)]
    return sum(isinstance(each, Reservation) for each in found)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await holds():
            await asyncio.sleep(0.02)


def test_two_gateways_hold_one_limit(server: RedisServer) -> None:
    """Whoever of them is asked: together they let in what one would."""

    async def work() -> None:
        one, other = RedisLimits(server.url), RedisLimits(server.url)
        found = await asyncio.gather(taken(one, 10), taken(other, 10))
        leases = [await limits.enter("key", 2) for limits in (one, other, one, other)]
        await one.close()
        await other.close()

        assert 4 == sum(found)
        assert 2 == sum(lease is not None for lease in leases)

    run(work)


def test_places_of_a_gateway_that_died_are_free_again(server: RedisServer) -> None:
    """And those of one that lives are not, however long its requests run."""

    async def work() -> None:
        dead, alive = (RedisLimits(server.url, lease=0.6) for _ in range(2))
        assert await dead.enter("key", 2) is not None
        assert await alive.enter("key", 2) is not None
        # It dies: nobody renews what it holds, and nobody leaves it.
        assert dead._renewing is not None
        dead._renewing.cancel()
        found = []

        async def is_free() -> bool:
            lease = await alive.enter("key", 2)
            found.append(lease)
            return lease is not None

        await until(is_free)
        # Of the two places the living one's was renewed all the time.
        await asyncio.sleep(1.2)
        assert await alive.enter("key", 2) is None
        await dead.close()
        await alive.close()

    run(work)


@pytest.mark.parametrize("how", ["stop", "freeze"])
def test_without_redis_each_gateway_holds_its_own(server: RedisServer, how: str) -> None:
    """Nobody waits long, nobody is let in without limit, and it is shared again when Redis is back."""

    async def work() -> None:
        limits = RedisLimits(server.url, pause=0.2)
        assert 3 == await taken(limits, 3)
        getattr(server, how)()
        lease = await limits.enter("key", 1)
        assert (False, 4) == (limits.is_shared, await taken(limits, 10))
        assert (True, True) == (lease is not None, await limits.enter("key", 1) is None)
        server.thaw() if how == "freeze" else server.start()

        async def is_back() -> bool:
            await limits.take(Account("requests", "another", 60), 1)
            return limits.is_shared

        await until(is_back)
        # What it knew before it was frozen it still knows; one that was started anew knows nothing.
        assert {"freeze": 1, "stop": 4}[how] == await taken(limits, 10)
        await limits.close()

    run(work)


def test_one_request_tries_while_redis_is_away(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """The others do not wait for it."""
    monkeypatch.setattr(redis_limits, "PATIENCE", 0.3)

    async def work() -> None:
        limits = RedisLimits(server.url, pause=0.0)
        server.freeze()
        await limits.take(SLOW, 1)
        tries = 0
        ask = limits._take

        async def counted(*given: object, **more: object) -> tuple[bool, float]:
            nonlocal tries
            tries += 1
            return await ask(*given, **more)  # type: ignore[arg-type]

        limits._take, limits._pause = counted, 60.0  # type: ignore[method-assign]
        await asyncio.gather(*(limits.take(SLOW, 0) for _ in range(50)))
        server.thaw()
        await limits.close()

        assert 1 == tries

    run(work)


def test_what_was_taken_for_a_client_that_left_comes_back(server: RedisServer) -> None:
    """It leaves while Redis is asked: Redis takes it all the same, and gets it back; places too."""

    async def work() -> None:
        limits = RedisLimits(server.url)
        server.freeze()
        waiting: list[asyncio.Task[object]] = [
            asyncio.create_task(limits.take(SLOW, 3)),
            asyncio.create_task(limits.enter("key", 1)),
        ]
        await asyncio.sleep(0.1)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        server.thaw()

        async def all_is_there() -> bool:
            found = await limits.take(SLOW, 4)
            lease = await limits.enter("key", 1)
            return isinstance(found, Reservation) and lease is not None

        await asyncio.sleep(0.2)
        await until(all_is_there)
        await limits.close()

    run(work)


@pytest.mark.parametrize("url", ["http://127.0.0.1", "redis://:secret@127.0.0.1:port", "nonsense"])
def test_an_address_that_is_none(url: str) -> None:
    """Said at the start, without repeating what may be a password."""
    with pytest.raises(SettingsError, match="REDIS_URL") as found:
        RedisLimits(url)

    assert "secret" not in str(found.value)


def test_gateways_answer_without_redis(make: Make, server: RedisServer) -> None:
    """Two share a limit; Redis goes, each goes on with its own, and no request fails of it."""
    setups = [make(redis_url=server.url, requests_per_minute=4.0) for _ in range(2)]
    shared = [setups[n % 2].post(ASK).status_code for n in range(6)]
    shown = [setup.value("gateway_limits_shared") for setup in setups]
    server.stop()
    alone = [[setup.post(ASK).status_code for _ in range(6)] for setup in setups]

    assert [200] * 4 + [429] * 2 == shared
    assert [[200] * 4 + [429] * 2] * 2 == alone
    assert ([1, 1], [0, 0]) == (shown, [each.value("gateway_limits_shared") for each in setups])
    for setup in setups:
        assert 0 == setup.value("gateway_requests_total", status_code="500")
