"""Pushes the metrics of a run to a Pushgateway, for clients that Prometheus cannot reach.

Its protocol (https://github.com/prometheus/pushgateway#api): a PUT replaces a group of series,
which here is the host's; so the next run takes the place of the last one.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable
from urllib.parse import quote, urlsplit

import aiohttp
from prometheus_client import CONTENT_TYPE_LATEST

from llmstack.errors import ConfigurationError
from llmstack.load.address import without_credentials
from llmstack.load.telling.asking import PATIENCE, asked

#: Seconds from one push to the next.
EVERY = 5.0
JOB = "llmstack_load"
_GROUPS = "/metrics/job/"


class Pushed:
    """Pushes from time to time; what fails is told, and ends no run."""

    def __init__(self, url: str) -> None:
        """Know where to.

        Args:
            url: of the Pushgateway, or of one group of it (`…/metrics/job/…`).

        Raises:
            ConfigurationError: it is no address.
        """
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ConfigurationError(
                f"--push-url {without_credentials(url)}: expected http(s)://host:port"
            )
        group = f"{_GROUPS}{JOB}/instance/{quote(platform.node() or 'unknown', safe='')}"
        self.url = url if _GROUPS in url else url.rstrip("/") + group
        self._text: Callable[[], bytes] = bytes
        self._session: aiohttp.ClientSession | None = None
        self._pushing: asyncio.Task[None] | None = None
        self._last, self._pushes = 0.0, 0
        self._failures: list[str] = []

    async def begin(self, text: Callable[[], bytes]) -> None:
        """Push what this returns each time it is called; another run may have ended before."""
        self._text = text
        self._last, self._pushes = 0.0, 0
        self._failures.clear()
        self._session = aiohttp.ClientSession(timeout=PATIENCE)
        # From zero, so that the first requests are a rise; nothing waits for it.
        self._pushing = asyncio.create_task(self._push())

    def second(self, at: float) -> None:
        """Push if it is time to, and the last push has ended."""
        if at - self._last >= EVERY and (self._pushing is None or self._pushing.done()):
            self._last = at
            self._pushing = asyncio.create_task(self._push())

    async def end(self) -> None:
        """Push the last values."""
        if self._pushing is not None:
            await self._pushing
        await self._push()
        if self._session is not None:
            await self._session.close()

    @property
    def problem(self) -> str:
        """What went wrong, in a line; empty where nothing did."""
        if not self._failures:
            return ""
        return (
            f"--push-url: {len(self._failures)} of {self._pushes} pushes failed, the last with "
            f"{self._failures[-1]}"
        )

    async def _push(self) -> None:
        assert self._session is not None  # it has begun
        self._pushes += 1
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        _, failure = await asked(self._session, "PUT", self.url, self._text(), headers)
        if failure:
            self._failures.append(failure)
