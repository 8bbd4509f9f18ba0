"""The gateway as a web application: what it answers under which path, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

from aiohttp import web
from multidict import CIMultiDict
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from llmdash.metrics.gateway import PROMPT_CLASSES
from llmstack.errors import RequestError
from llmstack.gateway.admission import Admission, Gate, Refused, client_address
from llmstack.gateway.connections import hear
from llmstack.gateway.counts import CANCELLED, ERROR, OK, OTHER, Counts, Ended
from llmstack.gateway.course import LEFT, ClientLeftError, Course
from llmstack.gateway.dialects import DIALECTS, Dialect, openai_error
from llmstack.gateway.engine_answer import Answer, BrokenOffError, NoConnectionError
from llmstack.gateway.engine_client import EngineClient
from llmstack.gateway.headers import REQUEST_ID, request_id
from llmstack.gateway.keys import Key
from llmstack.gateway.limits import Limits
from llmstack.gateway.memory_limits import MemoryLimits
from llmstack.gateway.prompts import Asked, read_request
from llmstack.gateway.relay import EngineError, Relay
from llmstack.gateway.settings import Settings
from llmstack.gateway.upstreams import Pool, Upstream

#: What is looked up; of what is asked, see the dialects. An engine has more that only its owner may
#: ask for.
READING = ("/v1/models",)

#: What OpenAI and Anthropic call a request that nobody can answer.
INVALID = "invalid_request_error"

LOG = logging.getLogger("llmstack.gateway")


@dataclass
class Gateway:
    """Everything that one gateway holds."""

    settings: Settings
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        """Read the keys, and know the engines.

        Raises:
            SettingsError: a key is too short.
        """
        self.limits = self._limits()
        self.gate = Gate(self.settings, self.limits)
        self.pool = Pool([Upstream(url.rstrip("/")) for url in self.settings.upstreams])
        self.is_draining = False

    def _limits(self) -> Limits:
        if not self.settings.redis_url:
            return MemoryLimits()
        # Its library is needed by those who share limits, and takes long to import.
        from llmstack.gateway.redis_limits import RedisLimits

        limits = RedisLimits(self.settings.redis_url)
        self.counts.show_sharing(lambda: limits.is_shared)
        return limits

    def application(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=self.settings.longest_body, middlewares=[hear])
        app.cleanup_ctx.append(self._running)
        for dialect in DIALECTS:
            app.router.add_post(dialect.path, partial(self._asked, dialect))
        for path in READING:
            app.router.add_get(path, self._read)
        app.router.add_get("/health", self._health)
        app.router.add_get("/ready", self._ready)
        if not self.settings.metrics_port:
            app.router.add_get("/metrics", self.show_metrics)
        app.on_shutdown.append(self._drain)
        return app

    async def _running(self, app: web.Application) -> AsyncIterator[None]:
        del app
        client = EngineClient(self.settings.connect_timeout)
        self.relay = Relay(self.settings, self.pool, self.counts, client)
        await self.look()
        looking = asyncio.create_task(self._keep_looking())
        yield
        looking.cancel()
        client.close()
        await self.limits.close()

    async def _drain(self, app: web.Application) -> None:
        del app
        self.is_draining = True

    # --- the engines' health ---------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self.settings.health_interval)
            await self.look()

    async def look(self) -> None:
        """Look at the health of every engine, and at what it serves."""
        await asyncio.gather(*(self._look_at(each) for each in self.pool.upstreams))
        self.counts.know(self.pool.models)

    async def _look_at(self, upstream: Upstream) -> None:
        was_healthy = upstream.is_healthy
        try:
            answer, _ = await self._looked_up(upstream, "/health")
            upstream.is_healthy = answer.status < 300
            if upstream.is_healthy:
                _, data = await self._looked_up(upstream, "/v1/models")
                found = json.loads(data)
                upstream.models = frozenset(str(each["id"]) for each in found["data"])
        except (NoConnectionError, BrokenOffError, TimeoutError, ValueError, KeyError, TypeError):
            upstream.is_healthy = False
        if upstream.is_healthy != was_healthy:
            LOG.info(
                "upstream",
                extra={"fields": {"upstream": upstream.url, "is_healthy": upstream.is_healthy}},
            )

    async def _looked_up(self, upstream: Upstream, path: str) -> tuple[Answer, bytes]:
        """Return the answer of an engine, with all of its body."""
        key = self.settings.upstream_key
        headers = CIMultiDict({"Authorization": f"Bearer {key}"} if key else {})
        async with asyncio.timeout(self.settings.connect_timeout):
            answer = await self.relay.client.ask("GET", upstream.url, path, headers)
            data = bytearray()
            try:
                while piece := await answer.piece():
                    data += piece
                return answer, bytes(data)
            finally:
                answer.close()

    # --- pages of its own ------------------------------------------------------------------------

    async def _health(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"status": "ok"})

    async def _ready(self, request: web.Request) -> web.Response:
        del request
        is_ready = self.pool.is_ready(time.monotonic()) and not self.is_draining
        status = "draining" if self.is_draining else "ready" if is_ready else "no engine is ready"
        return web.json_response({"status": status}, status=200 if is_ready else 503)

    async def show_metrics(self, request: web.Request) -> web.Response:
        """Answer with what is counted."""
        del request
        body = generate_latest(self.counts.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    # --- requests --------------------------------------------------------------------------------

    async def _asked(self, dialect: Dialect, request: web.Request) -> web.StreamResponse:
        """Answer a request for text."""
        exchange = _Exchange(self, request, dialect)
        try:
            return await exchange.answer(dialect)
        finally:
            exchange.end()

    async def _read(self, request: web.Request) -> web.StreamResponse:
        """Answer what is only looked up, and costs nothing."""
        exchange = _Exchange(self, request)
        try:
            return await exchange.look_up()
        finally:
            exchange.end()


@dataclass
class _Exchange:
    """One request and its answer."""

    gateway: Gateway
    request: web.Request
    dialect: Dialect | None = None
    id: str = ""
    key: Key | None = None
    asked: Asked | None = None
    admission: Admission | None = None
    _is_active: bool = False

    def __post_init__(self) -> None:
        self.id = request_id(self.request.headers)
        self.course = Course(OTHER, PROMPT_CLASSES[0])

    async def answer(self, dialect: Dialect) -> web.StreamResponse:
        found = await self.entered()
        if isinstance(found, web.StreamResponse):
            return found
        within = self.gateway.settings.client_timeout
        try:
            data = await self.body(within)
            self.asked = asked = read_request(data, dialect)
        except TimeoutError:
            response = self.refused(408, f"the body has not come in {within:g} s", INVALID)
            response.force_close()
            return response
        except web.HTTPRequestEntityTooLarge:
            most = self.gateway.settings.longest_body
            return self.refused(413, f"the body is longer than {most} bytes", INVALID)
        except RequestError as error:
            return self.refused(400, str(error), INVALID)
        models = self.gateway.pool.models
        self.course.model = asked.model if asked.model in models else OTHER
        self.course.prompt_class, self.course.is_stream = asked.prompt_class, asked.is_stream
        refused = await self.gateway.gate.reserve(found, asked.most_tokens)
        if refused is not None:
            return self.turned_away(refused)
        return await self.passed_on(asked.sent())

    async def body(self, within: float) -> bytes:
        """Return the body.

        Raises:
            TimeoutError: it has not come in so many seconds.
            HTTPRequestEntityTooLarge: it is too long.
        """
        if self.request.content.is_eof():
            # It has come with its head, as most do.
            return await self.request.read()
        async with asyncio.timeout(within):
            return await self.request.read()

    async def look_up(self) -> web.StreamResponse:
        found = await self.entered()
        return found if isinstance(found, web.StreamResponse) else await self.passed_on(None)

    async def entered(self) -> Admission | web.StreamResponse:
        """Check the address, the key and the rate, before anything of the body is read."""
        gate, trusted = self.gateway.gate, self.gateway.settings.trusted_proxies
        forwarded = self.request.headers.get("X-Forwarded-For", "")
        address = client_address(self.request.remote or "", forwarded, trusted)
        refused = await gate.client_refusal(address)
        if refused is not None:
            return self.turned_away(refused)
        key = gate.key_of(self.request.headers)
        if isinstance(key, Refused):
            return self.turned_away(key)
        self.key = key
        found = await gate.admit(key)
        if isinstance(found, Refused):
            return self.turned_away(found)
        self.admission = found
        return found

    async def passed_on(self, data: bytes | None) -> web.StreamResponse:
        self._is_active = True
        self.gateway.counts.active.labels(self.course.model, self.stream).inc()
        try:
            return await self.gateway.relay.pass_on(
                self.request,
                data,
                self.course,
                self.asked,
                self.id,
                self.headers,
            )
        except EngineError as error:
            kind = "upstream_error"
            return self.refused(error.status, error.message, kind)
        except ClientLeftError:
            if self.course.outcome != OK:
                self.course.outcome = CANCELLED
            if self.request.transport is not None:
                # It may still be there, and only not read.
                self.request.transport.abort()
            return web.Response(status=LEFT)

    @property
    def stream(self) -> str:
        return "true" if self.asked is not None and self.asked.is_stream else "false"

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.admission is None else self.admission.headers

    def turned_away(self, refused: Refused) -> web.Response:
        counts = self.gateway.counts
        counted = counts.auth_failures if refused.status == 401 else counts.rate_limited
        counted.labels(refused.cause).inc()
        return self.refused(refused.status, refused.message, refused.kind, dict(refused.headers))

    def refused(
        self, status: int, message: str, kind: str, headers: dict[str, str] | None = None
    ) -> web.Response:
        self.course.failed(status, message)
        told = self.dialect.error if self.dialect is not None else openai_error
        text = json.dumps(told(message, kind))
        given = {**self.headers, **(headers or {}), REQUEST_ID: self.id}
        return web.Response(
            status=status, text=text, content_type="application/json", headers=given
        )

    def end(self) -> None:
        """Count the request and write it down: once, whatever has become of it."""
        course, asked = self.course, self.asked
        used = course.tokens(asked)
        if self._is_active:
            self.gateway.counts.active.labels(course.model, self.stream).dec()
        if self.admission is not None:
            self.admission.end(used.prompt + used.completion)
        seconds = time.monotonic() - course.began
        status = course.status if course.outcome != CANCELLED or course.first_token else LEFT
        self.gateway.counts.end(
            Ended(
                course.model,
                self.request.path,
                self.request.method,
                status,
                self.stream == "true",
                course.outcome,
                course.prompt_class,
                seconds,
                used.prompt,
                used.completion,
            )
        )
        level = logging.WARNING if course.outcome == ERROR else logging.INFO
        LOG.log(
            level,
            "request",
            extra={
                "fields": {
                    "request_id": self.id,
                    "key": self.key.name if self.key else None,
                    "method": self.request.method,
                    "path": self.request.path,
                    "model": course.model,
                    "stream": self.stream == "true",
                    "status": status,
                    "outcome": course.outcome,
                    "seconds": round(seconds, 6),
                    "first_token_seconds": course.first_token and round(course.first_token, 6),
                    "prompt_tokens": used.prompt,
                    "completion_tokens": used.completion,
                    "upstream": course.upstream,
                    "error": course.error,
                }
            },
        )
