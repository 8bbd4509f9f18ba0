"""One connection to an engine: a question, and its answer as its bytes come.

A protocol of asyncio over httptools, without a client library between: each token of a stream is
passed on in the moment in which it comes, where a library would keep it and wake a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from multidict import CIMultiDict

from llmstack.gateway.engine_answer import Answer, BrokenOffError
from llmstack.http_chunk import one_chunk

#: The longest head of an answer, and the most that may come besides its body, in bytes.
_LONGEST_HEAD = 64 * 1024
#: Seconds for the formal end of an answer whose last event has come.
_LEAVING = 1.0
#: The engine speaks another protocol from here on, which nobody has asked for.
_SWITCHING = 101


class EngineConnection(asyncio.Protocol):
    """A connection over which one question after the other is sent."""

    def __init__(self, is_free: Callable[[EngineConnection], None]) -> None:
        """Remember who is told when another question may be sent."""
        self._is_free = is_free
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self.is_open = False
        #: When it was last used, by the loop's clock.
        self.idle_since = 0.0
        self._leaving: asyncio.TimerHandle | None = None
        self._expect(None)

    def _expect(self, begun: asyncio.Future[Answer] | None) -> None:
        """Wait for an answer, or for none."""
        self._begun = begun
        self._answer: Answer | None = None
        self._headers: CIMultiDict[str] = CIMultiDict()
        #: Parts of the body that are not handed over yet.
        self._body: list[bytes] = []
        #: Bytes that came since the last of the body; bytes of headers.
        self._besides = self._header_bytes = 0
        #: Whether the body ends with the connection, and whether all of it has come.
        self._ends_with_connection, self._is_whole = True, False
        #: Whether the engine lets another question follow.
        self._is_kept = False
        #: Whether the parser stands between two chunks, and may be left out of one.
        self._is_between = False
        self._is_held_up = False

    # --- what asyncio calls -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        # uvloop's transports are none by their class.
        self._transport, self.is_open = cast("asyncio.Transport", transport), True

    def data_received(self, data: bytes) -> None:
        """Hand over what came of the body; nearly always it is one chunk that is whole."""
        if self._is_between and self._answer is not None and (chunk := one_chunk(data)):
            self._answer.receiver.take(chunk)
        elif self._begun is None:
            # Nobody has asked.
            self.close()
        else:
            self._read(data, self._begun)

    def _read(self, data: bytes, begun: asyncio.Future[Answer]) -> None:
        problem = self._parse(data)
        answer = self._answer
        if not begun.done():
            # What is garbled from the start is no answer at all, whatever its head said.
            if problem is not None and not self._is_whole:
                begun.set_exception(problem)
                self.close()
                return
            if answer is not None:
                begun.set_result(answer)
        if self._body and answer is not None:
            body, self._body = b"".join(self._body), []
            answer.receiver.take(body)
        if self._is_whole and self._answer is answer:
            self._finish(is_kept=self._is_kept and problem is None)
        elif problem is not None:
            self._break_off(problem)

    def _parse(self, data: bytes) -> BrokenOffError | None:
        """Read what came; return what is wrong with it."""
        self._is_between = False
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._is_kept = False
        except HttpParserError as error:
            return BrokenOffError(f"its answer is no HTTP: {error}")
        # A length that has begun is not told by the parser, and does not end in a line.
        self._is_between = self._is_between and data.endswith(b"\r\n")
        self._besides = 0 if self._body else self._besides + len(data)
        if self._is_whole or max(self._besides, self._header_bytes) <= _LONGEST_HEAD:
            return None
        return BrokenOffError(f"the head of its answer is longer than {_LONGEST_HEAD} bytes")

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way."""
        self.is_open = False
        if self._ends_with_connection and exc is None and self._answer is not None:
            self._finish(is_kept=False)
        else:
            self._break_off(BrokenOffError(str(exc or "it has closed the connection")))

    # --- what the parser calls --------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin with an answer; a second one nobody has asked for."""
        if self._is_whole:
            self._is_kept = False
            raise BrokenOffError("it has answered twice")
        self._headers.clear()
        self._ends_with_connection = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, and note how the end of the body is known."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > _LONGEST_HEAD:
            raise BrokenOffError("its headers are too long")
        if self._answer is not None:
            # Behind the body, for nobody.
            return
        told = name.decode("ascii", "replace")
        if told.lower() in ("content-length", "transfer-encoding"):
            self._ends_with_connection = False
        self._headers.add(told, value.decode("utf-8", "replace"))

    def on_headers_complete(self) -> None:
        """Make the answer, if it is not only the announcement of one."""
        status = self._parser.get_status_code()
        if status >= 200 or status == _SWITCHING:
            self._answer = Answer(status, self._headers.copy(), self)

    def on_chunk_header(self) -> None:
        """Note that a chunk has begun."""
        self._is_between = False

    def on_chunk_complete(self) -> None:
        """Note that a chunk has ended."""
        self._is_between = True

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body, to be handed over with the others that came with it."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Note that all of it has come, and whether the engine lets another question follow."""
        if self._answer is not None:
            self._is_whole, self._is_kept = True, self._parser.should_keep_alive()

    # --- what a client calls ----------------------------------------------------------------------

    def ask(self, question: bytes) -> asyncio.Future[Answer]:
        """Send a question; the answer is there when its head has come.

        Its error is a BrokenOffError.
        """
        assert self._transport is not None
        begun: asyncio.Future[Answer] = self._loop.create_future()
        self._expect(begun)
        self._transport.write(question)
        return begun

    def hold_up(self) -> None:
        """Read nothing more for now."""
        if self._transport is not None and self.is_open and not self._is_held_up:
            self._is_held_up = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Read on."""
        if self._transport is not None and self.is_open and self._is_held_up:
            self._is_held_up = False
            self._transport.resume_reading()

    def leave(self) -> None:
        """Read to the end of the answer, for a moment, though nobody takes it."""
        self._leaving = self._loop.call_later(_LEAVING, self.close)
        self.go_on()

    def close(self) -> None:
        """Close it at once, whatever is under way."""
        self.is_open = False
        self._forget()
        if self._transport is not None:
            self._transport.abort()

    # --- how an answer ends -----------------------------------------------------------------------

    def _finish(self, *, is_kept: bool) -> None:
        assert self._transport is not None
        answer = self._answer
        self.go_on()
        self._forget()
        # A question that it has not wholly taken stands before any other.
        if is_kept and self.is_open and not self._transport.get_write_buffer_size():
            self.idle_since = self._loop.time()
            self._is_free(self)
        else:
            self.close()
        if answer is not None:
            answer.receiver.end(None)

    def _break_off(self, problem: BrokenOffError) -> None:
        begun, answer = self._begun, self._answer
        self.close()
        if begun is not None and not begun.done():
            begun.set_exception(problem)
        if answer is not None:
            answer.receiver.end(problem)

    def _forget(self) -> None:
        """Let go of the answer."""
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if self._answer is not None:
            self._answer.source = None
        self._expect(None)
