"""The demonstration from its start to its end: nothing of it is left, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from rich.live import Live

from llmstack.demo import screen
from llmstack.demo.grafana import pushed
from llmstack.demo.panels import read_panels
from llmstack.demo.stage import Stage
from llmstack.demo.traffic import Traffic
from llmstack.demo.view import Reader, View
from llmstack.errors import ConfigurationError
from llmstack.prometheus import Prometheus
from llmstack.watchdog.configuration import Program
from llmstack.watchdog.kept import Kept

#: Seconds until all programs must be ready.
READY_WITHIN = 60.0
#: Seconds between two views, and between two rounds of questions for panels without data.
VIEWS, PANELS = 2.0, 10.0
#: Seconds between two views where they are lines of a log.
LINES = 15.0

#: What tells it to end.
_ENDING = (signal.SIGINT, signal.SIGTERM)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """How a demonstration is shown."""

    #: After so many seconds it ends by itself; None for never.
    seconds: float | None = None
    #: Whether lines are written although there is a terminal.
    is_plain: bool = False
    #: Where dashboards are pushed to; empty for nowhere.
    grafana_url: str = ""


async def demonstrate(wanted: Wanted, make: Callable[[Path], Stage], say: Say) -> View:
    """Run it until it is told to end, or its time is up; return what was seen last.

    Args:
        wanted: how it is shown.
        make: makes the stage in a folder.
        say: tells people.

    Raises:
        ConfigurationError: something that it needs is not there, or a program has not started.
        asyncio.CancelledError: it was told to end before there was anything to see.
    """
    began = time.monotonic()
    asked = asyncio.current_task()
    assert asked is not None
    for number in _ENDING:
        # What has been started by then is ended, and its folder removed.
        asyncio.get_running_loop().add_signal_handler(number, asked.cancel)
    with tempfile.TemporaryDirectory(prefix="llmdash-demo-") as folder:
        stage = make(Path(folder))
        panels = read_panels(stage.generated, frozenset(stage.targets()))
        stage.write()
        async with _running(stage) as ended, aiohttp.ClientSession() as session:
            await _until_ready(stage, session, say)
            if wanted.grafana_url:
                say(await asyncio.to_thread(pushed, stage.built, wanted.grafana_url))
            prometheus = Prometheus(stage.ports.url(stage.ports.prometheus), session)
            traffic = Traffic(stage.ports.url(stage.ports.gateway), session, stage.seed)
            reader = Reader(prometheus, panels, traffic, stage.incident, began)
            return await _show(wanted, stage, reader, traffic, ended, say)


@contextlib.asynccontextmanager
async def _running(stage: Stage) -> AsyncIterator[asyncio.Future[str]]:
    """Run all programs; yields what is set to the name of one that ends by itself."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[str] = loop.create_future()
    kept: list[Kept] = []
    following: list[asyncio.Task[None]] = []

    async def follow(program: Program, one: Kept) -> None:
        async for _ in one.reports():
            pass
        if not ended.done():
            ended.set_result(program.name)

    try:
        for program in stage.programs():
            one = Kept(program)
            kept.append(one)
            following.append(asyncio.create_task(follow(program, one)))
        yield ended
    finally:
        for one in reversed(kept):
            one.stop()
        await asyncio.gather(*following, return_exceptions=True)


async def _until_ready(stage: Stage, session: aiohttp.ClientSession, say: Say) -> None:
    deadline = time.monotonic() + READY_WITHIN
    for name, url in stage.health().items():
        while not await _answers(session, url):
            if time.monotonic() > deadline:
                raise ConfigurationError(f"{name} is not ready at {url}:\n{_log(stage, name)}")
            await asyncio.sleep(0.1)
        say(f"{name} is ready")


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=5)) as answer:
            return answer.ok
    except (aiohttp.ClientError, TimeoutError):
        return False


def _log(stage: Stage, name: str) -> str:
    path = stage.folder / f"{name}.log"
    return "\n".join(path.read_text(errors="replace").splitlines()[-15:]) if path.exists() else ""


async def _show(
    wanted: Wanted,
    stage: Stage,
    reader: Reader,
    traffic: Traffic,
    ended: asyncio.Future[str],
    say: Say,
) -> View:
    told_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _ENDING:
        loop.add_signal_handler(number, told_to_end.set)
    urls = {
        "Prometheus": stage.ports.url(stage.ports.prometheus),
        "Alertmanager": stage.ports.url(stage.ports.alertmanager),
        "gateway": stage.ports.url(stage.ports.gateway),
    }
    if wanted.grafana_url or stage.grafana_image:
        urls["Grafana"] = wanted.grafana_url or stage.ports.url(stage.ports.grafana)
    say("  ".join(f"{name} {url}" for name, url in urls.items()))
    console = screen.console()
    is_live = console.is_terminal and not wanted.is_plain
    beside = [asyncio.create_task(traffic.run()), asyncio.create_task(_keep_asking(reader))]
    shown = Live(console=console, auto_refresh=False) if is_live else contextlib.nullcontext()
    try:
        with shown as live:
            told, was_live = -LINES, False
            while True:
                view = await reader.look()
                if live is not None:
                    live.update(screen.drawn(view, urls), refresh=True)
                elif view.seconds - told >= LINES or view.is_live != was_live:
                    told, was_live = view.seconds, view.is_live
                    say(screen.lines(view))
                for task in beside:
                    if task.done():
                        task.result()
                if ended.done():
                    name = ended.result()
                    raise ConfigurationError(f"{name} has ended by itself:\n{_log(stage, name)}")
                if wanted.seconds is not None and view.seconds >= wanted.seconds:
                    return view
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(told_to_end.wait(), VIEWS)
                    return view
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def _keep_asking(reader: Reader) -> None:
    while True:
        await reader.ask_panels()
        await asyncio.sleep(PANELS)
