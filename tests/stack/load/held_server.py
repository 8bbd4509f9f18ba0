"""A server that answers nobody until it is told to, and knows how many are waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.stack.gateway.raw_engine import END, STREAM, chunked
from tests.stack.load.golden import DONE, STOP, counted, said

WELL = b"".join((STREAM, chunked(said("a"), said("b"), STOP, counted(2), DONE), END))


class HeldServer:
    """Holds the first requests back, and answers those after them at once."""

    def __init__(self, held: int) -> None:
        self._held = held
        self.waiting: list[Callable[[], None]] = []
        self.received = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def release(self) -> None:
        self._held = 0
        while self.waiting:
            self.waiting.pop(0)()

    def asked(self, answer: Callable[[], None]) -> None:
        self.received += 1
        if self._held:
            self.waiting.append(answer)
            self._held -= 1
            if not self._held:
                self.release()
        else:
            answer()


class _Connection(asyncio.Protocol):
    def __init__(self, server: HeldServer) -> None:
        self._server, self._received = server, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, mark, body = self._received.partition(b"\r\n\r\n")
        if mark and len(body) >= int(head.lower().partition(b"content-length:")[2].split()[0]):
            self._received = b""
            self._server.asked(lambda: self._transport.write(WELL))


@asynccontextmanager
async def held_server(held: int = 0) -> AsyncIterator[HeldServer]:
    """A server that answers the first so many once all of them have asked."""
    made = HeldServer(held)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(made), "127.0.0.1", 0)  # fmt: skip
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
