"""Accounts in a Redis that several gateways share; while it is away, each holds its own.

Each question is one script, so gateways that ask at the same time cannot overshoot together. Time
is Redis' own, so their clocks need not agree. A place of a gateway that died is free after a while.
Redis 6 or newer, or what speaks as it does (Valkey).
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from llmstack.errors import SettingsError
from llmstack.gateway.limits import Account, Allowance, Lease, Refusal, Reservation
from llmstack.gateway.memory_limits import MemoryLimits

LOG = logging.getLogger("llmstack.gateway")

#: Seconds: that Redis may take to answer, and that it is left alone after it did not.
PATIENCE, PAUSE = 0.5, 5.0
#: Seconds that a place is held without being renewed.
LEASE = 60.0
#: Connections at once; whoever finds none waits no longer than for an answer.
CONNECTIONS = 32
_PREFIX = "llmdash:gateway"

#: Takes an amount where it is there, or (third argument) in any case; answers whether, and what is
#: left.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local limit, amount = tonumber(ARGV[1]), tonumber(ARGV[2])
local held = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = limit
if held[1] then
  level = math.min(limit, tonumber(held[1]) + math.max(0, now - tonumber(held[2])) * limit / 60)
end
local is_taken = 0
if amount <= level or ARGV[3] == '1' then
  is_taken = 1
  level = math.min(limit, level - amount)
end
if level >= limit then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1],
    'level', string.format('%.17g', level), 'at', string.format('%.6f', now))
  redis.call('EXPIRE', KEYS[1], math.ceil((limit - level) * 60 / limit) + 1)
end
return {is_taken, string.format('%.17g', level)}
"""

#: Takes a place for a name unless all are taken; places that were not renewed are free again.
_ENTER = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
  return 0
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], math.ceil(ARGV[2]) + 1)
return 1
"""

#: Holds the places of names (all arguments but the first) for longer, unless they were left.
_RENEW = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
for place = 2, #ARGV do
  redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], ARGV[place])
end
redis.call('EXPIRE', KEYS[1], math.ceil(ARGV[1]) + 1)
return 1
"""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _Place:
    """A place that this gateway holds: whose, and under which name."""

    who: str
    name: str


