"""An engine to stand a gateway in front of: as OpenAI's, with faults on demand, on a real socket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from aiohttp import web

from llmstack.gateway.dialects import DIALECTS
from tests.stack.gateway import dialect_answers

Answer = Callable[["FakeEngine", web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


class Loop:
    """An event loop in a thread of its own, which serves an application on loopback."""

    def __init__(self) -> None:
        # As the gateway has it.
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._runners: list[web.AppRunner] = []
        self._last: list[Callable[[], Awaitable[None]]] = []

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def serve(self, app: web.Application, **settings: Any) -> int:
        runner = web.AppRunner(app, access_log=None, **settings)
        return self.listen(runner, lambda: web.TCPSite(runner, "127.0.0.1", 0))

    def listen(self, runner: web.AppRunner, site: Callable[[], web.BaseSite]) -> int:
        async def begin() -> int:
            self._runners.append(runner)
            await runner.setup()
            await site().start()
            port: int = runner.addresses[0][1]
            return port

        found: int = self.run(begin())
        return found

    def finally_(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something before all is stopped."""
        self._last.append(work)

    def stop(self) -> None:
        for work in reversed(self._last):
            self.run(work())
        for runner in reversed(self._runners):
            self.run(runner.cleanup())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class FakeEngine:
    """What it was asked, how many left, and how it answers next."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.aborted = 0
        self.running = 0
        self.is_healthy = True
        self.answer: Answer | None = None

    def application(self) -> web.Application:
        app = web.Application(client_max_size=2**30)
        for dialect in DIALECTS:
            app.router.add_post(dialect.path, self._asked)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health", self._health)
        return app

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if self.is_healthy else 503)

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "tiny", "object": "model"}]})

    async def _asked(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.bodies.append(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.running += 1
        try:
            if self.answer is not None:
                return await self.answer(self, request, body)
            if request.path.startswith(("/v1/messages", "/v1/responses")):
                return await dialect_answers.answer(request, body)
            return await (stream if body.get("stream") else whole)(self, request, body)
        except (asyncio.CancelledError, ConnectionError):
            self.aborted += 1
            raise
        finally:
            self.running -= 1


def usage(prompt: int, completion: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


async def whole(engine: FakeEngine, request: web.Request, body: dict[str, Any]) -> web.Response:
    """An answer in one piece, of as many words as were asked for."""
    del engine, request
    count = body.get("max_tokens", 3)
    message = {"role": "assistant", "content": " a" * count}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return web.json_response(
        {"id": "x", "object": "chat.completion", "created": 1, "model": body.get("model", ""), "choices": [choice], "usage": usage(5, count)},
        headers={"X-Engine": "fake", "Set-Cookie": "secret=1"},
    )  # fmt: skip


def chunk(body: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": body.get("model", ""), "choices": [choice]}  # fmt: skip


def event(content: Any) -> bytes:
    return f"data: {content if isinstance(content, str) else json.dumps(content)}\n\n".encode()


async def begin(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    return response


async def stream(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    """A stream of as many words as were asked for, `pause` seconds apart, counted if that was asked for."""
    del engine
    response, count = await begin(request), body.get("max_tokens", 3)
    await response.write(event(chunk(body, {"role": "assistant", "content": ""})))
    for _ in range(count):
        await asyncio.sleep(body.get("pause", 0))
        await response.write(event(chunk(body, {"content": " a"})))
    await response.write(event(chunk(body, {}, "stop")))
    if (body.get("stream_options") or {}).get("include_usage"):
        await response.write(event({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "tiny", "choices": [], "usage": usage(5, count)}))  # fmt: skip
    await response.write(event("[DONE]"))
    return response


async def hangs(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    """It has taken the question, and says nothing."""
    del engine, request, body
    await asyncio.sleep(60)
    return web.Response()
