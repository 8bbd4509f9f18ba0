"""The bare pass-through: no key, no limit, no log, no reading. What it costs cannot be saved.

A program of its own, with the same web framework as our gateway:
`python pass_through.py 8120 http://127.0.0.1:8111`.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator

import aiohttp
import uvloop
from aiohttp import web

SESSION = web.AppKey("session", aiohttp.ClientSession)
UPSTREAM = web.AppKey("upstream", str)


async def pass_on(request: web.Request) -> web.StreamResponse:
    """Answer with what the engine answers, as it comes."""
    url = request.app[UPSTREAM] + request.path_qs
    data = await request.read()
    headers = {"Content-Type": request.content_type}
    session = request.app[SESSION]
    async with session.request(request.method, url, data=data or None, headers=headers) as answer:
        response = web.StreamResponse(
            status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]}
        )
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


async def _session(app: web.Application) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, auto_decompress=False
    ) as session:
        app[SESSION] = session
        yield


def application(upstream: str) -> web.Application:
    """Return the application."""
    app = web.Application()
    app[UPSTREAM] = upstream
    app.cleanup_ctx.append(_session)
    app.router.add_route("*", "/{path:.*}", pass_on)
    return app


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("upstream")
    chosen = parser.parse_args()
    web.run_app(
        application(chosen.upstream),
        host="127.0.0.1",
        port=chosen.port,
        access_log=None,
        handle_signals=True,
        print=lambda *_: None,
        # The loop that the gateway has: what is compared is what it does on it.
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main()
