"""Where a stream is written to: the client's connection, without waiting for the client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from llmstack.gateway.connections import Connection
from llmstack.gateway.course import ClientLeftError


class Outlet:
    """The connection of a client, to which the head of an answer has been written.

    aiohttp's own way waits for the client at each write, for which a task must run at each token.
    """

    def __init__(self, request: web.Request, *, is_chunked: bool) -> None:
        """Find the connection.

        Args:
            request: whom it answers.
            is_chunked: whether each piece is told with its length; else the end of the connection
                is the end of the answer.

        Raises:
            ClientLeftError: nobody is there.
        """
        transport = request.transport
        connection = transport.get_protocol() if transport is not None else None
        if transport is None or not isinstance(connection, Connection):
            raise ClientLeftError
        self._transport: asyncio.Transport = transport
        self._connection, self._is_chunked = connection, is_chunked

    def write(self, data: bytes) -> None:
        """Write something, which is kept where the client reads slowly: see `watch`.

        Raises:
            ClientLeftError: nobody is there any more.
        """
        if self._transport.is_closing():
            raise ClientLeftError
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)

    def watch(self, is_slow: Callable[[bool], None] | None) -> None:
        """Tell somebody when the client reads too slowly, and when no longer; None for nobody."""
        self._connection.watch(is_slow)
