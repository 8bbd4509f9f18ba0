"""Engines that die, hang and babble: the client is told, no failure is a success, nothing leaks."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from llmstack.gateway.memory_limits import MemoryLimits
from tests.stack.gateway.conftest import KEPT, Make, Setup, descriptors
from tests.stack.gateway.dialect_answers import (
    message_events,
    named,
    response_events,
    whole_message,
    whole_response,
)
from tests.stack.gateway.engine import Loop, chunk, event, usage
from tests.stack.gateway.raw_engine import (
    BREAK,
    CLOSE,
    END,
    HANG,
    STREAM,
    RawEngine,
    Steps,
    answer,
    chunked,
    head,
)

HELLO = [{"role": "user", "content": "Hello."}]
TINY = {"model": "tiny"}


@dataclass(frozen=True)
class Speech:
    """How one dialect asks, and is answered well."""

    path: str
    question: dict[str, Any]
    whole: dict[str, Any]
    events: list[bytes]
    error: bytes
    #: An event that counts tokens in a way that cannot be.
    miscounted: bytes


def _choices(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return event(chunk(TINY, delta, finish))


COUNTED = {"id": "x", "choices": [], "usage": usage(5, 3)}
CHAT_EVENTS = [_choices({"role": "assistant"}), *[_choices({"content": " a"})] * 3, _choices({}, "stop"), event(COUNTED), event("[DONE]")]  # fmt: skip
OUT_OF_MEMORY = event({"error": {"message": "CUDA out of memory", "code": 500}})
BELOW_ZERO = {"prompt_tokens": -5, "completion_tokens": 10**400, "input_tokens": -5, "output_tokens": -1}  # fmt: skip
SPEECHES = (
    Speech("/v1/chat/completions", {"messages": HELLO}, {"choices": [], "usage": usage(5, 3)}, CHAT_EVENTS, OUT_OF_MEMORY, event({"choices": [], "usage": BELOW_ZERO})),
    Speech("/v1/completions", {"prompt": "Hello."}, {"choices": [], "usage": usage(5, 3)}, CHAT_EVENTS, OUT_OF_MEMORY, event({"choices": [], "usage": BELOW_ZERO})),
    Speech("/v1/messages", {"messages": HELLO, "max_tokens": 3}, whole_message({**TINY, "max_tokens": 3}), message_events({**TINY, "max_tokens": 3}), named("error", error={"type": "api_error", "message": "CUDA out of memory"}), named("message_delta", usage=BELOW_ZERO)),
    Speech("/v1/responses", {"input": "Hello."}, whole_response({**TINY, "max_output_tokens": 3}), response_events({**TINY, "max_output_tokens": 3}), named("error", message="CUDA out of memory"), named("response.completed", response={"usage": BELOW_ZERO})),
)  # fmt: skip
#: Events of a stream that has begun and is not at its end.
BEGUN = 4


@dataclass(frozen=True)
class Fault:
    """What an engine does, what the client sees of it, and what is counted."""

    name: str
    steps: Steps
    #: 0 where the connection breaks, since half of an answer has been sent.
    status: int
    kind: str = "stream"
    outcome: str = "error"


def faults_of_any_answer() -> list[Fault]:
    """What becomes of a question in one piece as of a stream, in any dialect."""
    said = b'{"error": {"message": "no", "type": "x"}}'
    return [
        Fault("closes", [CLOSE], 502),
        Fault("breaks", [BREAK], 502),
        Fault("half a status line", [b"HTTP/1.1 2", CLOSE], 502),
        Fault("half a head", [b"HTTP/1.1 200 OK\r\nContent-Type: text", CLOSE], 502),
        Fault("another protocol", [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", CLOSE], 502),
        Fault("a status that is none", [b"HTTP/1.1 abc OK\r\n\r\n", CLOSE], 502),
        Fault("a header without end", [b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000, CLOSE], 502),
        Fault("two lengths", [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n{}", CLOSE], 502),
        Fault("a length below zero", [b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}", CLOSE], 502),
        Fault("hangs", [HANG], 504, "timeout"),
        Fault("hangs in the head", [b"HTTP/1.1 200 OK\r\nContent-", HANG], 504, "timeout"),
        Fault("sends elsewhere", [answer(302, b"", "Location: http://127.0.0.1/")], 502, "status"),
        Fault("not modified", [head(304)], 502, "status"),
        Fault("packs", [answer(200, gzip.compress(b"{}"), "Content-Encoding: gzip")], 502, "status"),
        Fault("refuses", [answer(400, said)], 400, ""),
        Fault("knows no such model", [answer(404, said)], 404, ""),
        Fault("has too much to do", [answer(429, said, "Retry-After: 3")], 429, ""),
        Fault("is broken", [answer(500, said)], 500, "status"),
        Fault("is not ready", [answer(503, b"busy", kind="text/plain")], 503, "status"),
        Fault("says nothing", [answer(200, b"")], 200),
        Fault("says what is no JSON", [answer(200, b"\xff\xfe not JSON")], 200),
        Fault("says half of JSON", [answer(200, b'{"choices": [')], 200),
        Fault("shows a page", [answer(200, b"<html>It works!</html>", kind="text/html")], 200),
        Fault("says an error as if it were none", [answer(200, said)], 200),
        Fault("says a list", [answer(200, b"[1]")], 200),
        Fault("says less than announced", [head(200, "Content-Type: application/json", "Content-Length: 999") + b"{", CLOSE], 0),
        Fault("hangs in an answer", [head(200, "Content-Type: application/json", "Content-Length: 999") + b"{", HANG], 0, "timeout"),
        Fault("chunks that are none", [head(200, "Content-Type: application/json", "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n", CLOSE], 502),
    ]  # fmt: skip


def faults_of_streams(speech: Speech) -> list[Fault]:
    """What becomes of a stream in a dialect."""
    begun = STREAM + chunked(*speech.events[:BEGUN])
    last = speech.events[-1]
    text = next(each for each in speech.events if b" a" in each)
    odd = text.replace(b" a", b"\xff\xfe a\xc3")
    rest = [
        each for each in speech.events if b'"usage":{' not in each and b'"usage": {' not in each
    ]
    return [
        Fault("begins and closes", [begun, CLOSE], 200),
        Fault("begins and breaks", [begun, BREAK], 200),
        Fault("begins and just ends", [begun + END], 200),
        Fault("begins and hangs", [begun, HANG], 200, "timeout"),
        Fault("begins with half an event", [begun + chunked(b'data: {"choices": [{"del'), CLOSE], 200),
        Fault("an error inside", [begun + chunked(speech.error, last) + END], 200),
        Fault("an error at once", [STREAM + chunked(speech.error) + END], 200),
        Fault("an error and then nothing", [begun + chunked(speech.error), BREAK], 200),
        Fault("ends before it begins", [STREAM + END], 200),
        Fault("hangs before it begins", [STREAM, HANG], 200, "timeout"),
        Fault("keeps the connection and says nothing", [STREAM, *[chunked(b": ping\n\n")] * 3, HANG], 200, "timeout"),
        Fault("events that are no JSON", [STREAM + chunked(*[b"data: \xff{\n\n"] * 5) + END], 200),
        Fault("an event without end", [STREAM + chunked(b"data: " + b"x" * 3_000_000) + END], 200),
        Fault("a chunk that is none", [begun + b"zz\r\n", CLOSE], 502),
        Fault("ends, and keeps the connection", [STREAM + chunked(*speech.events), HANG], 200, "", "ok"),
        Fault("ends, and breaks the connection", [STREAM + chunked(*speech.events), BREAK], 200, "", "ok"),
        Fault("counts below zero", [STREAM + chunked(*rest[:-1], speech.miscounted, last if last in rest else rest[-1]) + END], 200, "", "ok"),
        Fault("words that are no text", [STREAM + chunked(*[odd if each is text else each for each in speech.events]) + END], 200, "", "ok"),
        Fault("byte by byte", [STREAM, *[chunked(bytes([byte])) for byte in b"".join(speech.events)], END], 200, "", "ok"),
    ]  # fmt: skip


WHOLE = [(speech, False, fault) for speech in SPEECHES for fault in faults_of_any_answer()]
STREAMS = [
    (speech, True, fault)
    for speech in SPEECHES
    for fault in [*faults_of_any_answer(), *faults_of_streams(speech)]
]
CASES = [*WHOLE, *STREAMS]
IDS = [f"{s.path.removeprefix('/v1/')}-{'stream' if is_stream else 'whole'}-{f.name}" for s, is_stream, f in CASES]  # fmt: skip
KINDS = ("connect", "timeout", "status", "stream")


@pytest.fixture
def engine(loop: Loop) -> RawEngine:
    """An engine that does as it is told."""
    found = RawEngine()
    loop.finally_(found.stop)
    found.port = loop.run(found.start())
    return found


def before(engine: RawEngine, make: Make, **settings: Any) -> Setup:
    """A gateway in front of it."""
    return make(upstreams=(f"http://127.0.0.1:{engine.port}",), **settings)


def ask(setup: Setup, speech: Speech, is_stream: bool) -> tuple[int, bytes]:
    """The status and the bytes of an answer; 0 where its connection broke."""
    try:
        found = setup.post({**TINY, **speech.question, "stream": is_stream}, speech.path)
    except requests.RequestException:
        return 0, b""
    return found.status_code, found.content


@pytest.mark.parametrize(("speech", "is_stream", "fault"), CASES, ids=IDS)
def test_what_an_engine_may_do(
    make: Make, engine: RawEngine, speech: Speech, is_stream: bool, fault: Fault
) -> None:
    """The request is counted once as what it was, the engine is let go, and the client is told."""
    limits = {"concurrent_requests": 1, "tokens_per_minute": 60_000.0}
    setup = before(engine, make, request_timeout=0.3, idle_timeout=0.3, **limits)
    engine.steps = fault.steps
    status, text = ask(setup, speech, is_stream)

    assert fault.status == status
    setup.ended(**{fault.outcome: 1})
    found = {kind: setup.value("gateway_upstream_errors_total", kind=kind) for kind in KINDS}
    assert ({fault.kind: 1} if fault.kind else {}) == {k: n for k, n in found.items() if n}
    assert 0 == setup.value("gateway_active_requests")
    assert 0 == setup.value("gateway_request_duration_seconds_count") or fault.outcome == "ok"
    assert 0 <= setup.value("gateway_tokens_generated_total") < 100
    setup.until(lambda: engine.running == 0)
    limits_held = setup.gateway.limits
    assert isinstance(limits_held, MemoryLimits)
    assert 0 == limits_held.running()
    if status >= 500 and fault.kind and "is " not in fault.name:
        assert json.loads(text)["error"]["message"]
    if status == 200 and any(isinstance(step, bytes) and step.startswith(STREAM) for step in fault.steps):  # fmt: skip
        assert (fault.outcome == "error") == (b"event: error" in text or b'"error"' in text)


def test_what_passes_is_what_came(make: Make, engine: RawEngine) -> None:
    """Whatever it is: but for the tokens that nobody asked for, byte for byte."""
    setup = before(engine, make)
    for speech in SPEECHES:
        for fault in faults_of_streams(speech):
            if fault.outcome != "ok":
                continue
            engine.steps = fault.steps
            _, found = ask(setup, speech, True)
            sent = b"".join(step for step in fault.steps if isinstance(step, bytes))

            assert _unchunked(sent).replace(event(COUNTED), b"").replace(_miscounted(speech), b"") == found  # fmt: skip


def _miscounted(speech: Speech) -> bytes:
    # Chats are asked to count, and whatever they then say of it is not for the client.
    return speech.miscounted if "completions" in speech.path else b"nothing"


def _unchunked(data: bytes) -> bytes:
    _, _, rest = data.partition(b"\r\n\r\n")
    found = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        found, rest = found + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return found


def test_nothing_leaks(make: Make, engine: RawEngine) -> None:
    """After every fault four times: as many sockets and tasks as after the first of each."""
    limits = {"concurrent_requests": 100, "requests_per_minute": 1e6, "tokens_per_minute": 1e9}
    setup = before(engine, make, request_timeout=0.05, idle_timeout=0.05, **limits)

    async def tasks() -> int:
        return len(asyncio.all_tasks())

    def faults(times: int) -> int:
        for speech, is_stream, fault in CASES:
            # Bytes one by one take long, and leak no more than others.
            if fault.name == "byte by byte":
                continue
            engine.steps = fault.steps
            for _ in range(times):
                # Its circuit is not what is tested here.
                setup.gateway.pool.upstreams[0].succeeded()
                setup.gateway.pool.upstreams[0]._closed_until = 0.0
                ask(setup, speech, is_stream)
        return times * sum(fault.name != "byte by byte" for *_, fault in CASES)

    asked = faults(1)
    setup.until(lambda: sum(setup.requests().values()) == asked)
    setup.until(lambda: engine.running == 0)
    sockets, running = descriptors(), setup.loop.run(tasks())
    asked += faults(4)
    setup.until(lambda: sum(setup.requests().values()) == asked)

    setup.until(lambda: descriptors() <= sockets + KEPT)
    setup.until(lambda: setup.loop.run(tasks()) <= running + KEPT)
    assert 0 == setup.value("gateway_active_requests")
    assert 0 == sum(each.outstanding for each in setup.gateway.pool.upstreams)
    assert isinstance(setup.gateway.limits, MemoryLimits)
    assert 0 == setup.gateway.limits.running()