class RedisLimits:
    """Limits that all gateways of one Redis hold together."""

    def __init__(self, url: str, *, lease: float = LEASE, pause: float = PAUSE) -> None:
        """Prepare connections; nothing is asked yet.

        Args:
            url: `redis://`, `rediss://` or `unix://`, with the password if there is one.
            lease: seconds that a place is held without being renewed.
            pause: seconds that Redis is left alone after it did not answer.

        Raises:
            SettingsError: the address cannot be read; it may hold a password, and is not repeated.
        """
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=CONNECTIONS,
                timeout=PATIENCE,
                socket_timeout=PATIENCE,
                socket_connect_timeout=PATIENCE,
                # A question is not repeated: what was taken twice would be given back once.
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            raise SettingsError("REDIS_URL: expected redis://host:port/number") from error
        self._redis: Redis = Redis.from_pool(pool)
        self._scripts = {
            name: self._redis.register_script(text)
            for name, text in (("take", _TAKE), ("enter", _ENTER), ("renew", _RENEW))
        }
        self._own = MemoryLimits()
        self._lease, self._pause = lease, pause
        self._is_away, self._away_until = False, 0.0
        self._places: set[_Place] = set()
        self._errands: set[asyncio.Task[Any]] = set()
        self._renewing: asyncio.Task[None] | None = None

    @property
    def is_shared(self) -> bool:
        """Tell whether Redis answered when it was last asked."""
        return not self._is_away

    async def take(self, account: Account, amount: float) -> Reservation | Refusal:
        """Take an amount, or nothing where less is there."""

        async def ask() -> Reservation | Refusal:
            is_taken, level = await self._take(account, amount)
            allowance = Allowance(account, level)
            if not is_taken:
                return Refusal(allowance, amount)
            return Reservation(
                allowance,
                amount,
                lambda rest: self._send(lambda: self._take(account, -rest, in_any_case=True)),
            )

        def undo(found: Reservation | Refusal) -> None:
            if isinstance(found, Reservation):
                found.settle(0)

        return await self._asked(ask, undo, lambda: self._own.take(account, amount))

    async def enter(self, who: str, most: int) -> Lease | None:
        """Take one of so many places of somebody; None where all are taken."""

        async def ask() -> Lease | None:
            place = _Place(who, uuid.uuid4().hex)
            given: list[str | float] = [most, self._lease, place.name]
            if not await self._scripts["enter"](keys=[_places(who)], args=given):
                return None
            self._places.add(place)
            if self._renewing is None:
                self._renewing = asyncio.create_task(self._keep_renewing())
            return Lease(lambda: self._leave(place))

        def undo(found: Lease | None) -> None:
            if found is not None:
                found.leave()

        return await self._asked(ask, undo, lambda: self._own.enter(who, most))

    async def close(self) -> None:
        """Give back all that is still to be given back, and let go of connections."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        while self._errands:
            await asyncio.gather(*self._errands, return_exceptions=True)
        await self._redis.aclose()

    async def _asked(
        self,
        ask: Callable[[], Coroutine[Any, Any, Answer]],
        undo: Callable[[Answer], None],
        otherwise: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """Return what Redis answers, or this gateway where Redis does not."""
        now = time.monotonic()
        if self._is_away:
            if now < self._away_until:
                return await otherwise()
            # This one tries; the others do not wait for it.
            self._away_until = now + self._pause
        question = asyncio.create_task(ask())
        try:
            found = await asyncio.shield(question)
        except asyncio.CancelledError:
            # The client has left. What Redis takes all the same is given back.
            question.add_done_callback(lambda task: _undone(task, undo))
            self._remember(question)
            raise
        except (RedisError, OSError) as error:
            self._lost(error)
            return await otherwise()
        if self._is_away:
            self._is_away = False
            LOG.info("redis is back", extra={"fields": {"limits": "shared"}})
        return found

    def _lost(self, error: Exception) -> None:
        self._away_until = time.monotonic() + self._pause
        if not self._is_away:
            self._is_away = True
            # Its words may repeat the address; the kind of error does not.
            told = {"limits": "of this gateway alone", "error": type(error).__name__}
            LOG.warning("redis does not answer", extra={"fields": told})

    async def _take(
        self, account: Account, amount: float, *, in_any_case: bool = False
    ) -> tuple[bool, float]:
        key = f"{_PREFIX}:{account.kind}:{account.who}"
        given = [account.limit, amount, int(in_any_case)]
        is_taken, level = await self._scripts["take"](keys=[key], args=given)
        return bool(is_taken), float(level)

    def _leave(self, place: _Place) -> None:
        self._places.discard(place)
        self._send(lambda: self._redis.zrem(_places(place.who), place.name))

    def _send(self, errand: Callable[[], Awaitable[Any]]) -> None:
        """Do something that nobody waits for; while Redis is away it is left to time."""
        if not self._is_away:
            self._remember(asyncio.ensure_future(errand()))

    def _remember(self, task: asyncio.Task[Any]) -> None:
        # A task that nobody holds may vanish; one whose error nobody reads complains.
        self._errands.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._errands.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            if not isinstance(error, RedisError | OSError):
                raise error
            self._lost(error)

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            if self._is_away:
                continue
            try:
                for who in {place.who for place in self._places}:
                    names = [place.name for place in self._places if place.who == who]
                    await self._scripts["renew"](keys=[_places(who)], args=[self._lease, *names])
            except (RedisError, OSError) as error:
                self._lost(error)


def _places(who: str) -> str:
    return f"{_PREFIX}:running:{who}"


def _undone(task: asyncio.Task[Answer], undo: Callable[[Answer], None]) -> None:
    if not task.cancelled() and task.exception() is None:
        undo(task.result())
