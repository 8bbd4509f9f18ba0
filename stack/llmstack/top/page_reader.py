"""Reads pages of several servers at a time; two scrapes of one give its rates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from time import monotonic

import aiohttp

from llmstack import unreachable
from llmstack.top import power
from llmstack.top.engines import WATCHED
from llmstack.top.figures import Problem, Reading, rows_in_order
from llmstack.top.growth import Growth
from llmstack.top.joined import joined
from llmstack.top.page import Page, PageError, read_page
from llmstack.top.reader import shown
from llmstack.top.scraped import Scrape, has_rows, rows_on

#: All that is read of a page.
NAMES = frozenset(chain(power.NAMES, *(each.names() for each in WATCHED)))
#: Bytes of a page: more is none of a server's.
LARGEST = 32 * 2**20
#: Without it some servers answer in another format.
_ACCEPT = {"Accept": "text/plain;version=0.0.4;q=0.9,*/*;q=0.1"}


@dataclass
class _Server:
    """One address, and what was last read there."""

    url: str
    page: Page | None = None
    at: float = 0.0

    def take(self, page: Page, now: float) -> Scrape:
        """Keep a page for the next time, and return it with what it has grown by."""
        before, seconds = self.page, now - self.at
        self.page, self.at = page, now
        is_later = before is not None and seconds > 0
        return Scrape(page, Growth(before, page, seconds) if before and is_later else None)

    def lose(self) -> None:
        """Forget what was read: over the time that it was away there is no rate."""
        self.page = None


@dataclass
class PageReader:
    """Servers that are read without a Prometheus."""

    urls: Sequence[str]
    session: aiohttp.ClientSession
    #: Tells the time in seconds.
    clock: Callable[[], float] = monotonic
    _servers: list[_Server] = field(init=False)
    _is_first: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        """Begin with nothing read."""
        self._servers = [_Server(url) for url in dict.fromkeys(self.urls)]

    @property
    def what(self) -> str:
        """What is read."""
        first, *others = [shown(server.url) for server in self._servers]
        return f"{first} and {len(others)} more" if others else first

    async def read(self) -> Reading:
        """Scrape all of them; one that is slow, down or babbling is told, and the rest is shown."""
        found = await asyncio.gather(*map(self._scrape, self._servers))
        scrapes = [each for each in found if isinstance(each, Scrape)]
        problems = [each for each in found if isinstance(each, Problem)]
        reading = Reading(
            rows_in_order(joined(rows_on(scrapes))),
            power.gpus_on(scrape.page for scrape in scrapes),
            tuple(problems),
            "rates since the last scrape",
            self._is_first,
        )
        self._is_first = False
        return reading

    async def _scrape(self, server: _Server) -> Scrape | Problem:
        try:
            page = read_page(await self._get(server.url), NAMES)
        except (aiohttp.ClientError, OSError, PageError, ValueError) as error:
            server.lose()
            return Problem(shown(server.url), unreachable.told(error))
        scrape = server.take(page, self.clock())
        if not (has_rows(page) or power.gpus_on([page])):
            return Problem(shown(server.url), "answers metrics, but none of a server that is known")
        return scrape

    async def _get(self, url: str) -> str:
        async with self.session.get(url, headers=_ACCEPT) as answer:
            if answer.status != 200:
                raise PageError(f"status {answer.status}")
            body = await answer.content.read(LARGEST)
            while not answer.content.at_eof():
                more = await answer.content.read(LARGEST)
                body += more
                if len(body) > LARGEST:
                    raise PageError(f"answers more than {LARGEST // 2**20} MiB")
        return body.decode(errors="replace")
