"""Clients that leave, stop, or send and read slowly: the engine is let go, and nobody else waits."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from aiohttp import web

from llmstack.gateway.memory_limits import MemoryLimits
from tests.stack.gateway.clients import asking, connected, head, is_closed
from tests.stack.gateway.conftest import Make, Setup
from tests.stack.gateway.engine import FakeEngine, begin, chunk, event, hangs

MESSAGES = [{"role": "user", "content": "Hello."}]
#: A question in each dialect.
QUESTIONS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": MESSAGES, "max_tokens": 10_000},
    "/v1/completions": {"prompt": "Hello.", "max_tokens": 10_000},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 10_000},
    "/v1/responses": {"input": "Hello.", "max_output_tokens": 10_000},
}
ASK = {"model": "tiny", "messages": MESSAGES}
STREAM = {**ASK, "stream": True}


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", QUESTIONS)
def test_one_that_leaves_before_the_first_byte(setup: Setup, path: str, is_stream: bool) -> None:
    """The engine is let go at once, and the request is cancelled: neither good nor bad."""
    setup.engines[0].answer = hangs
    with asking(setup, {"model": "tiny", "stream": is_stream, **QUESTIONS[path]}, path):
        setup.until(lambda: setup.engines[0].running == 1)
    setup.ended(cancelled=1)

    setup.until(lambda: setup.engines[0].running == 0)
    assert 1 == setup.engines[0].aborted
    assert 1 == setup.value("gateway_requests_total", status_code="499", endpoint=path)
    assert 0 == setup.value("gateway_upstream_errors_total")


@pytest.mark.parametrize("path", QUESTIONS)
def test_one_that_leaves_a_stream(setup: Setup, path: str) -> None:
    """What it has cost is counted though no engine told it."""
    body = {"model": "tiny", "stream": True, "pause": 0.01, **QUESTIONS[path]}
    with asking(setup, body, path) as connection:
        found = b""
        while found.count(b'" a"') < 2:
            found += connection.recv(4096)
    setup.ended(cancelled=1)

    setup.until(lambda: setup.engines[0].running == 0)
    assert 1 <= setup.value("gateway_tokens_generated_total") < 1000
    assert 0 == setup.value("gateway_active_requests")


@pytest.mark.parametrize("path", QUESTIONS)
def test_one_that_leaves_with_the_last_event(setup: Setup, path: str) -> None:
    """As OpenAI's own does at `[DONE]`: it has all of its answer, which is a success."""
    question = {**QUESTIONS[path], **{name: 4 for name in QUESTIONS[path] if "tokens" in name}}
    last = {"/v1/messages": b"message_stop", "/v1/responses": b"response.completed"}
    for _ in range(20):
        with asking(setup, {"model": "tiny", "stream": True, **question}, path) as connection:
            found = b""
            while last.get(path, b"[DONE]") not in found:
                found += connection.recv(65536)
    setup.ended(ok=20)

    assert 20 * 4 == setup.value("gateway_tokens_generated_total")
    assert 20 == setup.value("gateway_request_duration_seconds_count")


def test_one_that_leaves_when_the_model_has_stopped(setup: Setup) -> None:
    """The answer is whole; what would follow only counts it."""

    async def stops(
        engine: FakeEngine, request: web.Request, body: dict[str, Any]
    ) -> web.StreamResponse:
        response = await begin(request)
        await response.write(event(chunk(body, {"content": " a"})))
        await response.write(event(chunk(body, {}, "stop")))
        return await hangs(engine, request, body)

    setup.engines[0].answer = stops
    with asking(setup, STREAM) as connection:
        found = b""
        while b'"stop"' not in found:
            found += connection.recv(65536)
    setup.ended(ok=1)

    setup.until(lambda: setup.engines[0].running == 0)


@pytest.mark.parametrize(
    "data", [head(1000)[:40], head(1000), head(1000) + b"x" * 500], ids=["head", "none", "body"]
)
def test_one_that_leaves_while_it_asks(make: Make, data: bytes) -> None:
    """No engine hears of it, and nothing is kept of it."""
    setup = make(concurrent_requests=1)
    limits = setup.gateway.limits
    assert isinstance(limits, MemoryLimits)
    with connected(setup) as connection:
        connection.sendall(data)
        if data.startswith(head(1000)):
            setup.until(lambda: limits.running() == 1)

    setup.until(lambda: limits.running() == 0)
    assert [] == setup.engines[0].bodies
    assert 200 == setup.post(ASK).status_code


