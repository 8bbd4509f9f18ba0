"""Metrics that are served: while a run lasts, and until the last values were read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import aiohttp
import pytest

from llmstack.errors import ListenError
from llmstack.load.telling.served import USUAL_LINGER, Served


async def read(url: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


def served(linger: float | None = None) -> Served:
    return Served("127.0.0.1", 0, linger)


def is_free(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.split(":")[2].split("/")[0]))) != 0


def test_what_is_counted_is_asked_for_anew_each_time() -> None:
    """As Prometheus reads it."""
    texts = iter([b"one 1\n", b"one 2\n"])

    async def run() -> list[tuple[int, str, str]]:
        made = served()
        await made.begin(lambda: next(texts))
        found = [await read(made.url) for _ in range(2)]
        skipped = asyncio.Event()
        skipped.set()
        await made.end(skipped)
        return found

    found = asyncio.run(run())

    assert [(200, "one 1\n"), (200, "one 2\n")] == [(status, text) for status, _, text in found]
    assert all(kind.startswith("text/plain") for _, kind, _ in found)


@pytest.mark.parametrize(
    ("linger", "reads", "expected"),
    [(None, 0, 0.0), (None, 1, USUAL_LINGER), (3.5, 0, 3.5), (0.0, 1, 0.0)],
)
def test_who_has_read_may_read_once_more(linger: float | None, reads: int, expected: float) -> None:
    """Unless it was said how long the last values wait, nobody who never read is waited for."""

    async def run() -> float:
        made = served(linger)
        await made.begin(bytes)
        for _ in range(reads):
            await read(made.url)
        lingers = made.lingers
        skipped = asyncio.Event()
        skipped.set()
        await made.end(skipped)
        return lingers

    assert expected == asyncio.run(run())


async def _ends_after(made: Served, act: Callable[[asyncio.Event], object]) -> None:
    """Begin the end, see that it waits, act, and see that it is over."""
    skipped = asyncio.Event()
    ending = asyncio.create_task(made.end(skipped))
    done, _ = await asyncio.wait({ending}, timeout=0.05)
    assert not done
    found = act(skipped)
    if asyncio.iscoroutine(found):
        await found
    await ending


def test_the_last_values_are_read_and_that_is_the_end() -> None:
    """The port is free again."""

    async def run() -> str:
        made = served(600.0)
        url = made.url
        await made.begin(bytes)
        await _ends_after(made, lambda _: read(url))
        return url

    assert is_free(asyncio.run(run()))


def test_waiting_can_be_skipped() -> None:
    """By who has no time."""

    async def run() -> str:
        made = served(600.0)
        url = made.url
        await made.begin(bytes)
        await _ends_after(made, lambda skipped: skipped.set())
        return url

    assert is_free(asyncio.run(run()))


def test_nobody_comes_and_it_ends() -> None:
    """After as long as was said."""

    async def run() -> str:
        made = served(0.05)
        url = made.url
        await made.begin(bytes)
        await made.end(asyncio.Event())
        return url

    assert is_free(asyncio.run(run()))


def test_who_asks_between_two_runs_is_not_refused() -> None:
    """It is answered when the next begins."""

    async def run() -> list[str]:
        made = served(0.0)
        await made.begin(lambda: b"one 1\n")
        found = [(await read(made.url))[2]]
        await made.stop()
        asking = asyncio.create_task(read(made.url))
        done, _ = await asyncio.wait({asking}, timeout=0.05)
        assert not done
        await made.begin(lambda: b"one 2\n")
        found.append((await asking)[2])
        await made.end(asyncio.Event())
        return found

    assert ["one 1\n", "one 2\n"] == asyncio.run(run())


def test_a_port_that_is_taken_is_told_at_once() -> None:
    """Before anything is sent."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ListenError) as told:
            Served("127.0.0.1", port)

    assert f"--metrics-port {port}: cannot listen at 127.0.0.1:{port} (Address already in use); " in str(told.value)  # fmt: skip
