"""A played server in a thread of its own, for commands that run in this one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from llmstack.simulator.incidents import Incident
from tests.stack.simulator.served import character, fleet


@contextmanager
def simulated(
    engine: str = "vllm", incidents: Sequence[Incident] = (), model: str = ""
) -> Iterator[str]:
    """Where it listens; its engine takes milliseconds."""
    kind = character(engine)
    if model:
        kind = replace(kind, model=model)
    loop, ready, addresses = asyncio.new_event_loop(), threading.Event(), list[str]()
    over = asyncio.Event()

    async def serve() -> None:
        async with fleet(kind, incidents=incidents) as made:
            addresses.append(made.houses[0].address())
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
