"""Serves the metrics of a run while it goes on, and after it until they were read once more.

In the loop that sends: what is served in a thread of its own would hold the loop up by as much, and
at times of its own choosing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from llmstack.errors import ListenError
from llmstack.load.waiting import wait_for_one

#: Seconds that the last values are kept for somebody who has read before: what Prometheus is
#: configured to leave between two scrapes.
USUAL_LINGER = 15.0


class Served:
    """A server of `/metrics`."""

    def __init__(self, host: str, port: int, linger: float | None = None) -> None:
        """Take the port, so that it is known before anything is sent.

        Args:
            host: where to listen.
            port: 0 is a free one.
            linger: seconds after the run in which the last values can be read; None for the usual
                ones where somebody has read before, and none where nobody has.

        Raises:
            ListenError: it is taken, or is none of this machine's.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise ListenError(
                f"--metrics-port {port}: cannot listen at {host}:{port} "
                f"({error.strerror or error}); name another, or 0 for a free one"
            ) from error
        self._linger = linger
        self._runner: web.AppRunner | None = None
        self._scraped, self._read = False, asyncio.Event()

    @property
    def url(self) -> str:
        """Where the metrics are."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics"

    async def begin(self, text: Callable[[], bytes]) -> None:
        """Serve what this returns each time it is called, until it is stopped."""

        async def show(_: web.Request) -> web.Response:
            self._scraped = True
            self._read.set()
            return web.Response(body=text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

        application = web.Application()
        application.router.add_get("/metrics", show)
        runner = self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        # Who asks between two runs waits a moment, and is not refused: the port is still taken.
        await web.SockSite(runner, self._socket.dup()).start()

    @property
    def lingers(self) -> float:
        """Seconds for which the last values will be kept."""
        return (USUAL_LINGER if self._scraped else 0.0) if self._linger is None else self._linger

    async def end(self, skipped: asyncio.Event) -> None:
        """Serve the last values until they were read, for a while, or until that is skipped."""
        if self.lingers:
            self._read.clear()
            await wait_for_one(self._read, skipped, within=self.lingers)
        await self.stop()
        self._socket.close()

    async def stop(self) -> None:
        """Serve nothing until it is begun again."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
