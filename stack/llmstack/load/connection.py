"""One connection to a server: a request, and its answer timed as its bytes come.

A protocol of asyncio over httptools, without a client library between: of the popular ones the
fastest takes twice the processor time of a token, and the slowest reads a first token of 200 ms as
one of five seconds when 256 streams run.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import repeat
from time import monotonic
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from llmstack.http_chunk import one_chunk
from llmstack.load.alike import Alike, end_of_chunk
from llmstack.load.outcome import Failure, Outcome
from llmstack.load.reading import BadAnswerError, Reading, shortened

#: Bytes of the body of an error that are kept.
_ERROR_BODY = 2048


@dataclass
class Traffic:
    """What has passed over all connections of a client so far."""

    bytes_sent: int = 0
    bytes_received: int = 0
    #: Tokens of answers as they are seen.
    tokens: int = 0


@dataclass(eq=False, slots=True)
class Exchange:
    """A request under way."""

    request: bytes
    outcome: Outcome
    reading: Reading
    #: Set when it has ended, well or not.
    done: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    #: Where its answer comes; None until it is sent.
    connection: Connection | None = None
    _error_body: bytes = b""

    def catch_up(self) -> None:
        """Count what has come and was only glanced at."""
        if self.connection is not None:
            self.connection.catch_up(self)

    def fail(self, failure: Failure, detail: str = "") -> None:
        """End it with a failure; the first one counts."""
        self.catch_up()
        if not self.done.done():
            self.outcome.failure, self.outcome.detail = failure, detail
            self._end()

    def leave(self) -> None:
        """End it because the run ends."""
        self.catch_up()
        if not self.done.done():
            self.outcome.is_unfinished = True
            self._end()

    def body(self, data: bytes, now: float) -> None:
        """Take bytes of the answer's body."""
        if self.outcome.status != 200:
            if len(self._error_body) < _ERROR_BODY:
                self._error_body += data
            return
        try:
            self.reading.feed(data, now)
        except BadAnswerError as error:
            self.fail(error.failure, error.detail)

    def complete(self) -> None:
        """Take notice that the answer has come whole, as HTTP tells it."""
        if self.done.done():
            return
        if self.outcome.status != 200:
            self.fail(Failure.STATUS, f"{self.outcome.status}: {shortened(self._error_body)}")
            return
        try:
            self.reading.finish()
        except BadAnswerError as error:
            self.fail(error.failure, error.detail)
            return
        self._end()

    def _end(self) -> None:
        self.outcome.ended = monotonic()
        self.done.set_result(None)


