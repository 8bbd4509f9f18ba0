"""An engine's answer on its way to the client: in one piece, or as a stream."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from llmstack.gateway.counts import OK, Counts
from llmstack.gateway.course import ClientLeftError, Course
from llmstack.gateway.events import Stream, read_object
from llmstack.gateway.idle import Idle
from llmstack.gateway.prompts import Asked
from llmstack.gateway.settings import Settings

_STREAM = "text/event-stream"
#: Bytes that fit into any connection's buffer.
_SMALL = 16 * 1024
#: An answer in one piece is read for its usage up to this many bytes.
_LONGEST_READ = 8 * 2**20


class _TokenTimes:
    """When the pieces of a stream come."""

    def __init__(self, course: Course, counts: Counts) -> None:
        self._course, self._last = course, course.began
        self._first = counts.first_token.labels(course.model, course.prompt_class)
        self._between = counts.inter_token.labels(course.model, course.prompt_class)

    def came(self, pieces: int, now: float) -> None:
        """Take notice of some that came together: what is between them they share."""
        course = self._course
        course.pieces += pieces
        if course.first_token is None:
            course.first_token = now - course.began
            self._first.observe(course.first_token)
            pieces, self._last = pieces - 1, now
        for _ in range(pieces):
            self._between.observe((now - self._last) / pieces)
        self._last = now


@dataclass
class Passing:
    """One answer that is passed on."""

    settings: Settings
    counts: Counts
    request: web.Request
    answer: aiohttp.ClientResponse
    course: Course

    async def pass_on(self, headers: CIMultiDict[str], asked: Asked | None) -> web.StreamResponse:
        """Pass the answer on with these headers.

        Raises:
            ClientLeftError: nobody is there to read it.
        """
        is_stream = self.answer.status < 400 and self.answer.content_type == _STREAM
        if asked is not None and is_stream:
            return await self._stream(headers, asked)
        return await self._whole(headers, asked)

    async def _whole(self, headers: CIMultiDict[str], asked: Asked | None) -> web.StreamResponse:
        """Pass on an answer in one piece, as it comes."""
        response = web.StreamResponse(status=self.answer.status, headers=headers)
        if self.answer.headers.get("Content-Length", "").isdigit():
            response.content_length = int(self.answer.headers["Content-Length"])
        kept = bytearray()
        try:
            async with asyncio.timeout(self._left()):
                await response.prepare(self.request)
                async for chunk in self.answer.content.iter_any():
                    if len(kept) <= _LONGEST_READ:
                        kept += chunk
                    await self._write(response, chunk)
                await response.write_eof()
        except (TimeoutError, aiohttp.ClientError) as error:
            kind = "timeout" if isinstance(error, TimeoutError) else "stream"
            self.counts.upstream_errors.labels(self.course.model, kind).inc()
            self.course.failed(self.answer.status, f"{kind}: {type(error).__name__}")
            # The client must not take half an answer for a whole one.
            response.force_close()
            if self.request.transport is not None:
                self.request.transport.abort()
            return response
        if self.answer.status >= 400:
            self.course.failed(self.answer.status, "the engine has refused it")
            return response
        self.course.outcome = OK
        if len(kept) > _LONGEST_READ:
            return response
        found = read_object(bytes(kept))
        if not found or found.get("error"):
            # It has passed already; at least nobody takes it for a success.
            self.counts.upstream_errors.labels(self.course.model, "stream").inc()
            self.course.failed(
                self.answer.status, "the engine's answer is " + ("an error" if found else "no JSON")
            )
        elif asked is not None:
            self.course.usage = asked.dialect.usage(found)
        return response

    async def _stream(self, headers: CIMultiDict[str], asked: Asked) -> web.StreamResponse:
        """Pass on a stream, event by event, and time its text."""
        response = web.StreamResponse(status=self.answer.status, headers=headers)
        response.headers["X-Accel-Buffering"] = "no"
        response.headers["Cache-Control"] = "no-cache"
        stream = asked.dialect.stream(hides_usage=asked.hides_usage)
        self.course.is_stream = True
        await response.prepare(self.request)
        kind = ""
        try:
            await self._pass_events(response, stream)
        except (asyncio.CancelledError, ClientLeftError):
            self.course.usage = stream.usage()
            if stream.is_done and not stream.has_error:
                # It has all that it asked for, and did not wait for formalities.
                self.course.outcome = OK
            raise
        except TimeoutError:
            kind = "timeout"
        except aiohttp.ClientError:
            kind = "stream"
        left = stream.finish()
        if left:
            await self._write(response, left)
        self.course.usage = stream.usage()
        if not kind and stream.has_error:
            kind = "stream"
            self.course.failed(self.answer.status, "an error inside the stream")
        elif kind or not stream.is_done:
            # One that just stops is no answer either, however well its connection was closed.
            kind = kind or "stream"
            self.course.failed(self.answer.status, f"the stream broke off ({kind})")
            said = asked.dialect.error("the engine has broken the stream off", "upstream_error")
            await self._write(response, f"event: error\ndata: {json.dumps(said)}\n\n".encode())
        else:
            self.course.outcome = OK
        if kind:
            self.counts.upstream_errors.labels(self.course.model, kind).inc()
        await response.write_eof()
        if not kind and not self.answer.content.is_eof():
            # The engine's own end is on its way, after which its connection serves another.
            await asyncio.sleep(0)
        return response

    async def _pass_events(self, response: web.StreamResponse, stream: Stream) -> None:
        """Pass events on as they come, until the last."""
        times = _TokenTimes(self.course, self.counts)
        async with asyncio.timeout(self._left()) as limit:
            with Idle(limit, self.settings.idle_timeout) as idle:
                self._stop_the_clock()
                async for chunk in self.answer.content.iter_any():
                    now = idle.heard = time.monotonic()
                    passed, pieces = stream.feed(chunk)
                    if pieces:
                        if self.course.first_token is None:
                            # From here on an answer may be as long as it likes.
                            limit.reschedule(None)
                        times.came(pieces, now)
                    if passed:
                        # Waits while the client reads slowly, and with it the engine.
                        idle.is_busy = True
                        await self._write(response, passed)
                        idle.is_busy = False
                    if stream.is_over:
                        return

    def _left(self) -> float:
        """Return how many seconds of those that an answer may take are left."""
        end = self.course.began + self.settings.request_timeout
        return max(0.0, end - time.monotonic())

    def _stop_the_clock(self) -> None:
        """Let aiohttp set no timer for each piece that it reads: the stream has its own."""
        if self.answer.connection is not None and self.answer.connection.protocol is not None:
            self.answer.connection.protocol.read_timeout = None

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        """Pass something on; wait for a client that reads slowly, but not for ever.

        Raises:
            ClientLeftError: it has left, or reads no more.
        """
        transport = self.request.transport
        try:
            if len(data) <= _SMALL and transport and not transport.get_write_buffer_size():
                # All that was written has gone, so this cannot block.
                await response.write(data)
                return
            async with asyncio.timeout(self.settings.client_timeout):
                await response.write(data)
        except (ConnectionError, TimeoutError) as error:
            # aiohttp's error of this is one of its client's too, and would be the engine's.
            raise ClientLeftError from error