def test_one_whose_body_does_not_come(make: Make) -> None:
    """It is told so, and its place is free again."""
    setup = make(client_timeout=0.3, concurrent_requests=1)
    with connected(setup) as connection:
        connection.sendall(head(1000) + b"x")
        found = connection.recv(65536)

    assert found.startswith(b"HTTP/1.1 408 ")
    setup.ended(error=1)
    assert 200 == setup.post(ASK).status_code


@pytest.mark.parametrize("data", [b"", b"POST", head(1000)[:-2]], ids=["nothing", "word", "lines"])
def test_one_whose_head_does_not_come(make: Make, data: bytes) -> None:
    """Its connection is closed, however much of it came; the first time and after an answer."""
    setup = make(client_timeout=0.3)
    with connected(setup) as fresh, connected(setup) as used:
        used.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert used.recv(4096).startswith(b"HTTP/1.1 200 ")
        for connection in (fresh, used):
            connection.sendall(data)
        assert (True, True) == (is_closed(fresh), is_closed(used))


def test_one_that_sends_its_head_byte_by_byte(make: Make) -> None:
    """That each byte comes in time does not help it."""
    setup = make(client_timeout=0.3)
    with connected(setup) as connection:
        closed = False
        # More than it has, were it not for the connection that closes.
        for _ in range(2000):
            try:
                connection.sendall(b"x")
            except ConnectionError:
                closed = True
                break
            time.sleep(0.01)

        assert closed


def test_one_that_reads_slowly_slows_the_engine(setup: Setup) -> None:
    """Nothing is heaped up for it: the engine waits as it does."""
    written = flooding(setup)
    with asking(setup, STREAM) as connection:
        connection.recv(100)
        stopped(setup, written)

        # 40 MB would have come; buffers of the sockets and of both servers hold some of it.
        assert written[0] < 2000
    setup.ended(cancelled=1)


def test_one_that_reads_on_gets_all(make: Make) -> None:
    """However long it has read nothing: that nothing comes meanwhile is not the engine's silence."""
    setup = make(idle_timeout=0.2)
    written = flooding(setup)
    with asking(setup, STREAM) as connection:
        found = connection.recv(100)
        stopped(setup, written)
        assert written[0] < 2000
        while b"[DONE]" not in found:
            more = connection.recv(1 << 20)
            assert more
            found = found[-10:] + more
    setup.ended(ok=1)

    assert 4000 == written[0]


def test_one_that_reads_nothing_is_let_go(make: Make) -> None:
    """After a while the engine has better to do."""
    setup = make(client_timeout=0.3)
    written = flooding(setup)
    with asking(setup, STREAM) as connection:
        connection.recv(100)
        setup.ended(cancelled=1)
        setup.until(lambda: setup.engines[0].running == 0)

        assert is_closed(connection)
    assert 0 < written[0] < 2000


def flooding(setup: Setup) -> list[int]:
    """Let the engine write 40 MB; return how many events it has written so far."""
    written = [0]

    async def floods(
        engine: FakeEngine, request: web.Request, body: dict[str, Any]
    ) -> web.StreamResponse:
        del engine, body
        response = await begin(request)
        for _ in range(4000):
            await response.write(event("x" * 10_000))
            written[0] += 1
        await response.write(event(chunk({}, {}, "stop")))
        await response.write(event("[DONE]"))
        return response

    setup.engines[0].answer = floods
    return written


def stopped(setup: Setup, written: list[int]) -> None:
    """Wait until it has written nothing more for a while."""
    before = -1
    while before != written[0] or not written[0]:
        before = written[0]
        setup.loop.run(asyncio.sleep(0.2))


def test_one_of_an_older_protocol(setup: Setup) -> None:
    """It knows no chunks: the end of its stream is the end of its connection."""
    data = json.dumps({**STREAM, "max_tokens": 3}).encode()
    with connected(setup) as connection:
        connection.sendall(head(len(data)).replace(b"HTTP/1.1", b"HTTP/1.0") + data)
        found = b""
        while more := connection.recv(65536):
            found += more
    told, _, body = found.partition(b"\r\n\r\n")
    events = [line for line in body.split(b"\n\n") if line]

    assert told.startswith(b"HTTP/1.0 200 ")
    assert b"chunked" not in told.lower()
    assert b"data: [DONE]" == events[-1]
    assert [] == [line for line in events if not line.startswith(b"data: ")]
    setup.ended(ok=1)
