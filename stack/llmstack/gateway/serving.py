"""The gateway as a process: it listens, and ends when told to, once all are answered."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal

import uvloop
from aiohttp import web

from llmstack.errors import ListenError
from llmstack.gateway.application import Gateway
from llmstack.gateway.connections import Site
from llmstack.gateway.settings import Settings
from llmstack.json_log import log_to_stderr

#: Header lines longer than this (bytes) are refused.
_LONGEST_LINE = 16 * 1024

LOG = logging.getLogger("llmstack.gateway")


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; what is being answered then is answered to its end.

    Raises:
        SettingsError: a key is too short.
        ListenError: an address cannot be had.
    """
    log_to_stderr(settings.log_level)
    # A sixth of the processor time of a token less than on asyncio's own loop.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(Gateway(settings)))


async def _serve(gateway: Gateway) -> None:
    settings, runners = gateway.settings, [runner_of(gateway)]
    try:
        await runners[0].setup()
        if settings.metrics_port:
            metrics = web.Application()
            metrics.router.add_get("/metrics", gateway.show_metrics)
            runners.append(web.AppRunner(metrics, access_log=None))
            await runners[1].setup()
            await _listen(
                web.TCPSite(runners[1], settings.metrics_host, settings.metrics_port),
                f"{settings.metrics_host}:{settings.metrics_port}, GATEWAY_METRICS_PORT",
            )
        await _listen(
            Site(runners[0], settings.host, settings.port, settings.client_timeout),
            f"{settings.host}:{settings.port}, GATEWAY_PORT",
        )
        told = {"address": f"{settings.host}:{settings.port}", "upstreams": settings.upstreams}
        LOG.info("listening", extra={"fields": told})
        # What is there now stays: to look through it for waste took a twentieth of all time.
        gc.collect()
        gc.freeze()
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await stopped.wait()
    finally:
        gateway.is_draining = True
        for each in runners:
            await each.cleanup()


def runner_of(gateway: Gateway) -> web.AppRunner:
    """Return what runs a gateway's application."""
    return web.AppRunner(
        gateway.application(),
        # A client that leaves cancels what is done for it: the engine is not asked to the end.
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=gateway.settings.drain,
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
    )


async def _listen(site: web.BaseSite, where: str) -> None:
    try:
        await site.start()
    except OSError as error:
        raise ListenError(f"{where}: {error.strerror or error}; name another port") from error
