"""A program that passes everything on to a real engine, but does what a request's `X-Fault` asks for.

`python faulty_engine.py ENGINE PORT`; with `--comes-and-goes` it refuses connections half of the
time. Started by `stack_programs`; it imports nothing of the tests.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

HEADER = "X-Fault"
#: Answers 500; never answers; breaks the stream off after its first pieces.
STATUS, SILENCE, BREAK = "status", "silence", "break"

#: Seconds that it is there, and then is not: longer than the gateway takes to look twice.
PRESENCE = 3.0
#: Pieces of a stream that are passed on before it breaks.
_PIECES = 3


class FaultyEngine:
    """An engine like the one behind it, with faults on demand."""

    def __init__(self, engine: str) -> None:
        self._engine = engine

    def application(self) -> web.Application:
        """Return the application: every path is the engine's."""
        app = web.Application()
        app.cleanup_ctx.append(self._connected)
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _connected(self, app: web.Application) -> AsyncIterator[None]:
        del app
        async with aiohttp.ClientSession() as session:
            self._session = session
            yield

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        fault = request.headers.get(HEADER)
        if fault == STATUS:
            error = {"message": "out of memory", "type": "InternalServerError", "code": 500}
            return web.json_response({"error": error}, status=500)
        if fault == SILENCE:
            # Until who asked gives up: that cancels this.
            await asyncio.Event().wait()
        url, data = f"{self._engine}{request.path_qs}", await request.read()
        headers = {"Content-Type": request.headers.get("Content-Type", "application/json")}
        asking = self._session.request(request.method, url, data=data, headers=headers)
        async with asking as answer:
            kind = answer.headers.get("Content-Type", "application/json")
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": kind})
            # A connection that is kept would hide that there is nobody to connect to.
            response.force_close()
            await response.prepare(request)
            pieces = 0
            async for piece in answer.content.iter_any():
                await response.write(piece)
                pieces += 1
                if fault == BREAK and pieces == _PIECES and request.transport is not None:
                    request.transport.abort()
                    break
        return response


async def _serve(engine: str, port: int, *, comes_and_goes: bool) -> None:
    app = FaultyEngine(engine).application()
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    while True:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        if not comes_and_goes:
            await asyncio.Event().wait()
        await asyncio.sleep(PRESENCE)
        # Answers under way come to their end; nobody new is let in.
        await site.stop()
        await asyncio.sleep(PRESENCE)


if __name__ == "__main__":
    asyncio.run(
        _serve(sys.argv[1], int(sys.argv[2]), comes_and_goes="--comes-and-goes" in sys.argv)
    )
