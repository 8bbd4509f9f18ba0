"""A client and a server that answers byte by byte, for one or several requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from llmstack.load.apis import Api, Question
from llmstack.load.client import Client, Limits
from llmstack.load.outcome import Outcome
from llmstack.load.planned import Planned
from tests.stack.gateway.raw_engine import RawEngine, Steps

PLANNED = Planned(at=0.0, prompt_tokens=3, answer_tokens=2)
CHAT = Question(Api.CHAT, "tiny")


def ask(
    steps: Steps,
    question: Question = CHAT,
    *,
    times: int = 1,
    limits: Limits | None = None,
    meanwhile: Callable[[Client, RawEngine], None] | None = None,
) -> list[Outcome]:
    """Return what came of asking one after the other.

    Args:
        steps: what the server does for each.
        question: how it is asked.
        times: how often.
        limits: how long it may take.
        meanwhile: is called once the first request has reached the server.
    """

    async def run() -> list[Outcome]:
        server = RawEngine()
        server.steps = steps
        client = Client([f"http://127.0.0.1:{await server.start()}"], question, limits)
        loop = asyncio.get_running_loop()
        try:
            if meanwhile is not None:
                asking = asyncio.create_task(_all(client, times))
                while not server.running:
                    await asyncio.sleep(0)
                loop.call_soon(meanwhile, client, server)
                return await asking
            return await _all(client, times)
        finally:
            client.close()
            await server.stop()

    return asyncio.run(run())


async def _all(client: Client, times: int) -> list[Outcome]:
    loop = asyncio.get_running_loop()
    return [await client.ask(client.prepare(PLANNED, "inn"), loop.time()) for _ in range(times)]


def ask_at(urls: Sequence[str], limits: Limits | None = None, times: int = 1) -> list[Outcome]:
    """Return what came of asking servers that are there, or are not."""

    async def run() -> list[Outcome]:
        client = Client(urls, CHAT, limits)
        try:
            return await _all(client, times)
        finally:
            client.close()

    return asyncio.run(run())
