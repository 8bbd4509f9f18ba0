"""Reads and shows until it is told to end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TypeVar

import aiohttp
from rich.console import Console

from llmstack.prometheus import Prometheus
from llmstack.terminal.screen import can_draw
from llmstack.top.figures import Reading
from llmstack.top.frame import View
from llmstack.top.history import History
from llmstack.top.page_reader import PageReader
from llmstack.top.prometheus_reader import PrometheusReader
from llmstack.top.reader import Reader
from llmstack.top.showing import FullScreen, JsonLines, Lines, Shown, full_screen

#: What it exits with: ended by Ctrl-C, as top and htop do, or by itself; nothing could be read.
WELL, NOTHING_READ = 0, 1
#: Seconds that a server may take, however short the interval.
PATIENCE = 2.0
#: A server that is slower than the interval is not asked without a pause.
PAUSE = 0.1

Made = TypeVar("Made")


@dataclass(frozen=True)
class Order:
    """What is read and how it is shown."""

    #: Pages; none for a Prometheus.
    urls: tuple[str, ...]
    prometheus: str
    window: str | None
    interval: float
    is_once: bool
    is_plain: bool
    is_json: bool
    #: Patterns of names, as a shell knows them; none for all.
    models: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


def run(order: Order, say: Callable[[str], None]) -> int:
    """Watch, and return what to exit with."""
    return asyncio.run(_watch(order, say))


async def _watch(order: Order, say: Callable[[str], None]) -> int:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    timeout = aiohttp.ClientTimeout(total=max(PATIENCE, order.interval))
    async with aiohttp.ClientSession(timeout=timeout, headers=dict(order.headers)) as session:
        reader = _reader(order, session)
        console = Console()
        with _shown(order, console, say) as shown:
            # Redrawn at once: until the next reading the old one would be torn.
            loop.add_signal_handler(signal.SIGWINCH, shown.resized)
            return await _loop(order, reader, shown, ended)


def _reader(order: Order, session: aiohttp.ClientSession) -> Reader:
    if order.urls:
        return PageReader(order.urls, session)
    return PrometheusReader(Prometheus(order.prometheus, session), order.window)


def _shown(
    order: Order, console: Console, say: Callable[[str], None]
) -> AbstractContextManager[Shown]:
    if order.is_json:
        return nullcontext(JsonLines(say))
    if order.is_once or order.is_plain or not can_draw(sys.stdout):
        return nullcontext(Lines(console))
    return full_screen(console, sys.stdout)


async def _loop(order: Order, reader: Reader, shown: Shown, ended: asyncio.Event) -> int:
    history, loop = History(), asyncio.get_running_loop()
    next_at = loop.time()
    while True:
        reading = await _unless_ended(reader.read(), ended)
        if reading is None:
            return WELL
        reading = chosen(reading, order)
        history.add(reading)
        if not reading.is_first or isinstance(shown, FullScreen):
            now = datetime.now().strftime("%H:%M:%S")
            shown.show(View(reader.what, reading, history, now, order.interval))
            if order.is_once:
                return NOTHING_READ if reading.is_empty else WELL
        next_at = max(next_at + order.interval, loop.time() + PAUSE)
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), next_at - loop.time())
            return WELL


async def _unless_ended(reading: Coroutine[None, None, Made], ended: asyncio.Event) -> Made | None:
    """Return what is read; None where the program is told to end before."""
    task, end = asyncio.ensure_future(reading), asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, end):
            each.cancel()
        await asyncio.gather(task, end, return_exceptions=True)


def chosen(reading: Reading, order: Order) -> Reading:
    """Return a reading with the rows that are asked for."""
    rows = tuple(
        row
        for row in reading.rows
        if _is_named(row.model, order.models) and _is_named(row.source, order.sources)
    )
    return replace(reading, rows=rows)


def _is_named(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
