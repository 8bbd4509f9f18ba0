"""Fleets on loopback whose engines take milliseconds, and what their clients say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from llmstack.simulator.engines import ENGINES
from llmstack.simulator.fleet import Fleet, Place
from llmstack.simulator.incidents import Incident
from llmstack.simulator.rates import Limits, Rates
from llmstack.simulator.replica import Character
from tests.exposition import Family, read_exposition

QUICK = Rates(0.001, 0.000001, 0.000001)
#: A step takes longer than any test.
STUCK = Rates(10_000.0, 0.000001, 0.000001)
LIMITS = Limits(blocks=200, sequences=8, batched_tokens=512, model_length=1024)
MESSAGES = [{"role": "user", "content": "How many inns are there between here and the sea?"}]


def character(
    engine: str = "vllm", rates: Rates = QUICK, version: str = "", seed: int = 0
) -> Character:
    played = ENGINES[engine]
    model = played.usual_model or "inn"
    return Character(played, played.version(version), model, rates, LIMITS, seed)


@asynccontextmanager
async def fleet(
    kind: Character, replicas: int = 1, incidents: Sequence[Incident] = ()
) -> AsyncIterator[Fleet]:
    made = Fleet(kind, Place(port=0, metrics_port=0), replicas, incidents)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


class Client:
    """Asks one replica."""

    def __init__(self, made: Fleet, session: aiohttp.ClientSession, number: int = 0) -> None:
        self.house, self._session = made.houses[number], session

    async def post(self, path: str, body: object) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self._session.post(self.house.address() + path, data=data) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> tuple[int, str]:
        async with self._session.get(self.house.address() + path) as answer:
            return answer.status, await answer.text()

    async def events(self, path: str, body: object) -> list[str]:
        """The data of each event of a stream."""
        async with self._session.post(self.house.address() + path, json=body) as answer:
            text = await answer.text()
        return [event.removeprefix("data: ") for event in text.split("\n\n") if event]

    async def metrics(self) -> dict[str, Family]:
        replica = self.house.replica
        assert replica is not None
        which = "metrics_port" if replica.character.played.has_metrics_port else "port"
        async with self._session.get(self.house.address(which) + replica.page.path) as answer:
            return read_exposition(await answer.text(), answer.headers["Content-Type"])

    async def total(self, name: str, **labels: str) -> float:
        samples = (await self.metrics())[name].samples
        wanted = [s for s in samples if labels.items() <= s.labels.items()]
        return sum(s.value for s in wanted if s.name.endswith(("_count", name)))


async def until(condition: Callable[[], Awaitable[bool]] | Callable[[], bool]) -> None:
    """Wait for a condition; a test that waits in vain is ended by its runner."""
    async with asyncio.timeout(60):
        while True:
            found = condition()
            if await found if not isinstance(found, bool) else found:
                return
            await asyncio.sleep(0.01)


def with_client(
    kind: Character, tell: Callable[[Client], Awaitable[Any]], incidents: Sequence[Incident] = ()
) -> Any:
    """Return what a conversation with one replica came to."""

    async def run() -> Any:
        async with fleet(kind, incidents=incidents) as made, aiohttp.ClientSession() as session:
            return await tell(Client(made, session))

    return asyncio.run(run())
