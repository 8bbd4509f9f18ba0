"""Sends requests to one or several servers over connections that are kept, and tries none twice."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from llmstack.errors import ConfigurationError
from llmstack.load.address import read_address
from llmstack.load.apis import Prompt, Question
from llmstack.load.connection import Connection, Exchange, Traffic
from llmstack.load.outcome import Failure, Outcome
from llmstack.load.planned import Planned

#: Seconds that a connection may have been idle. Servers close theirs after five (uvicorn's
#: --timeout-keep-alive), and one that is closed as it is used would be told as a failure.
_IDLE = 4.0


@dataclass(frozen=True)
class Limits:
    """Seconds that a request may take: to connect, and from there to its end."""

    connect: float = 10.0
    request: float = 600.0


@dataclass(eq=False)
class Endpoint:
    """One server."""

    url: str
    host: str
    port: int
    head: bytes
    tls: ssl.SSLContext | None
    idle: deque[Connection] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that is ready to be sent."""

    planned: Planned
    prompt: Prompt
    endpoint: Endpoint
    data: bytes


class Client:
    """Asks; as many requests at a time as it is told to."""

    def __init__(
        self,
        urls: Sequence[str],
        question: Question,
        limits: Limits | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        verifies: bool = True,
    ) -> None:
        """Know the servers; no connection is made.

        Args:
            urls: their addresses, which take turns.
            question: how they are asked.
            limits: how long a request may take.
            headers: of each request, beside those that HTTP needs.
            verifies: whether a server's certificate has to be good.

        Raises:
            ConfigurationError: an address or a header that cannot be.
        """
        self._question, self._limits = question, limits or Limits()
        self._endpoints = [_endpoint(url, question, headers or {}, verifies) for url in urls]
        self._turn = 0
        self._exchanges: set[Exchange] = set()
        self.traffic = Traffic()

    def prepare(self, planned: Planned, prompt: Prompt) -> Prepared:
        """Make a request ready, so that sending it takes no time."""
        endpoint = self._endpoints[self._turn % len(self._endpoints)]
        self._turn += 1
        body = self._question.body(prompt, planned.answer_tokens)
        return Prepared(
            planned, prompt, endpoint, b"%b%d\r\n\r\n%b" % (endpoint.head, len(body), body)
        )

    async def ask(self, prepared: Prepared, scheduled: float) -> Outcome:
        """Send a request and return what came of it.

        Args:
            prepared: the request.
            scheduled: when it was to be sent.
        """
        outcome = Outcome(prepared.planned, scheduled, endpoint=prepared.endpoint.url)
        reading = self._question.reading(outcome, prepared.prompt)
        exchange = Exchange(prepared.data, outcome, reading)
        self._exchanges.add(exchange)
        try:
            connection = self._kept(prepared.endpoint) or await self._connect(
                exchange, prepared.endpoint
            )
            if connection is not None:
                await self._exchange(connection, exchange)
                if connection.is_open:
                    connection.idle_since = outcome.ended
                    prepared.endpoint.idle.append(connection)
        finally:
            self._exchanges.discard(exchange)
        return outcome

    async def _exchange(self, connection: Connection, exchange: Exchange) -> None:
        loop = asyncio.get_running_loop()
        told = f"no whole answer within {self._limits.request:g} s"
        late = loop.call_later(self._limits.request, exchange.fail, Failure.TIMEOUT, told)
        try:
            connection.send(exchange)
            await exchange.done
        except asyncio.CancelledError:
            exchange.leave()
            connection.close()
            raise
        finally:
            late.cancel()
        if not exchange.outcome.is_answered and exchange.outcome.failure is not Failure.STATUS:
            connection.close()

    def catch_up(self) -> None:
        """Count what has come of all answers and was only glanced at."""
        for exchange in list(self._exchanges):
            exchange.catch_up()

    def leave(self) -> None:
        """End all requests that are under way, as unfinished."""
        for exchange in list(self._exchanges):
            exchange.leave()

    def close(self) -> None:
        """Close the connections that are idle."""
        for endpoint in self._endpoints:
            while endpoint.idle:
                endpoint.idle.pop().close()

    def _kept(self, endpoint: Endpoint) -> Connection | None:
        while endpoint.idle:
            connection = endpoint.idle.pop()
            if connection.is_open and monotonic() - connection.idle_since < _IDLE:
                return connection
            connection.close()
        return None

    async def _connect(self, exchange: Exchange, endpoint: Endpoint) -> Connection | None:
        """Return a new connection, or None where the request has ended with none."""
        made = asyncio.ensure_future(
            asyncio.get_running_loop().create_connection(
                partial(Connection, self.traffic), endpoint.host, endpoint.port, ssl=endpoint.tls
            )
        )
        try:
            await asyncio.wait(
                (made, exchange.done),
                timeout=self._limits.connect,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            # A request that ends, or takes too long to connect, leaves no connection behind.
            if not made.done() or exchange.done.done():
                made.cancel()
                made.add_done_callback(_close_unused)
        if exchange.done.done():
            return None
        if not made.done():
            exchange.fail(
                Failure.CONNECT_TIMEOUT, f"no connection within {self._limits.connect:g} s"
            )
            return None
        try:
            return made.result()[1]
        except ConnectionRefusedError as error:
            exchange.fail(Failure.REFUSED, str(error))
        except OSError as error:  # also a name that is not known, and a bad certificate
            exchange.fail(Failure.UNREACHABLE, str(error))
        return None


def _close_unused(made: asyncio.Future[tuple[asyncio.Transport, Connection]]) -> None:
    if not made.cancelled() and made.exception() is None:
        made.result()[1].close()


def _endpoint(url: str, question: Question, headers: Mapping[str, str], verifies: bool) -> Endpoint:
    address = read_address(url)
    tls = None
    if address.is_tls:
        tls = ssl.create_default_context()
        if not verifies:
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    # People give OpenAI's base address with its version.
    path = address.path.removesuffix("/v1") + question.path
    lines = {
        "Host": address.authority,
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if question.is_stream else "application/json",
        **headers,
    }
    told = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items())]
    if any("\r" in line or "\n" in line for line in told):
        raise ConfigurationError("a header has a line break in it")
    head = "\r\n".join([*told, "Content-Length: "]).encode()
    return Endpoint(url, address.host, address.port, head, tls)
