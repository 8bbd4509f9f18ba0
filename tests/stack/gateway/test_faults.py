"""Engines that die, hang and babble, and clients that leave: no failure is counted as success, nothing leaks."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web

from tests.stack.gateway.conftest import KEY, Make, Setup
from tests.stack.gateway.engine import FakeEngine, begin, chunk, event

ASK: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "Hello."}]}
STREAM = {**ASK, "stream": True}


async def dies_at_once(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    del engine, body
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def dies_inside(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    response = await begin(request)
    for _ in range(3):
        await response.write(event(chunk(body, {"content": " a"})))
    return await dies_at_once(engine, request, body)


async def hangs(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    del engine, request, body
    await asyncio.sleep(60)
    return web.Response()


async def hangs_inside(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    response = await begin(request)
    await response.write(event(chunk(body, {"content": " a"})))
    return await hangs(engine, request, body)


async def half_an_answer(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "application/json", "Content-Length": "1000"}
    )
    await response.prepare(request)
    await response.write(b'{"choices": [')
    return await dies_at_once(engine, request, body)


async def an_error_inside(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    del engine
    response = await begin(request)
    await response.write(event(chunk(body, {"content": " a"})))
    await response.write(event({"error": {"message": "CUDA out of memory", "code": 500}}))
    await response.write(event("[DONE]"))
    return response


async def garbage(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    del engine, request, body
    return web.Response(body=b"\xff\xfe not JSON", content_type="application/json")


async def refuses(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    del engine, request, body
    return web.json_response({"error": {"message": "too long"}}, status=400)


async def is_broken(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    del engine, request, body
    return web.json_response({"error": {"message": "boom"}}, status=500)


#: What the engine does, what is asked, the status that the client sees, what is counted and why.
CASES = (
    (dies_at_once, ASK, 502, "error", "stream"),
    (dies_at_once, STREAM, 502, "error", "stream"),
    (dies_inside, STREAM, 200, "error", "stream"),
    (hangs, ASK, 504, "error", "timeout"),
    (hangs, STREAM, 504, "error", "timeout"),
    (hangs_inside, STREAM, 200, "error", "timeout"),
    (an_error_inside, STREAM, 200, "error", "stream"),
    (refuses, ASK, 400, "error", ""),
    (refuses, STREAM, 400, "error", ""),
    (is_broken, ASK, 500, "error", "status"),
    (garbage, ASK, 200, "ok", ""),
)


@pytest.mark.parametrize(("answer", "body", "status", "outcome", "kind"), CASES, ids=[f"{case[0].__name__}-{case[2]}-{'stream' if case[1] is STREAM else 'whole'}" for case in CASES])  # fmt: skip
def test_what_an_engine_may_do(
    make: Make, answer: Any, body: dict[str, Any], status: int, outcome: str, kind: str
) -> None:
    """The client is told, the request is counted once as what it was, and the engine is let go."""
    setup = make(request_timeout=0.3, idle_timeout=0.3)
    setup.engines[0].answer = answer
    found = setup.post(body)

    assert status == found.status_code
    setup.ended(**{outcome: 1})
    kinds = {
        k: setup.value("gateway_upstream_errors_total", kind=k)
        for k in ("connect", "timeout", "status", "stream")
    }
    assert ({kind: 1} if kind else {}) == {k: n for k, n in kinds.items() if n}
    assert 0 == setup.value("gateway_active_requests")
    setup.until(lambda: setup.engines[0].running == 0)
    if status == 200 and body is STREAM and answer is not an_error_inside:
        assert "event: error" in found.text
        assert not found.text.endswith("[DONE]\n\n")


def test_half_an_answer_is_none(setup: Setup) -> None:
    """The client's connection breaks too: it must not take the half for the whole."""
    setup.engines[0].answer = half_an_answer
    with pytest.raises(requests.RequestException):
        setup.post(ASK)

    setup.ended(error=1)


def test_nobody_there(make: Make) -> None:
    """An engine that never was: the gateway runs, and says so."""
    setup = make(upstreams=("http://127.0.0.1:9",))

    assert 503 == setup.post(ASK).status_code
    setup.ended(error=1)


def asking(setup: Setup, body: dict[str, Any]) -> socket.socket:
    """A connection on which something was asked, and nothing has been read yet."""
    data = json.dumps(body).encode()
    connection = socket.create_connection(("127.0.0.1", setup.port), timeout=20)
    lines = ("POST /v1/chat/completions HTTP/1.1", "Host: x", f"Authorization: Bearer {KEY}")
    head = "\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""])
    connection.sendall(head.encode() + data)
    return connection


def leave(setup: Setup, body: dict[str, Any], *, after: bytes = b"") -> None:
    """Ask, and leave: once an engine is asked, or when something has come."""
    with asking(setup, body) as connection:
        found = b""
        while after and after not in found:
            found += connection.recv(4096)
        if not after:
            setup.until(lambda: setup.engines[0].running == 1)


