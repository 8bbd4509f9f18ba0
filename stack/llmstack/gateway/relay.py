"""One request on its way to an engine and back, and what is known of it when it ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from llmstack.gateway.counts import CANCELLED, ERROR, OK, Counts
from llmstack.gateway.events import Stream, Usage, usage_of
from llmstack.gateway.headers import to_client, to_engine
from llmstack.gateway.prompts import Asked
from llmstack.gateway.settings import Settings
from llmstack.gateway.upstreams import Pool, Upstream

#: A client that has left before there was an answer, as nginx has it.
LEFT = 499
_STREAM = "text/event-stream"
#: An answer in one piece is read for its usage up to this many bytes.
_LONGEST_READ = 8 * 2**20


@dataclass
class Course:
    """What has become of a request so far."""

    model: str
    prompt_class: str
    is_stream: bool = False
    status: int = LEFT
    outcome: str = CANCELLED
    usage: Usage | None = None
    #: Pieces of text that were passed on: what a stream that was cut has cost at least.
    pieces: int = 0
    first_token: float | None = None
    upstream: str = ""
    error: str = ""
    began: float = field(default_factory=time.monotonic)

    def failed(self, status: int, error: str) -> None:
        """Take notice of a failure."""
        self.status, self.outcome, self.error = status, ERROR, error

    def tokens(self, asked: Asked | None) -> Usage:
        """Return the tokens that it has cost: as counted by the engine, else as they passed."""
        if self.usage is not None:
            return self.usage
        if asked is None or not (self.pieces or self.outcome == OK):
            return Usage(0, 0)
        return Usage(asked.prompt_tokens, self.pieces)


class ClientLeftError(Exception):
    """Nobody is there any more to read what is written."""


class EngineError(Exception):
    """No engine has answered; the status and the words for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass
