"""The gateway as a process: it listens, and ends when told to, once all are answered."""

from __future__ import annotations

import asyncio
import signal

from aiohttp import web

from llmstack.gateway.application import Gateway
from llmstack.gateway.settings import Settings
from llmstack.json_log import log_to_stderr

#: Header lines longer than this (bytes) are refused, as are more than so many of a request.
_LONGEST_LINE = 16 * 1024


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; what is being answered then is answered to its end.

    Raises:
        SettingsError: a key is too short.
        OSError: an address is taken.
    """
    log_to_stderr(settings.log_level)
    asyncio.run(_serve(Gateway(settings)))


async def _serve(gateway: Gateway) -> None:
    settings = gateway.settings
    runner = web.AppRunner(
        gateway.application(),
        # A client that leaves cancels what is done for it: the engine is not asked to the end.
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=settings.drain,
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
    )
    await runner.setup()
    runners = [runner]
    if settings.metrics_port:
        metrics = web.Application()
        metrics.router.add_get("/metrics", gateway.show_metrics)
        apart = web.AppRunner(metrics, access_log=None)
        await apart.setup()
        await web.TCPSite(apart, settings.metrics_host, settings.metrics_port).start()
        runners.append(apart)
    await web.TCPSite(runner, settings.host, settings.port).start()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    gateway.is_draining = True
    for each in runners:
        await each.cleanup()
