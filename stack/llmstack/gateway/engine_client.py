"""Asks engines over connections that are kept for the next question."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote, unquote, urlsplit

from aiohappyeyeballs import start_connection
from multidict import CIMultiDict

from llmstack.gateway.engine_answer import Answer, BrokenOffError, NoConnectionError
from llmstack.gateway.engine_connection import EngineConnection

#: Seconds that a connection may have been idle. Engines close theirs after five (uvicorn's
#: --timeout-keep-alive), and one that is closed as it is used is told as a failure.
_IDLE = 4.0
#: Seconds after which the next address of a name is tried beside the first (RFC 8305).
_NEXT_ADDRESS = 0.25


@dataclass(eq=False)
class _Endpoint:
    """An address, and the connections to it that are idle."""

    host: str
    port: int
    #: What stands before each path.
    prefix: str
    headers: Mapping[str, str]
    tls: ssl.SSLContext | None
    idle: deque[EngineConnection] = field(default_factory=deque)


class EngineClient:
    """Asks; as many questions at a time as it is told to."""

    def __init__(self, connect_timeout: float) -> None:
        """Make no connection yet; one may take so many seconds to be made."""
        self._connect_timeout = connect_timeout
        self._endpoints: dict[str, _Endpoint] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    async def ask(
        self,
        method: str,
        url: str,
        path: str,
        headers: CIMultiDict[str],
        data: bytes | None = None,
    ) -> Answer:
        """Return the answer of an engine once its head has come.

        Args:
            method: GET or POST.
            url: the engine's address.
            path: what is asked for, with its query.
            headers: all but `Host` and how long the body is.
            data: the body.

        Raises:
            NoConnectionError: it cannot be reached.
            BrokenOffError: it has not answered, or in no HTTP.
        """
        endpoint = self._endpoints.get(url)
        if endpoint is None:
            endpoint = self._endpoints[url] = _endpoint(url)
        question = _question(method, path, endpoint, headers, data)
        kept = self._kept(endpoint)
        if kept is not None:
            try:
                return await _answer(kept, question)
            except BrokenOffError:
                # It may have been closed in this moment; only what is looked up is asked again.
                if method != "GET":
                    raise
        return await _answer(await self._connected(endpoint), question)

    @property
    def idle(self) -> int:
        """How many connections wait for a question."""
        return sum(len(endpoint.idle) for endpoint in self._endpoints.values())

    def close(self) -> None:
        """Close the connections that are idle."""
        for endpoint in self._endpoints.values():
            while endpoint.idle:
                endpoint.idle.pop().close()
        if self._sweeping is not None:
            self._sweeping.cancel()

    def _kept(self, endpoint: _Endpoint) -> EngineConnection | None:
        """Return the connection that was used last, if it may still be used."""
        earliest = asyncio.get_running_loop().time() - _IDLE
        while endpoint.idle:
            connection = endpoint.idle.pop()
            if connection.is_open and connection.idle_since >= earliest:
                return connection
            connection.close()
        return None

    async def _connected(self, endpoint: _Endpoint) -> EngineConnection:
        loop = asyncio.get_running_loop()
        host, port = endpoint.host, endpoint.port
        try:
            async with asyncio.timeout(self._connect_timeout):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                connected = await start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS)
                try:
                    _, connection = await loop.create_connection(
                        lambda: EngineConnection(partial(self._keep, endpoint)),
                        sock=connected,
                        ssl=endpoint.tls,
                        server_hostname=host if endpoint.tls else None,
                    )
                except BaseException:
                    connected.close()
                    raise
        # Of which one that takes too long is one too, as is a bad certificate.
        except OSError as error:
            raise NoConnectionError(str(error)) from error
        return connection

    def _keep(self, endpoint: _Endpoint, connection: EngineConnection) -> None:
        """Keep a connection for a while."""
        endpoint.idle.append(connection)
        if self._sweeping is None:
            self._sweep()

    def _sweep(self) -> None:
        """Close what was idle for too long, and come back while anything is kept."""
        loop = asyncio.get_running_loop()
        earliest = loop.time() - _IDLE
        for endpoint in self._endpoints.values():
            # The first has been idle for the longest time.
            while endpoint.idle and endpoint.idle[0].idle_since < earliest:
                endpoint.idle.popleft().close()
        self._sweeping = loop.call_later(_IDLE, self._sweep) if self.idle else None


async def _answer(connection: EngineConnection, question: bytes) -> Answer:
    try:
        return await connection.ask(question)
    except BaseException:
        # Also where nobody waits for it any more.
        connection.close()
        raise


def _question(
    method: str, path: str, endpoint: _Endpoint, headers: CIMultiDict[str], data: bytes | None
) -> bytes:
    """Return the bytes of a question.

    Raises:
        ValueError: a line has a break in it.
    """
    lines = [f"{method} {endpoint.prefix}{path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in endpoint.headers.items() if name not in headers]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if data is not None:
        lines.append(f"Content-Length: {len(data)}")
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        raise ValueError("a header has a line break in it")
    # As aiohttp has read them.
    return b"%b\r\n\r\n%b" % (text.encode("utf-8", "surrogateescape"), data or b"")


def _endpoint(url: str) -> _Endpoint:
    parts = urlsplit(url)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    named = f"[{host}]" if ":" in host else host
    headers = {"Host": named if parts.port is None else f"{named}:{parts.port}", "Accept": "*/*"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
    return _Endpoint(
        host,
        parts.port or (443 if is_tls else 80),
        quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~"),
        headers,
        ssl.create_default_context() if is_tls else None,
    )
