"""Servers that speak TLS: a certificate has to be good, unless one says that it need not be."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from llmstack.load.client import Client
from llmstack.load.outcome import Failure, Outcome
from tests.stack.load.asking import CHAT, PLANNED
from tests.stack.load.held_server import WELL

OPENSSL = shutil.which("openssl")

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed, which makes the certificate")  # fmt: skip


def ask(folder: Path, *, verifies: bool) -> list[Outcome]:
    """What comes of asking twice over TLS, with a certificate that nobody has signed."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run([str(OPENSSL), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
                writer.write(WELL)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> list[Outcome]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client, loop = Client([url], CHAT, verifies=verifies), asyncio.get_running_loop()
        try:
            return [await client.ask(client.prepare(PLANNED, "inn"), loop.time()) for _ in "12"]
        finally:
            client.close()
            server.close()

    return asyncio.run(run())


def test_an_answer_comes_over_tls(tmp_path: Path) -> None:
    """Two of them over one connection."""
    found = ask(tmp_path, verifies=False)

    assert [(None, 2), (None, 2)] == [(each.failure, each.tokens) for each in found]


def test_a_certificate_that_nobody_signed_is_no_good(tmp_path: Path) -> None:
    """The server cannot be reached, in OpenSSL's words."""
    found = ask(tmp_path, verifies=True)

    assert [Failure.UNREACHABLE] * 2 == [each.failure for each in found]
    assert "certificate verify failed" in found[0].detail
