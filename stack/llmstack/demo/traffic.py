"""What clients of the demonstration ask: streams and whole answers, at random times, by a seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from llmstack.demo.stage import KEY, MODEL

#: Requests a second; each begins when its time has come, however many are still running.
RATE = 5.0
#: Words of a prompt, each two tokens and a bit, and tokens of an answer.
PROMPTS, ANSWERS = (20, 600), (20, 220)
#: Of ten, so many are not streams, and so many clients leave early.
WHOLE, LEAVING = 0.1, 0.02
#: What prompts begin with alike, so that a prefix cache has something to find.
PREFIX = "You are a helpful assistant and answer in one short paragraph. " * 4


@dataclass
class Traffic:
    """Sends until it is cancelled."""

    url: str
    session: aiohttp.ClientSession
    seed: int = 0
    sent: int = 0
    failed: int = 0
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Send requests at random times, as many a second as the rate says."""
        chance = random.Random(self.seed)
        try:
            while True:
                await asyncio.sleep(chance.expovariate(RATE))
                task = asyncio.create_task(self._ask(_question(chance), chance.random() < LEAVING))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _ask(self, body: dict[str, Any], leaves: bool) -> None:
        self.sent += 1
        headers = {"Authorization": f"Bearer {KEY}"}
        try:
            async with self.session.post(
                f"{self.url}/v1/chat/completions", json=body, headers=headers
            ) as answer:
                self.failed += answer.status >= 400
                if leaves:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(answer.read(), 0.3)
                    return
                await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            self.failed += 1


def _question(chance: random.Random) -> dict[str, Any]:
    words = chance.randint(*PROMPTS)
    text = PREFIX + " ".join(f"word{chance.randrange(10_000)}" for _ in range(words))
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": chance.randint(*ANSWERS),
        "stream": chance.random() >= WHOLE,
    }