@pytest.mark.parametrize("body", [{**ASK}, STREAM], ids=["whole", "stream"])
def test_a_client_that_leaves_before_the_first_byte(setup: Setup, body: dict[str, Any]) -> None:
    """The engine is let go at once, and the request is cancelled: neither good nor bad."""
    setup.engines[0].answer = hangs
    leave(setup, body)
    setup.ended(cancelled=1)

    setup.until(lambda: setup.engines[0].running == 0)
    assert 1 == setup.engines[0].aborted
    assert 1 == setup.value("gateway_requests_total", status_code="499")
    assert 0 == setup.value("gateway_upstream_errors_total")


def test_a_client_that_leaves_a_stream(setup: Setup) -> None:
    """What it has cost is counted though no engine told it."""
    leave(setup, {**STREAM, "max_tokens": 10_000, "pause": 0.01}, after=b'" a"')
    setup.ended(cancelled=1)

    setup.until(lambda: setup.engines[0].running == 0)
    assert 1 <= setup.value("gateway_tokens_generated_total") < 1000
    assert 0 == setup.value("gateway_active_requests")


def test_another_engine_answers_where_one_cannot_be_reached(make: Make) -> None:
    """Nothing has begun, so it may be asked of another; the client sees no difference."""
    setup = make(engines=2)
    gone = setup.gateway.pool.upstreams[0]
    gone.url = "http://127.0.0.1:9"
    answers = [setup.post(ASK).status_code for _ in range(4)]

    assert [200] * 4 == answers
    setup.ended(ok=4)


def test_the_idle_engine_is_asked(make: Make) -> None:
    """While one is busy the other has everything."""
    setup = make(engines=2)
    for engine in setup.engines:
        engine.answer = hangs
    held = [asking(setup, ASK) for _ in range(6)]
    try:
        setup.until(lambda: [engine.running for engine in setup.engines] == [3, 3])
    finally:
        for each in held:
            each.close()
    setup.ended(cancelled=6)


def test_an_engine_that_fails_is_left_alone_for_a_while(make: Make) -> None:
    """After three failures in a row the other has everything, though the first is called well."""
    setup = make(engines=2)
    setup.engines[0].answer = is_broken
    for _ in range(20):
        setup.post(ASK)

    assert 3 <= len(setup.engines[0].bodies) <= 5
    assert 15 <= len(setup.engines[1].bodies)


def test_a_slow_client_slows_the_engine(setup: Setup) -> None:
    """Nothing is heaped up for it: the engine waits as it does."""
    written = 0

    async def floods(
        engine: FakeEngine, request: web.Request, body: dict[str, Any]
    ) -> web.StreamResponse:
        nonlocal written
        del engine, body
        response = await begin(request)
        for _ in range(4000):
            await response.write(event("x" * 10_000))
            written += 1
        return response

    setup.engines[0].answer = floods
    with asking(setup, STREAM) as connection:
        connection.recv(100)
        # It has stopped writing when it writes nothing more for a while.
        before = -1
        while before != written or not written:
            before = written
            setup.loop.run(asyncio.sleep(0.2))

        # 40 MB would have come; buffers of the sockets and of both servers hold some of it.
        assert written < 2000
    setup.ended(cancelled=1)


def descriptors() -> int:
    return len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))


#: Connections to an engine that are kept for the next request and the next look at its health.
KEPT = 2


def test_nothing_leaks(make: Make) -> None:
    """After every fault twenty times: as many sockets and tasks as after the first of each."""
    setup = make(request_timeout=0.05, idle_timeout=0.05, connect_timeout=2.0)

    async def tasks() -> int:
        return len(asyncio.all_tasks())

    def faults(times: int) -> int:
        for answer, body, *_ in CASES:
            setup.engines[0].answer = answer
            for _ in range(times):
                # Its circuit is not what is tested here.
                setup.gateway.pool.upstreams[0].succeeded()
                setup.gateway.pool.upstreams[0]._closed_until = 0.0
                setup.post(body)
        return times * len(CASES)

    asked = faults(1)
    setup.until(lambda: sum(setup.requests().values()) == asked)
    setup.until(lambda: setup.engines[0].running == 0)
    sockets, running = descriptors(), setup.loop.run(tasks())
    asked += faults(20)
    setup.until(lambda: sum(setup.requests().values()) == asked)

    setup.until(lambda: descriptors() <= sockets + KEPT)
    setup.until(lambda: setup.loop.run(tasks()) <= running + KEPT)
    assert 0 == setup.value("gateway_active_requests")
    assert 0 == sum(each.outstanding for each in setup.gateway.pool.upstreams)
    assert {} == {key: n for key, n in setup.gateway.gate.running.items() if n}
