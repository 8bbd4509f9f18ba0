"""Connections to engines: which serve another question, and what becomes of those that cannot be had."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohappyeyeballs import start_connection
from multidict import CIMultiDict

from llmstack.gateway import engine_client
from llmstack.gateway.engine_answer import Answer, BrokenOffError, NoConnectionError
from llmstack.gateway.engine_client import EngineClient
from tests.stack.gateway.raw_engine import answer

OPENSSL = shutil.which("openssl")
WELL = answer(200, b"{}")


@dataclass
class Engine:
    """Answers as often on each connection as it is told to, and then closes it."""

    answers: list[int] = field(default_factory=list)
    questions: list[bytes] = field(default_factory=list)
    connections: int = 0
    closed: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        times = self.answers.pop(0) if self.answers else 1000
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                self.questions.append(head + await reader.readexactly(int(length or 0)))
                if not times:
                    break
                times -= 1
                writer.write(WELL)
        self.closed += 1
        writer.close()


async def ask(client: EngineClient, url: str, method: str = "POST") -> Answer:
    """An answer that has come whole."""
    data = b"{}" if method == "POST" else None
    found = await client.ask(method, url, "/v1/models?a=b", CIMultiDict({"X-Own": "1"}), data)
    assert b"{}" == await found.piece()
    return found


def asking(
    engine: Engine,
    work: Callable[[EngineClient, str], Awaitable[None]],
    *,
    prefix: str = "",
    tls: ssl.SSLContext | None = None,
) -> None:
    """Do something with a client of an engine."""

    async def run() -> None:
        server = await asyncio.start_server(engine.serve, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        client = EngineClient(5.0)
        try:
            await work(client, f"http{'s' if tls else ''}://{prefix or '127.0.0.1'}:{port}")
        finally:
            client.close()
            server.close()

    asyncio.run(asyncio.wait_for(run(), 60))


def test_connections_are_kept_for_the_next_question() -> None:
    """One after the other goes over one; at the same time there are as many as questions."""
    engine = Engine()

    async def work(client: EngineClient, url: str) -> None:
        for _ in range(3):
            await ask(client, url)
        assert 1 == engine.connections
        await asyncio.gather(*(ask(client, url) for _ in range(4)))
        assert 4 == engine.connections
        await asyncio.gather(*(ask(client, url) for _ in range(4)))
        assert 4 == engine.connections

    asking(engine, work)


def test_what_an_engine_is_asked() -> None:
    """A whole question of HTTP, with all headers that were given, and those that must be."""
    engine = Engine()

    async def work(client: EngineClient, url: str) -> None:
        await ask(client, f"{url}/engine")
        await ask(client, url, "GET")
        host = url.removeprefix("http://").encode()
        assert [
            b"POST /engine/v1/models?a=b HTTP/1.1\r\nHost: %b\r\nAccept: */*\r\nX-Own: 1\r\nContent-Length: 2\r\n\r\n{}" % host,
            b"GET /v1/models?a=b HTTP/1.1\r\nHost: %b\r\nAccept: */*\r\nX-Own: 1\r\n\r\n" % host,
        ] == engine.questions  # fmt: skip

    asking(engine, work)


def test_a_password_in_an_address() -> None:
    """It is sent as browsers do, and the address without it."""
    engine = Engine()

    async def work(client: EngineClient, url: str) -> None:
        await ask(client, url)
        assert b"\r\nAuthorization: Basic bWU6YS9i\r\n" in engine.questions[0]
        assert b"\r\nHost: 127.0.0.1:" in engine.questions[0]

    asking(engine, work, prefix="me:a%2Fb@127.0.0.1")


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\rb"])
def test_a_header_is_one_line(value: str) -> None:
    """Whatever stands in it is not sent as another."""
    engine = Engine()

    async def work(client: EngineClient, url: str) -> None:
        with pytest.raises(ValueError, match="line break"):
            await client.ask("POST", url, "/", CIMultiDict({"X": value}), b"{}")
        assert [] == engine.questions

    asking(engine, work)


def test_one_that_is_closed_as_it_is_used() -> None:
    """What is looked up is asked again on another; what may cost something is not."""
    looked_up, asked = Engine([1]), Engine([1])

    async def look_up(client: EngineClient, url: str) -> None:
        for _ in range(2):
            await ask(client, url, "GET")
        assert (2, 3) == (looked_up.connections, len(looked_up.questions))

    async def question(client: EngineClient, url: str) -> None:
        await ask(client, url)
        with pytest.raises(BrokenOffError):
            await ask(client, url)
        assert (1, 2) == (asked.connections, len(asked.questions))

    asking(looked_up, look_up)
    asking(asked, question)


def test_what_a_new_connection_does_not_answer_is_not_asked_again() -> None:
    """Neither what is looked up."""
    engine = Engine([0])

    async def work(client: EngineClient, url: str) -> None:
        with pytest.raises(BrokenOffError):
            await ask(client, url, "GET")
        assert 1 == engine.connections

    asking(engine, work)


def test_one_that_was_idle_for_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not used again: the engine may close it in that moment."""
    engine = Engine()

    async def work(client: EngineClient, url: str) -> None:
        await ask(client, url)
        # As if so much time had passed.
        monkeypatch.setattr(engine_client, "_IDLE", -1.0)
        await ask(client, url)
        assert 2 == engine.connections

    asking(engine, work)


def test_idle_ones_are_closed_though_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, and those of later questions too."""
    monkeypatch.setattr(engine_client, "_IDLE", 0.1)
    engine = Engine()

    async def work(client: EngineClient, url: str) -> None:
        for count in (1, 2):
            await ask(client, url)
            while engine.closed < count:
                await asyncio.sleep(0.01)
        assert 0 == client.idle

    asking(engine, work)


def test_nobody_there() -> None:
    """Refused, no such name, or nobody who answers in time."""

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            # It takes connections, and never answers TLS.
            late = f"https://127.0.0.1:{silent.getsockname()[1]}"
            for url in ("http://127.0.0.1:9", "http://no.such.name.invalid", late):
                with pytest.raises(NoConnectionError):
                    await ask(EngineClient(0.2 if url == late else 10.0), url)

    asyncio.run(asyncio.wait_for(run(), 60))


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed, which makes the certificate")
def test_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a certificate that is trusted; with another an engine cannot be reached."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run([str(OPENSSL), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    engine = Engine()

    async def work(client: EngineClient, url: str) -> None:
        with pytest.raises(NoConnectionError, match="certificate verify failed"):
            await ask(client, url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusting = EngineClient(5.0)
        for _ in range(2):
            await ask(trusting, url)
        assert 1 == engine.connections
        trusting.close()
        # It names another host.
        with pytest.raises(NoConnectionError, match="certificate verify failed"):
            await ask(EngineClient(5.0), url.replace("localhost", "127.0.0.1"))

    asking(engine, work, prefix="localhost", tls=context)


def test_who_gives_up_while_connecting_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its socket is closed with it."""
    made: list[socket.socket] = []

    async def connecting(*given: object, **named: object) -> socket.socket:
        made.append(await start_connection(*given, **named))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(engine_client, "start_connection", connecting)

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"https://127.0.0.1:{silent.getsockname()[1]}"
            asked = asyncio.create_task(ask(EngineClient(60.0), url))
            while not made:
                await asyncio.sleep(0.01)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            while made[0].fileno() != -1:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(run(), 60))
