"""One health check over real sockets: every answer that there is, and none."""

from __future__ import annotations

import asyncio
import socket

import pytest

from llmstack.watchdog.health import check
from llmstack.watchdog.lifecycle import Answer


async def checked(answer: bytes | None, *, keeps_open: bool = False) -> tuple[Answer, str, bytes]:
    """Check a server that says this, whatever it is asked; None: it says nothing."""
    asked = b""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked = await reader.readuntil(b"\r\n\r\n")
        if answer is None or keeps_open:
            if answer is not None:
                writer.write(answer)
            await reader.read()  # until the other end has had enough
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        found, why = await check(f"http://127.0.0.1:{port}/health?full=1", 0.3 if answer is None or keeps_open else 30)  # fmt: skip
    return found, why, asked


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", (Answer.HEALTHY, "")),
        (b"HTTP/1.0 204 No Content\r\n\r\n", (Answer.HEALTHY, "")),
        (b"HTTP/1.1 307 Elsewhere\r\n\r\n", (Answer.HEALTHY, "")),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", (Answer.BAD, "status 404")),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", (Answer.BAD, "status 503")),
        (b"SSH-2.0-OpenSSH\r\n", (Answer.BAD, "no HTTP answer")),
        (b"", (Answer.BAD, "no HTTP answer")),
        (None, (Answer.SILENT, "no answer within 0.3 s")),
    ],
)
def test_answers(answer: bytes | None, expected: tuple[Answer, str]) -> None:
    """Only the status counts; silence is told apart from a bad answer."""
    found, why, asked = asyncio.run(checked(answer))

    assert expected == (found, why)
    assert asked.startswith(b"GET /health?full=1 HTTP/1.1\r\nHost: 127.0.0.1:")


def test_a_status_line_is_enough() -> None:
    """A server that answers and never ends its answer is healthy."""
    found, _, _ = asyncio.run(checked(b"HTTP/1.1 200 OK\r\n", keeps_open=True))

    assert Answer.HEALTHY is found


def test_a_trickle_is_silence() -> None:
    """Half a status line does not keep a check waiting longer than it may."""
    found, _, _ = asyncio.run(checked(b"HTTP/1.1 2", keeps_open=True))

    assert Answer.SILENT is found


def test_nobody_there() -> None:
    """A refused connection is a bad answer at once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found, why = asyncio.run(check(f"http://127.0.0.1:{port}/", 30))

    assert Answer.BAD is found
    assert why.startswith("no connection")
