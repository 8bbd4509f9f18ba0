"""A light client: streams at the same time, each timed to its first token and kept to be checked."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.bench.gateway.engine import MODEL, TEXT

_FIRST_TOKEN = re.compile(rb'"content": ?"' + TEXT.encode() + rb'"')
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_PROMPT = "Say the first letter of the alphabet, and go on saying it until you are stopped."


@dataclass(frozen=True)
class Load:
    """What is asked: how many streams in all, how many at the same time, and how long ones."""

    streams: int
    at_once: int
    tokens: int


@dataclass(frozen=True)
class Answered:
    """One answer: every byte of it, and when it was there, in seconds from the question."""

    data: bytes
    first_token: float
    seconds: float


class _Connection(asyncio.Protocol):
    """One connection, over which one stream after the other is asked for."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[Answered] | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.is_open = transport, True

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.is_open = False
        self._finish()

    def ask(self, request: bytes) -> asyncio.Future[Answered]:
        self._done, self._received = self._loop.create_future(), bytearray()
        self._first = 0.0
        self._began = time.perf_counter()
        self.transport.write(request)
        return self._done

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._first and _FIRST_TOKEN.search(self._received):
            self._first = time.perf_counter() - self._began
        if data.endswith(_LAST_CHUNK) or self._received.endswith(_LAST_CHUNK):
            self._finish()

    def _finish(self) -> None:
        """Hand over what is there, also where the server broke it off: the check will find it."""
        if self._done is not None and not self._done.done():
            seconds = time.perf_counter() - self._began
            self._done.set_result(Answered(bytes(self._received), self._first, seconds))


async def ask(url: str, load: Load, key: str = "", within: float = 120.0) -> list[Answered]:
    """Return the answers to a load; a client never asks for the tokens to be counted.

    Raises:
        TimeoutError: it took longer than it may.
    """
    address = urlsplit(url)
    request = _request(address.netloc, load.tokens, key)
    left = iter(range(load.streams))
    answers: list[Answered] = []

    async def asker() -> None:
        connection = _Connection()
        for _ in left:
            if not connection.is_open:
                connection = await _connected(address.hostname or "", address.port or 80)
            answers.append(await connection.ask(request))
        if connection.is_open:
            connection.transport.close()

    async with asyncio.timeout(within), asyncio.TaskGroup() as group:
        for _ in range(load.at_once):
            group.create_task(asker())
    return answers


async def _connected(host: str, port: int) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, host, port)
    return connection


def _request(host: str, tokens: int, key: str) -> bytes:
    message = {"role": "user", "content": _PROMPT}
    asked = {"model": MODEL, "messages": [message], "max_tokens": tokens, "stream": True}
    body = json.dumps(asked).encode()
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *([f"Authorization: Bearer {key}"] if key else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def is_complete(answered: Answered, tokens: int) -> bool:
    """Tell whether an answer is a whole stream: all tokens, why it ended, and the closing mark."""
    head, _, body = answered.data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 ") or not answered.first_token:
        return False
    try:
        told = [text for text in _events(_unchunked(body)) if text]
        if told[-1:] != ["[DONE]"]:
            return False
        choices = [choice for text in told[:-1] for choice in _choices(json.loads(text))]
    except ValueError:
        return False
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    is_ended = any(choice.get("finish_reason") for choice in choices)
    return is_ended and text == TEXT * tokens


def _choices(event: dict[str, Any]) -> list[dict[str, Any]]:
    if "error" in event:
        raise ValueError("an error inside the stream")
    found: list[dict[str, Any]] = event["choices"]
    return found


def _events(body: bytes) -> Iterator[str]:
    for event in body.decode().replace("\r\n", "\n").split("\n\n"):
        lines = event.split("\n")
        yield "\n".join(line[5:].strip() for line in lines if line.startswith("data:"))


def _unchunked(body: bytes) -> bytes:
    """Return the content of chunks; what is cut off is refused."""
    found, place = bytearray(), 0
    while True:
        end = body.index(b"\r\n", place)
        size = int(body[place:end], 16)
        place = end + 2
        if size == 0:
            if body[place:] != b"\r\n":
                raise ValueError("something follows the last chunk")
            return bytes(found)
        found += body[place : place + size]
        place += size
        if body[place : place + 2] != b"\r\n":
            raise ValueError("a chunk is cut off")
        place += 2
