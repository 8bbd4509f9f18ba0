"""One connection to a server: a request, and its answer timed as its bytes come.

A protocol of asyncio over httptools, without a client library between: of the popular ones the
fastest takes twice the processor time of a token, and the slowest reads a first token of 200 ms as
one of five seconds when 256 streams run.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from llmstack.http_chunk import END, HEADS, events_of_chunks
from llmstack.load.alike import Alike
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
    #: The head of an answer in chunks after which a connection is kept: the next may have the same,
    #: and is told by it. Empty where none has come.
    head: bytes = b""


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

    def take(self, events: Sequence[bytes], now: float) -> None:
        """Take the data of events of its body."""
        try:
            self.reading.take(events, now)
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

    # Streams take turns, and each time what stands here is read from memory: with a dictionary for
    # each of them it would be more.
    __slots__ = (
        "_can_be_left_out",
        "_ends",
        "_ends_with_connection",
        "_exchange",
        "_glanced_at",
        "_is_between",
        "_is_chunked",
        "_is_counted",
        "_now",
        "_parser",
        "_prefix",
        "_times",
        "_totals",
        "_traffic",
        "_transport",
        "_unparsed",
        "idle_since",
        "is_open",
    )

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
        #: Whether the body of the answer under way ends with the connection, or is in chunks, and
        #: whether the parser need not see its head.
        self._ends_with_connection = self._is_chunked = self._can_be_left_out = False
        #: Whether the parser stands between two chunks, and may be left out of one.
        self._is_between = False
        #: The head of the answer under way, which the parser has not seen.
        self._unparsed = b""
        #: What a glance at a chunk is enough of, in its parts (Alike): an empty prefix for nothing.
        #: When such chunks came, how many tokens there were so far as each said, and their bytes,
        #: until they are counted.
        self._ends: Callable[[bytes, int], re.Match[bytes] | None] = _nothing
        self._glance_at(None)
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
        now, prefix = monotonic(), self._prefix
        if prefix:
            # Not a method of Alike: a call, and a look at one more object, would be the better part
            # of what a token costs.
            head = HEADS.get(len(data))
            if head and data.startswith(head) and data.startswith(prefix, len(head)):
                found = self._ends(data, len(head) + len(prefix))
                if found is not None:
                    self._times.append(now)
                    if self._is_counted:
                        self._totals.append(int(found[1]))
                    self._glanced_at += len(data)
                    return
        self._look_closely(data, now)

    def _look_closely(self, data: bytes, now: float) -> None:
        """Read what a glance is not enough of, after what was only glanced at."""
        exchange = self._exchange
        if exchange is None or exchange.done.done():
            # Nobody has asked, or it failed before its end: what follows is of no use.
            self.close()
            return
        self.catch_up(exchange)
        outcome, before = exchange.outcome, exchange.outcome.seen_tokens
        place = 0 if outcome.first_byte else self._begin(data, now, outcome)
        if place < len(data):
            self._read(data[place:] if place else data, now, exchange)
        self._count(exchange, len(data), outcome.seen_tokens - before)
        self._glance_at(exchange.reading.alike if self._is_between else None)
        if self._exchange is not None and exchange.done.done():
            self.close()

    def _glance_at(self, alike: Alike | None) -> None:
        if alike is None:
            self._prefix, self._ends, self._is_counted = b"", _nothing, False
        else:
            self._prefix, self._is_counted = alike.prefix, alike.is_counted
            self._ends = alike.ends

    def catch_up(self, exchange: Exchange) -> None:
        """Count what has come of an answer and was only glanced at."""
        if not self._times or self._exchange is not exchange or exchange.done.done():
            return
        before = exchange.outcome.seen_tokens
        exchange.reading.came_alike(self._times, self._totals)
        self._count(exchange, self._glanced_at, exchange.outcome.seen_tokens - before)
        self._times, self._totals, self._glanced_at = [], [], 0

    def _begin(self, data: bytes, now: float, outcome: Outcome) -> int:
        """Note the first byte of an answer; return where its body begins, if its head is known."""
        outcome.first_byte = now
        head = self._traffic.head
        if not head or not data.startswith(head):
            return 0
        self._unparsed, outcome.status = head, 200
        self._is_between, self._ends_with_connection = True, False
        return len(head)

    def _read(self, data: bytes, now: float, exchange: Exchange) -> None:
        """Read whole events, or what else there is."""
        can_take = self._is_between and exchange.outcome.status == 200
        found = events_of_chunks(data) if can_take and exchange.reading.takes_events else None
        if found is None:
            self._parse(data, now, exchange)
            return
        events, is_end = found
        exchange.take(events, now)
        if is_end:
            if self._unparsed:
                self._unparsed = b""
                self._complete(exchange)
            else:
                self._parse(END, now, exchange)

    def _count(self, exchange: Exchange, size: int, tokens: int) -> None:
        exchange.outcome.bytes_received += size
        self._traffic.bytes_received += size
        self._traffic.tokens += tokens

    def _parse(self, data: bytes, now: float, exchange: Exchange) -> None:
        whole, self._unparsed = self._unparsed + data, b""
        is_first = not exchange.outcome.status
        self._now, self._is_between = now, False
        try:
            self._parser.feed_data(whole)
        except HttpParserUpgrade:
            exchange.fail(Failure.NOT_HTTP, "the server speaks another protocol from here on")
        except HttpParserError as error:
            exchange.fail(Failure.NOT_HTTP, f"{error}: {shortened(data)}"[:200])
        # A length that has begun is not told by the parser, and does not end in a line.
        self._is_between = self._is_between and data.endswith(b"\r\n")
        if is_first and self._can_be_left_out:
            self._keep_head(data)

    def _keep_head(self, data: bytes) -> None:
        """Remember the head that data begins with, if it came whole and is written as usual."""
        head, end, _ = data.partition(b"\r\n\r\n")
        if end and head.startswith(b"HTTP/1.1 200 ") and head.count(b"\n") == head.count(b"\r\n"):
            self._traffic.head = head + end

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
        self._ends_with_connection, self._is_chunked, self._can_be_left_out = True, False, False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note how the end of the body is known."""
        name = name.lower()
        if name in (b"content-length", b"transfer-encoding"):
            self._ends_with_connection = False
            self._is_chunked = name == b"transfer-encoding" and value.lower() == b"chunked"

    def on_headers_complete(self) -> None:
        """Note the status."""
        status = self._parser.get_status_code()
        self._can_be_left_out = (
            self._is_chunked and status == 200 and self._parser.should_keep_alive()
        )
        if self._exchange is not None:
            self._exchange.outcome.status = status

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
        if not self._parser.should_keep_alive():
            self.close()
        self._complete(exchange)

    def _complete(self, exchange: Exchange) -> None:
        self._exchange = None
        self._ends_with_connection = self._is_between = False
        exchange.complete()

    # --- what a client calls ----------------------------------------------------------------------

    def send(self, exchange: Exchange) -> None:
        """Send a request."""
        assert self._transport is not None
        self._exchange, exchange.connection = exchange, self
        self._unparsed = b""
        self._glance_at(None)
        exchange.outcome.sent = monotonic()
        exchange.outcome.bytes_sent = len(exchange.request)
        self._traffic.bytes_sent += len(exchange.request)
        self._transport.write(exchange.request)

    def close(self) -> None:
        """Close it at once."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()


def _nothing(_: bytes, __: int) -> re.Match[bytes] | None:
    return None
