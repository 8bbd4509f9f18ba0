"""Played servers in threads of their own, for commands that run in this one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from llmstack.simulator.fleet import Fleet
from llmstack.simulator.incidents import Incident
from llmstack.simulator.replica import Character
from tests.stack.simulator.served import character, fleet


@contextmanager
def played_by(
    kind: Character, incidents: Sequence[Incident] = ()
) -> Iterator[tuple[Fleet, asyncio.AbstractEventLoop]]:
    """A server until the end of a block, and the loop that it runs in."""
    loop, ready, opened = asyncio.new_event_loop(), threading.Event(), list[Fleet]()
    over = asyncio.Event()

    async def serve() -> None:
        async with fleet(kind, incidents=incidents) as made:
            opened.append(made)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield opened[0], loop
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@contextmanager
def simulated(
    engine: str = "vllm", incidents: Sequence[Incident] = (), model: str = ""
) -> Iterator[str]:
    """Where it listens; its engine takes milliseconds."""
    kind = character(engine)
    with played_by(replace(kind, model=model or kind.model), incidents) as (made, _):
        yield made.houses[0].address()
