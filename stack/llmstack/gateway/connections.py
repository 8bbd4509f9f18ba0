"""Connections of clients: one on which no request comes is closed after a while.

aiohttp waits for the head of a request for as long as the connection lives, so that whoever opens
thousands and says nothing holds thousands of sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler


class Connection(asyncio.Protocol):
    """Stands before aiohttp's own protocol, and looks at the clock."""

    def __init__(self, handler: web.RequestHandler, patience: float) -> None:
        """Remember who handles requests.

        Args:
            handler: aiohttp's protocol.
            patience: seconds that a request's head may take to come.
        """
        self._handler, self._patience = handler, patience
        self._transport: asyncio.BaseTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        #: Whether what is written heaps up, and who is told when that changes.
        self._is_slow = False
        self._watcher: Callable[[bool], None] | None = None

    def expect(self) -> None:
        """Wait for the head of a request from now on."""
        self.hear()
        if self._transport is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._patience, self._transport.close)

    def hear(self) -> None:
        """Take notice that one has come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait."""
        self._transport = transport
        self._handler.connection_made(transport)
        self.expect()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop waiting."""
        self.hear()
        self._transport = None
        self._handler.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what came."""
        self._handler.data_received(data)

    def eof_received(self) -> None:
        """Pass on that no more will come."""
        self._handler.eof_received()

    def pause_writing(self) -> None:
        """Pass on that the client reads slowly."""
        self._handler.pause_writing()
        self._tell(is_slow=True)

    def resume_writing(self) -> None:
        """Pass on that it has read."""
        self._handler.resume_writing()
        self._tell(is_slow=False)

    def watch(self, watcher: Callable[[bool], None] | None) -> None:
        """Tell somebody from now on whether the client reads slowly; None for nobody."""
        self._watcher = watcher
        if watcher is not None and self._is_slow:
            watcher(True)

    def _tell(self, *, is_slow: bool) -> None:
        self._is_slow = is_slow
        if self._watcher is not None:
            self._watcher(is_slow)


class Site(web.BaseSite):
    """Where the gateway listens."""

    def __init__(self, runner: web.BaseRunner, host: str, port: int, patience: float):
        """Remember where; `patience` are the seconds that a request's head may take to come."""
        super().__init__(runner)
        self._host, self._port, self._patience = host, port, patience

    @property
    def name(self) -> str:
        """The address that was asked for."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address is taken.
        """
        await super().start()
        handlers = self._runner.server
        assert handlers is not None  # the runner was set up
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(handlers(), self._patience),
            self._host,
            self._port,
            backlog=self._backlog,
        )


@web.middleware
async def hear(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the connection that its request has come, and when the next may."""
    transport = request.transport
    connection = transport.get_protocol() if transport is not None else None
    if not isinstance(connection, Connection):
        return await handler(request)
    connection.hear()
    try:
        return await handler(request)
    finally:
        connection.expect()