class Relay:
    """Passes requests on to the engines of a pool."""

    settings: Settings
    pool: Pool
    counts: Counts
    session: aiohttp.ClientSession

    async def pass_on(
        self,
        request: web.Request,
        path: str,
        data: bytes | None,
        course: Course,
        asked: Asked | None,
        request_id: str,
        more_headers: Callable[[], dict[str, str]],
    ) -> web.StreamResponse:
        """Answer a request with what an engine answers.

        Raises:
            EngineError: none has answered; nothing was sent to the client.
        """
        upstream, answer = await self._ask(request, path, data, course, request_id)
        try:
            course.upstream, course.status = upstream.url, answer.status
            headers = to_client(answer.headers, request_id)
            headers.update(more_headers())
            if answer.status < 400 and answer.content_type == _STREAM:
                return await self._stream(request, answer, headers, course, asked)
            return await self._whole(request, answer, headers, course)
        finally:
            # Not released but closed: an engine that is still writing must see that nobody reads.
            answer.close()
            upstream.outstanding -= 1

    async def _ask(
        self, request: web.Request, path: str, data: bytes | None, course: Course, request_id: str
    ) -> tuple[Upstream, aiohttp.ClientResponse]:
        """Return the first engine that answers; only what has not begun is asked of another."""
        tried: list[Upstream] = []
        while True:
            upstream = self.pool.pick(time.monotonic(), tried)
            if upstream is None:
                if tried:
                    raise EngineError(502, "no engine can be reached")
                raise EngineError(503, "no engine is ready")
            tried.append(upstream)
            upstream.outstanding += 1
            is_kept = False
            try:
                async with asyncio.timeout(self.settings.request_timeout):
                    answer = await self.session.request(
                        request.method,
                        f"{upstream.url}{path}",
                        data=data,
                        headers=to_engine(request.headers, request_id, self.settings.upstream_key),
                        allow_redirects=False,
                    )
                is_kept = True
            except aiohttp.ClientConnectorError:
                self._error(course, "connect", upstream)
                continue
            except TimeoutError as error:
                if (
                    isinstance(error, aiohttp.ServerTimeoutError)
                    and "connect" in str(error).lower()
                ):
                    self._error(course, "connect", upstream)
                    continue
                self._error(course, "timeout", upstream)
                raise EngineError(504, "the engine has not answered in time") from error
            except aiohttp.ClientError as error:
                self._error(course, "stream", upstream)
                raise EngineError(502, "the engine has broken the connection off") from error
            finally:
                if not is_kept:
                    upstream.outstanding -= 1
            if answer.status >= 500:
                self._error(course, "status", upstream)
            else:
                upstream.succeeded()
            return upstream, answer

    def _error(self, course: Course, kind: str, upstream: Upstream) -> None:
        self.counts.upstream_errors.labels(course.model, kind).inc()
        upstream.failed(time.monotonic())
        course.upstream = upstream.url

    async def _whole(
        self, request: web.Request, answer: aiohttp.ClientResponse, headers: object, course: Course
    ) -> web.StreamResponse:
        """Pass on an answer in one piece, as it comes."""
        left = max(0.0, course.began + self.settings.request_timeout - time.monotonic())
        response = web.StreamResponse(status=answer.status, headers=headers)  # type: ignore[arg-type]
        if answer.headers.get("Content-Length", "").isdigit():
            response.content_length = int(answer.headers["Content-Length"])
        kept = bytearray()
        try:
            async with asyncio.timeout(left):
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    if len(kept) <= _LONGEST_READ:
                        kept += chunk
                    await _write(response, chunk)
                await response.write_eof()
        except (TimeoutError, aiohttp.ClientError) as error:
            kind = "timeout" if isinstance(error, TimeoutError) else "stream"
            self.counts.upstream_errors.labels(course.model, kind).inc()
            course.failed(answer.status, f"{kind}: {type(error).__name__}")
            # The client must not take half an answer for a whole one.
            response.force_close()
            if request.transport is not None:
                request.transport.abort()
            return response
        course.outcome = OK if answer.status < 400 else ERROR
        if course.outcome == OK and len(kept) <= _LONGEST_READ:
            course.usage = _usage(bytes(kept))
        return response

    async def _stream(
        self,
        request: web.Request,
        answer: aiohttp.ClientResponse,
        headers: object,
        course: Course,
        asked: Asked | None,
    ) -> web.StreamResponse:
        """Pass on a stream, event by event, and time its text."""
        response = web.StreamResponse(status=answer.status, headers=headers)  # type: ignore[arg-type]
        response.headers["X-Accel-Buffering"] = "no"
        response.headers["Cache-Control"] = "no-cache"
        stream = Stream(hides_usage=asked is not None and asked.is_stream and not asked.wants_usage)
        course.is_stream = True
        await response.prepare(request)
        kind, last = "", course.began
        first = self.counts.first_token.labels(course.model, course.prompt_class)
        between = self.counts.inter_token.labels(course.model, course.prompt_class)
        try:
            async for chunk in answer.content.iter_any():
                passed, pieces = stream.feed(chunk)
                if pieces:
                    now = time.monotonic()
                    if course.first_token is None:
                        course.first_token = now - course.began
                        first.observe(course.first_token)
                        course.pieces, pieces, last = 1, pieces - 1, now
                    for _ in range(pieces):
                        between.observe((now - last) / pieces)
                    course.pieces += pieces
                    last = now
                if passed:
                    # Waits while the client reads slowly, and with it the engine.
                    await _write(response, passed)
        except TimeoutError:
            kind = "timeout"
        except aiohttp.ClientError:
            kind = "stream"
        left = stream.finish()
        if left:
            await _write(response, left)
        course.usage = stream.usage()
        if not kind and stream.has_error:
            kind = "stream"
            course.failed(answer.status, "an error inside the stream")
        elif kind:
            course.failed(answer.status, f"the stream broke off ({kind})")
            said = json.dumps(error_body("the engine has broken the stream off", "upstream_error"))
            await _write(response, f"event: error\ndata: {said}\n\n".encode())
        else:
            course.outcome = OK
        if kind:
            self.counts.upstream_errors.labels(course.model, kind).inc()
        await response.write_eof()
        return response


async def _write(response: web.StreamResponse, data: bytes) -> None:
    try:
        await response.write(data)
    except ConnectionError as error:
        # aiohttp's error of this is one of its client's too, and would be taken for the engine's.
        raise ClientLeftError from error


def error_body(message: str, kind: str) -> dict[str, object]:
    """Return an error as OpenAI's clients read it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def _usage(data: bytes) -> Usage | None:
    try:
        found = json.loads(data)
    except ValueError:
        return None
    return usage_of(found.get("usage")) if isinstance(found, dict) else None
