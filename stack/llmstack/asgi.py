"""ASGI middleware for an app that embeds an engine: the five `llm_*` families, correct for streams.

A request is counted once, when it has really ended: a stream at its last byte, an error inside a
stream as an error, a client that leaves its stream as cancelled. (Of one that leaves before an
answer in one piece a server tells nobody: that is counted as answered.)

::

    from fastapi import FastAPI
    from llmstack.asgi import Middleware, report_tokens

    app = FastAPI()
    app.add_middleware(Middleware, endpoints=("/generate",))

    @app.post("/generate")
    def generate(prompt: str) -> str:
        answer = engine.generate(prompt)
        report_tokens(len(answer.token_ids))
        return answer.text
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from llmdash.metrics import app as catalogue
from llmstack.instruments import counter, gauge, histogram

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

#: What apps that speak as OpenAI or as text-generation servers do call it.
ENDPOINTS = ("/v1/chat/completions", "/v1/completions", "/generate", "/generate_stream")
SUCCESS, ERROR, CANCELLED = "success", "error", "cancelled"
#: The first status of an answer that is an error.
_FIRST_ERROR = 400


@dataclass
class _Running:
    """One request, as far as it has come."""

    began: float = field(default_factory=time.perf_counter)
    status: int = 0
    #: Bytes of the body as they come, and as many as were announced.
    received: int = 0
    announced: int = 0
    tokens: float = 0
    has_ended: bool = False
    has_failed: bool = False
    has_left: bool = False

    @property
    def outcome(self) -> str:
        """What became of it."""
        if self.has_failed or self.status >= _FIRST_ERROR:
            return ERROR
        if self.has_ended:
            return SUCCESS
        return CANCELLED if self.has_left else ERROR


_running: ContextVar[_Running | None] = ContextVar("llmstack_request", default=None)


def report_tokens(count: float) -> None:
    """Add tokens that were generated for the request that is being answered, if one is."""
    request = _running.get()
    if request is not None:
        request.tokens += count


def report_failure() -> None:
    """Call the request that is being answered failed, however well its stream ends."""
    request = _running.get()
    if request is not None:
        request.has_failed = True


class Middleware:
    """Counts the requests of an app's endpoints, and shows them under a path."""

    def __init__(
        self,
        app: Application,
        *,
        endpoints: Iterable[str] = ENDPOINTS,
        registry: CollectorRegistry = REGISTRY,
        metrics_path: str | None = "/metrics",
    ) -> None:
        """Make the metrics.

        Args:
            app: the application that is measured.
            endpoints: the paths that answer a POST with a model; others are not counted.
            registry: where the metrics are registered; one middleware a registry.
            metrics_path: where `GET` shows the registry; None for nowhere.
        """
        self._app, self._registry, self._metrics_path = app, registry, metrics_path
        self._endpoints = frozenset(endpoints)
        self._requests = counter(catalogue.LLM_REQUESTS_TOTAL, registry)
        self._duration = histogram(catalogue.LLM_REQUEST_DURATION_SECONDS, registry)
        self._tokens = counter(catalogue.LLM_TOKENS_GENERATED_TOTAL, registry)
        self._size = histogram(catalogue.LLM_REQUEST_SIZE_BYTES, registry)
        self._active = gauge(catalogue.LLM_ACTIVE_REQUESTS, registry)
        for endpoint in self._endpoints:
            # There from the start, so that a first failure is a rise.
            for status in (SUCCESS, ERROR, CANCELLED):
                self._requests.labels(endpoint, status)
            self._tokens.labels(endpoint)
            self._active.labels(endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == self._metrics_path and scope["method"] == "GET":
            await self._show(send)
        elif scope["path"] in self._endpoints and scope["method"] == "POST":
            await self._measured(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, endpoint = _Running(announced=_announced(scope)), scope["path"]

        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                request.received += len(message.get("body", b""))
            elif message["type"] == "http.disconnect" and not request.has_ended:
                request.has_left = True
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
            try:
                await send(message)
            except OSError:
                # Servers say so when nobody is there to read.
                request.has_left = True
                raise
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                request.has_ended = True

        self._active.labels(endpoint).inc()
        token = _running.set(request)
        try:
            await self._app(scope, received, sent)
        except asyncio.CancelledError:
            request.has_left = request.has_left or not request.has_ended
            raise
        except BaseException:
            request.has_failed = not request.has_left and not request.has_ended
            raise
        finally:
            _running.reset(token)
            self._active.labels(endpoint).dec()
            self._count(endpoint, request)

    def _count(self, endpoint: str, request: _Running) -> None:
        outcome = request.outcome
        self._requests.labels(endpoint, outcome).inc()
        self._size.labels(endpoint).observe(max(request.received, request.announced))
        if request.tokens:
            self._tokens.labels(endpoint).inc(request.tokens)
        if outcome == SUCCESS:
            # Failures are fast, and would flatter every quantile.
            self._duration.labels(endpoint).observe(time.perf_counter() - request.began)

    async def _show(self, send: Send) -> None:
        body = generate_latest(self._registry)
        headers = [
            (b"content-type", CONTENT_TYPE_LATEST.encode()),
            (b"content-length", b"%d" % len(body)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _announced(scope: Scope) -> int:
    for name, value in scope.get("headers", ()):
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return 0
