"""A made engine that streams chat completions with known delays, and costs as little as can be.

It is a program of its own that imports nothing of ours, so that it never shares a core's time with
what is measured: `python engine.py 8111 --ttft 0.2 --itl 0.02`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MODEL = "tiny"
#: The text of every token.
TEXT = " a"
#: Tokens of an answer where the request does not say.
USUAL_TOKENS = 16
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_END = b"0\r\n\r\n"


@dataclass(frozen=True)
class Delays:
    """Seconds from a request to its first token, and from one token to the next."""

    first: float = 0.0
    between: float = 0.0


def events(tokens: int, *, counts_tokens: bool) -> Iterator[bytes]:
    """Yield the chunks of an answer: the role, each token, the end, the count if asked, the mark.

    Each event is a chunk of its own, as uvicorn sends them.
    """
    yield _event({"role": "assistant", "content": ""})
    token = _event({"content": TEXT})
    for _ in range(tokens):
        yield token
    yield _event({}, finish="length")
    if counts_tokens:
        usage = {"prompt_tokens": 8, "completion_tokens": tokens, "total_tokens": tokens + 8}
        yield _chunk(json.dumps({**_FRAME, "choices": [], "usage": usage}).encode())
    yield _chunk(b"[DONE]")


_FRAME = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": MODEL}


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _chunk(json.dumps({**_FRAME, "choices": [choice]}, separators=(",", ":")).encode())


def _chunk(data: bytes) -> bytes:
    return b"%x\r\ndata: %b\n\n\r\n" % (len(data) + 8, data)


class Connection(asyncio.Protocol):
    """One connection: requests one after the other, each answered before the next is read."""

    def __init__(self, delays: Delays) -> None:
        """Remember the delays."""
        self._delays, self._received = delays, bytearray()
        self._due: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the answer that nobody reads."""
        del exc
        if self._due is not None:
            self._due.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer a request once all of it is there."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        found = _LENGTH.search(self._received, 0, end)
        whole = end + 4 + (int(found[1]) if found else 0)
        if len(self._received) < whole:
            return
        line = bytes(self._received[: self._received.find(b"\r\n")])
        body = bytes(self._received[end + 4 : whole])
        del self._received[:whole]
        self._answer(line.split(b" ")[1], body)

    def _answer(self, path: bytes, body: bytes) -> None:
        if path == b"/health":
            self._whole({})
        elif path == b"/v1/models":
            self._whole({"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        elif path == b"/v1/chat/completions":
            self._stream(json.loads(body))
        else:
            self._whole({"error": {"message": "no such page"}}, b"404 Not Found")

    def _whole(self, told: dict[str, Any], status: bytes = b"200 OK") -> None:
        body = json.dumps(told).encode()
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % (status, len(body)) + body)

    def _stream(self, asked: dict[str, Any]) -> None:
        tokens = asked.get("max_completion_tokens") or asked.get("max_tokens") or USUAL_TOKENS
        options = asked.get("stream_options") or {}
        role, *pieces = events(tokens, counts_tokens=bool(options.get("include_usage")))
        if not (self._delays.first or self._delays.between):
            self._transport.write(b"".join((_HEAD, role, *pieces, _END)))
            return
        # The role comes with the first token; all that ends a stream with the last.
        last = b"".join((*pieces[tokens - 1 :], _END))
        writes = [role + pieces[0], *pieces[1 : tokens - 1], last] if tokens > 1 else [role + last]
        self._transport.write(_HEAD)
        self._write(writes, 0, self._loop.time() + self._delays.first)

    def _write(self, writes: list[bytes], place: int, start: float) -> None:
        """Write what is due, and come back for the next."""

        def write() -> None:
            self._transport.write(writes[place])
            if place + 1 < len(writes):
                self._write(writes, place + 1, start)

        self._due = self._loop.call_at(start + place * self._delays.between, write)


async def serve(port: int, delays: Delays) -> None:
    """Serve on loopback until SIGTERM."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(delays), "127.0.0.1", port, backlog=1024)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    server.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--ttft", type=float, default=0.0, help="seconds to the first token")
    parser.add_argument("--itl", type=float, default=0.0, help="seconds between two tokens")
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.port, Delays(chosen.ttft, chosen.itl)))


if __name__ == "__main__":
    main()