class Connection(asyncio.Protocol):
    """A connection over which one request after the other is sent."""

    def __init__(self, traffic: Traffic) -> None:
        """Count what passes."""
        self._traffic = traffic
        self._exchange: Exchange | None = None
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._now = 0.0
        #: Whether another request may be sent.
        self.is_open = False
        #: When it was last used.
        self.idle_since = 0.0
        #: Whether the body of the answer under way ends with the connection.
        self._ends_with_connection = False
        #: Whether the parser stands between two chunks, and may be left out of one.
        self._is_between = False
        #: What a glance at a chunk is enough of; when such chunks came, how many tokens there were
        #: so far as each said, and their bytes, until they are counted.
        self._alike: Alike | None = None
        self._times: list[float] = []
        self._totals: list[int] = []
        self._glanced_at = 0

    # --- what asyncio calls -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        # uvloop's transports are none by their class.
        self._transport, self.is_open = cast("asyncio.Transport", transport), True

    def data_received(self, data: bytes) -> None:
        """Note when something came, and read it where a glance is not enough."""
        now, alike = monotonic(), self._alike
        if alike is not None and (total := alike.chunk(data)) is not None:
            self._times.append(now)
            if total:
                self._totals.append(total)
            self._glanced_at += len(data)
            return
        exchange = self._exchange
        place = 0
        while exchange is not None and place < len(data) and not exchange.done.done():
            place = self._glance(data, place, now)
            if place < len(data):
                self.catch_up(exchange)
                end = end_of_chunk(data, place)
                self._read(data[place:end], now, exchange)
                place = end
        if place < len(data) or (self._exchange is not None and self._exchange.done.done()):
            # Nobody has asked, or it failed before its end: what follows is of no use.
            self.close()

    def _glance(self, data: bytes, place: int, now: float) -> int:
        """Keep the times of chunks of which a glance is enough; return where another begins."""
        if self._alike is None:
            return place
        totals, end = self._alike.chunks(data, place)
        self._times.extend(repeat(now, len(totals)))
        self._totals.extend(filter(None, totals))
        self._glanced_at += end - place
        return end

    def catch_up(self, exchange: Exchange) -> None:
        """Count what has come of an answer and was only glanced at."""
        if not self._times or self._exchange is not exchange or exchange.done.done():
            return
        before = exchange.outcome.seen_tokens
        exchange.reading.came_alike(self._times, self._totals)
        self._count(exchange, self._glanced_at, exchange.outcome.seen_tokens - before)
        self._times, self._totals, self._glanced_at = [], [], 0

    def _read(self, data: bytes, now: float, exchange: Exchange) -> None:
        outcome = exchange.outcome
        if not outcome.first_byte:
            outcome.first_byte = now
        before = outcome.seen_tokens
        if self._is_between and outcome.status == 200 and (chunk := one_chunk(data)):
            exchange.body(chunk, now)
        else:
            self._parse(data, now, exchange)
        self._count(exchange, len(data), outcome.seen_tokens - before)
        can_glance = self._is_between and outcome.status == 200 and not exchange.done.done()
        self._alike = exchange.reading.alike if can_glance else None

    def _count(self, exchange: Exchange, size: int, tokens: int) -> None:
        exchange.outcome.bytes_received += size
        self._traffic.bytes_received += size
        self._traffic.tokens += tokens

    def _parse(self, data: bytes, now: float, exchange: Exchange) -> None:
        self._now, self._is_between = now, False
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            exchange.fail(Failure.NOT_HTTP, "the server speaks another protocol from here on")
        except HttpParserError as error:
            exchange.fail(Failure.NOT_HTTP, f"{error}: {shortened(data)}"[:200])
        # A length that has begun is not told by the parser, and does not end in a line.
        self._is_between = self._is_between and data.endswith(b"\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way."""
        self.is_open = False
        if self._exchange is not None:
            self.catch_up(self._exchange)
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        if self._ends_with_connection and exc is None:
            exchange.complete()
        else:
            exchange.fail(Failure.BROKEN, str(exc or "the server closed the connection"))

    # --- what the parser calls --------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin with an answer."""
        self._ends_with_connection = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note how the end of the body is known."""
        del value
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._ends_with_connection = False

    def on_headers_complete(self) -> None:
        """Note the status."""
        if self._exchange is not None:
            self._exchange.outcome.status = self._parser.get_status_code()

    def on_chunk_header(self) -> None:
        """Note that a chunk has begun."""
        self._is_between = False

    def on_chunk_complete(self) -> None:
        """Note that a chunk has ended."""
        self._is_between = self._exchange is not None

    def on_body(self, body: bytes) -> None:
        """Read a part of the body."""
        if self._exchange is not None:
            self._exchange.body(body, self._now)

    def on_message_complete(self) -> None:
        """End the exchange; the connection may be used again if both sides say so."""
        exchange = self._exchange
        if exchange is None or exchange.outcome.status < 200:
            return
        self._exchange = None
        self._ends_with_connection = self._is_between = False
        if not self._parser.should_keep_alive():
            self.close()
        exchange.complete()

    # --- what a client calls ----------------------------------------------------------------------

    def send(self, exchange: Exchange) -> None:
        """Send a request."""
        assert self._transport is not None
        self._exchange, exchange.connection, self._alike = exchange, self, None
        exchange.outcome.sent = monotonic()
        exchange.outcome.bytes_sent = len(exchange.request)
        self._traffic.bytes_sent += len(exchange.request)
        self._transport.write(exchange.request)

    def close(self) -> None:
        """Close it at once."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()
