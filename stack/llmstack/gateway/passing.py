"""An engine's answer on its way to the client: in one piece, or as a stream."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from dataclasses import dataclass

from aiohttp import HttpVersion11, web
from multidict import CIMultiDict

from llmstack.gateway.counts import OK, Counts
from llmstack.gateway.course import ClientLeftError, Course
from llmstack.gateway.engine_answer import Answer, BrokenOffError
from llmstack.gateway.events import read_object
from llmstack.gateway.outlet import Outlet
from llmstack.gateway.prompts import Asked
from llmstack.gateway.settings import Settings
from llmstack.gateway.streaming import Streaming
from llmstack.gateway.token_times import TokenTimes

_STREAM = "text/event-stream"
#: Bytes that fit into any connection's buffer.
_SMALL = 16 * 1024
#: An answer in one piece is read for its usage up to this many bytes.
_LONGEST_READ = 8 * 2**20


@dataclass
class Passing:
    """One answer that is passed on."""

    settings: Settings
    counts: Counts
    request: web.Request
    answer: Answer
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
                while chunk := await self.answer.piece():
                    if len(kept) <= _LONGEST_READ:
                        kept += chunk
                    await self._write(response, chunk)
                await response.write_eof()
        except (TimeoutError, BrokenOffError) as error:
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
        if self.request.version >= HttpVersion11:
            response.enable_chunked_encoding()
        await response.prepare(self.request)
        outlet = Outlet(self.request, is_chunked=response.chunked)
        stream = asked.dialect.stream(hides_usage=asked.hides_usage)
        self.course.is_stream = True
        times, patience = TokenTimes(self.course, self.counts), self.settings.client_timeout
        kind = ""
        try:
            await Streaming(stream, times, outlet, patience).run(
                self.answer, self._left(), self.settings.idle_timeout
            )
        except (asyncio.CancelledError, ClientLeftError):
            self.course.usage = stream.usage()
            if stream.is_done and not stream.has_error:
                # It has all that it asked for, and did not wait for formalities.
                self.course.outcome = OK
            raise
        except TimeoutError:
            kind = "timeout"
        except BrokenOffError:
            kind = "stream"
        left = stream.finish()
        if left:
            outlet.write(left)
        self.course.usage = stream.usage()
        if not kind and stream.has_error:
            kind = "stream"
            self.course.failed(self.answer.status, "an error inside the stream")
        elif kind or not stream.is_done:
            # One that just stops is no answer either, however well its connection was closed.
            kind = kind or "stream"
            self.course.failed(self.answer.status, f"the stream broke off ({kind})")
            said = asked.dialect.error("the engine has broken the stream off", "upstream_error")
            outlet.write(f"event: error\ndata: {json.dumps(said)}\n\n".encode())
        else:
            self.course.outcome = OK
        if kind:
            self.counts.upstream_errors.labels(self.course.model, kind).inc()
        await self._patiently(response.write_eof(), 0)
        return response

    def _left(self) -> float:
        """Return how many seconds of those that an answer may take are left."""
        end = self.course.began + self.settings.request_timeout
        return max(0.0, end - time.monotonic())

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        """Pass something on; wait for a client that reads slowly, but not for ever.

        Raises:
            ClientLeftError: it has left, or reads no more.
        """
        await self._patiently(response.write(data), len(data))

    async def _patiently(self, writing: Awaitable[None], size: int) -> None:
        transport = self.request.transport
        try:
            if transport and transport.get_write_buffer_size() + size <= _SMALL:
                # It fits beside what has not gone yet, so this cannot block.
                await writing
            else:
                async with asyncio.timeout(self.settings.client_timeout):
                    await writing
        except (ConnectionError, TimeoutError) as error:
            raise ClientLeftError from error
