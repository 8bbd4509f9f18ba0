"""Servers of pages on loopback, in a thread of their own, that answer whatever a test wants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.stack.gateway.engine import Loop

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def text(make: Callable[[], str]) -> Answer:
    """Answer with a page, made anew each time."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=make())

    return answer


def refusal(status: int, body: str = "") -> Answer:
    """Answer with an error."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body)

    return answer


class Servers:
    """Any number of servers, each at an address of its own."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._answers: dict[int, Answer] = {}

    def serve(self, answer: Answer) -> str:
        """Begin one; return its host and port."""
        app = web.Application()
        number = len(self._answers)
        self._answers[number] = answer

        async def answered(request: web.Request) -> web.StreamResponse:
            return await self._answers[number](request)

        app.router.add_route("*", "/{path:.*}", answered)
        # One that still answers when the test ends is not waited for.
        return f"127.0.0.1:{self._loop.serve(app, handler_cancellation=True, shutdown_timeout=0.0)}"

    def change(self, number: int, answer: Answer) -> None:
        """Let one of them, by the order in which they were begun, answer otherwise from now on."""
        self._answers[number] = answer


@contextmanager
def servers() -> Iterator[Servers]:
    """Servers until the block ends."""
    loop = Loop()
    try:
        yield Servers(loop)
    finally:
        loop.stop()
