"""The parts that measure the gateway: engine, client, pass-through, and what is told of a run."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.bench.gateway.client import Answered, Load, ask, is_complete
from tests.bench.gateway.engine import Connection, Delays, events
from tests.bench.gateway.measure import DIRECT, Measured, Mode, Results, Round, measure, quantile
from tests.bench.gateway.peers import GATEWAY, PASS_THROUGH
from tests.bench.gateway.processor_time import cores, cpu_seconds
from tests.bench.gateway.report import BARE, OTHER, OURS, Compared, section
from tests.live.process import free_port, running, wait_until

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE = HEAD + b"".join(events(3, counts_tokens=False)) + b"0\r\n\r\n"
TOKEN = next(chunk for chunk in events(1, counts_tokens=False) if b'"content":" a"' in chunk)


async def asked_directly(delays: Delays, load: Load) -> list[Answered]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(delays), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        return await ask(f"http://127.0.0.1:{port}", load)
    finally:
        server.close()


@pytest.mark.parametrize("delays", [Delays(), Delays(first=0.02, between=0.001)])
@pytest.mark.parametrize("tokens", [1, 2, 9])
def test_the_engine_streams_every_token(delays: Delays, tokens: int) -> None:
    """At once or one by one, each of many streams comes whole, and its first token not too early."""
    answers = asyncio.run(asked_directly(delays, Load(streams=7, at_once=3, tokens=tokens)))

    assert [True] * 7 == [is_complete(each, tokens) for each in answers]
    assert all(delays.first <= each.first_token <= each.seconds for each in answers)


def test_tokens_are_counted_for_who_asks() -> None:
    """The event with the count stands before the closing mark, and is not there otherwise."""
    plain, counted = (list(events(2, counts_tokens=wanted)) for wanted in (False, True))
    (told,) = [chunk for chunk in counted if chunk not in plain]

    assert told == counted[-2]
    assert 2 == json.loads(told.split(b"data: ")[1])["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    ("data", "holds"),
    [
        (WHOLE, True),
        (WHOLE.replace(b'"content":" a"', b'"content": " a"'), False),  # its chunks are too long
        (WHOLE.replace(TOKEN, b"", 1), False),
        (WHOLE.replace(TOKEN, TOKEN * 2, 1), False),
        (WHOLE.replace(b'"length"', b"null    "), False),
        (WHOLE.replace(b"e\r\ndata: [DONE]\n\n\r\n", b""), False),
        (WHOLE.replace(b"200 OK", b"502 Bad"), False),
        (WHOLE.removesuffix(b"0\r\n\r\n"), False),
        (WHOLE[: len(WHOLE) // 2], False),
        (WHOLE + b"more", False),
        (HEAD + b"19\r\ndata: " + b'{"error": "broken"}'[:17] + b"\n\n\r\n0\r\n\r\n", False),
        (b"", False),
    ],
)
def test_a_stream_is_whole_or_not(data: bytes, holds: bool) -> None:
    """A token too few or too many, no reason of the end, no mark, a cut: none of them is whole."""
    assert holds == is_complete(Answered(data, first_token=0.1, seconds=0.2), tokens=3)


def test_a_stream_without_a_first_token_is_none() -> None:
    """What came whole has been seen to begin."""
    assert not is_complete(Answered(WHOLE, first_token=0.0, seconds=0.2), tokens=3)


def test_a_server_that_breaks_off_is_noticed() -> None:
    """The client does not wait for what will not come, and asks the rest over new connections."""

    class Broken(Connection):
        def _answer(self, path: bytes, body: bytes) -> None:
            del path, body
            self._transport.write(WHOLE[:-9])
            self._transport.close()

    async def broken() -> list[Answered]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Broken(Delays()), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            return await ask(f"http://127.0.0.1:{port}", Load(4, 2, 3))
        finally:
            server.close()

    assert [False] * 4 == [is_complete(each, 3) for each in asyncio.run(broken())]


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.76, 4.0), (0.99, 4.0), (1.0, 4.0)]
)
def test_a_quantile_is_a_value_that_was_seen(share: float, value: float) -> None:
    """It is the smallest that is not below so many of all."""
    assert value == quantile([1.0, 2.0, 3.0, 4.0], share)


def test_processor_time_is_of_a_whole_group(tmp_path: Path) -> None:
    """A child's time counts as its parent's."""
    port = free_port()
    code = (
        "import subprocess, sys, http.server as s;"
        "subprocess.Popen([sys.executable, '-c', 'while True: pass']);"
        f"s.HTTPServer(('127.0.0.1', {port}), s.SimpleHTTPRequestHandler).serve_forever()"
    )
    command, url = [sys.executable, "-c", code], f"http://127.0.0.1:{port}/"
    with running(command, ready_url=url, within=60.0, log=tmp_path / "log") as group:
        before = cpu_seconds(group)
        wait_until(lambda: cpu_seconds(group) - before > 0.3, within=60.0, what="time passes")


def test_the_measured_one_has_a_core_for_itself() -> None:
    """Where there are two or more; it is never one that the client is kept to."""
    client, server = cores()

    assert 1 == len(server)
    assert len(client) == 1 or not client & server


def test_a_small_run_is_whole() -> None:
    """Engine, pass-through and our gateway as processes: each stream comes whole through both."""
    mode = Mode("small", Load(streams=12, at_once=4, tokens=5), Delays(), rounds=2)
    said: list[str] = []
    results = measure(mode, [PASS_THROUGH, GATEWAY], said.append)

    assert {DIRECT, BARE, OURS} == results.keys()
    assert {(24, 24)} == {(each.complete, each.streams) for each in results.values()}
    assert (0.0, 0.0) == results[DIRECT].added(results[DIRECT])
    assert 2 + 2 * 3 == len(said)


def made(per_second: float, cpu: float, complete: int = 64, first: float = 0.2) -> Measured:
    return Measured([Round(64, complete, 4096, 64 / per_second, cpu * 4096, (first, first))])


def results(ours: Measured, other: Measured | None = None) -> Results:
    known = {DIRECT: made(9000.0, 0.0), BARE: made(2500.0, 40e-6), OURS: ours}
    return known if other is None else {**known, OTHER: other}


def unkept(compared: Compared) -> list[str]:
    return [row.promised for row in section(compared).rows if not row.is_kept]


@pytest.mark.parametrize(
    ("burst", "paced", "broken"),
    [
        (made(700.0, 9e-6), made(43.0, 60e-6), []),
        (made(699.0, 9e-6), made(43.0, 60e-6), ["at least 50 times"]),
        (made(700.0, 9e-6), made(43.0, 61e-6), ["at most 60", "at most 1.5 times"]),
        (made(700.0, 9e-6), made(43.0, 60e-6, complete=63), ["all"]),
    ],
)
def test_a_promise_that_is_broken_is_told(
    burst: Measured, paced: Measured, broken: list[str]
) -> None:
    """Each number is held against what was promised of it, at the limit and just beyond."""
    other = made(14.0, 1e-3)

    assert broken == unkept(Compared(results(burst, other), results(paced, other)))


def test_a_peer_that_cannot_be_had_is_no_promise_kept() -> None:
    """Without LiteLLM the row says why, and fails; what else was measured is told."""
    alone = results(made(2000.0, 9e-6))
    told = section(Compared(alone, alone, missing="pip found no such release"))

    assert not told.is_kept
    assert ["at least 50 times"] == [row.promised for row in told.rows if not row.is_kept]
    assert "pip found no such release" in str(told)


def test_what_is_added_is_beside_the_same_round() -> None:
    """A round in which everything was slow adds no more than another."""

    def rounds(*firsts: float) -> Measured:
        return Measured([Round(1, 1, 1, 1.0, 1.0, (first, 2 * first)) for first in firsts])

    assert (1.0, 2.0) == rounds(3.0, 8.0, 4.0).added(rounds(2.0, 7.0, 3.0))
