"""A request on its way to an engine: which is asked, and what is no answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from llmstack.gateway.counts import Counts
from llmstack.gateway.course import Course
from llmstack.gateway.engine_answer import Answer, BrokenOffError, NoConnectionError
from llmstack.gateway.engine_client import EngineClient
from llmstack.gateway.headers import to_client, to_engine
from llmstack.gateway.passing import Passing
from llmstack.gateway.prompts import Asked
from llmstack.gateway.settings import Settings
from llmstack.gateway.upstreams import Pool, Upstream


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
    client: EngineClient

    async def pass_on(
        self,
        request: web.Request,
        data: bytes | None,
        course: Course,
        asked: Asked | None,
        request_id: str,
        more_headers: Mapping[str, str],
    ) -> web.StreamResponse:
        """Answer a request with what an engine answers.

        Raises:
            ClientLeftError: nobody is there to read it.
            EngineError: none has answered; nothing was sent to the client.
        """
        upstream, answer = await self._ask(request, data, course, request_id)
        try:
            course.upstream, course.status = upstream.url, answer.status
            self._refuse_what_is_none(answer, course)
            headers = to_client(answer.headers, request_id)
            headers.update(more_headers)
            passing = Passing(self.settings, self.counts, request, answer, course)
            return await passing.pass_on(headers, asked)
        finally:
            answer.close()
            upstream.outstanding -= 1

    async def _ask(
        self, request: web.Request, data: bytes | None, course: Course, request_id: str
    ) -> tuple[Upstream, Answer]:
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
                    answer = await self.client.ask(
                        request.method,
                        upstream.url,
                        request.path_qs,
                        to_engine(request.headers, request_id, self.settings.upstream_key),
                        data,
                    )
                is_kept = True
            except NoConnectionError:
                self._error(course, "connect", upstream)
                continue
            except TimeoutError as error:
                self._error(course, "timeout", upstream)
                raise EngineError(504, "the engine has not answered in time") from error
            except BrokenOffError as error:
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

    def _refuse_what_is_none(self, answer: Answer, course: Course) -> None:
        """Refuse answers that nobody asked for: to other places, and packed ones.

        Raises:
            EngineError: it is one.
        """
        if not 200 <= answer.status < 300 and answer.status < 400:
            problem = f"the engine has answered with {answer.status}, which is no answer"
        elif answer.headers.get("Content-Encoding", "identity") != "identity":
            problem = "the engine has packed its answer, which it was asked not to"
        else:
            return
        self.counts.upstream_errors.labels(course.model, "status").inc()
        raise EngineError(502, problem)

    def _error(self, course: Course, kind: str, upstream: Upstream) -> None:
        self.counts.upstream_errors.labels(course.model, kind).inc()
        upstream.failed(time.monotonic())
        course.upstream = upstream.url
