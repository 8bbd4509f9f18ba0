"""Played servers as fast or as slow as a test wants them, in a thread, and benches of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llmstack.load.bench.rounds import Asked, measure_rounds
from llmstack.load.bench.servers import Server
from llmstack.load.orders import Synthetic
from llmstack.load.results import Document
from llmstack.simulator.fleet import Fleet
from llmstack.simulator.rates import Rates
from tests.stack.load.simulated import played_by
from tests.stack.simulator.served import QUICK, character

LOAD = Synthetic(concurrency=2, total=4, prompt_tokens="const:20", answer_tokens="const:5")
#: 20 ms a step, which no other work on a machine makes anything else of: prompts are free.
STEADY = Rates(0.02, 0.0, 0.0)


@dataclass(frozen=True)
class Played:
    """One server."""

    fleet: Fleet
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return self.fleet.houses[0].address()

    @property
    def metrics(self) -> str:
        house = self.fleet.houses[0]
        assert house.replica is not None
        which = "metrics_port" if house.replica.character.played.has_metrics_port else "port"
        return house.address(which) + house.replica.page.path

    def crash(self) -> None:
        """Take it away."""
        self.run(self.fleet.houses[0].crash())

    def run(self, what: Awaitable[Any]) -> Any:
        """Let something happen where it runs, and wait for it."""

        async def awaited() -> Any:
            return await what

        return asyncio.run_coroutine_threadsafe(awaited(), self.loop).result()


@contextmanager
def played(engine: str = "vllm", rates: Rates = QUICK) -> Iterator[Played]:
    """A server until the end of a block."""
    with played_by(character(engine, rates)) as (made, loop):
        yield Played(made, loop)


def asked(*servers: Server, **more: Any) -> Asked:
    return Asked(LOAD, servers, {"log_every": 0.0}, **more)


def named(name: str, server: Played, api: str = "openai-chat") -> Server:
    return Server(name, api, server.url, (server.metrics,))


def measured(*servers: Server, **more: Any) -> Document:
    return measure_rounds(asked(*servers, **more), lambda _: None, lambda *_: None)
