"""An engine that is well, and answers questions byte by byte as it is told to: also what is no HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

#: What is done besides writing: wait for ever, close the connection in order, or break it off.
HANG, CLOSE, BREAK = "hang", "close", "break"
Steps = Sequence[bytes | str]

MODELS = json.dumps({"object": "list", "data": [{"id": "tiny", "object": "model"}]}).encode()


def answer(status: int, body: bytes, *headers: str, kind: str = "application/json") -> bytes:
    """A whole answer that says how long it is."""
    return head(status, f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers) + body


def head(status: int, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Said", *headers, "", ""]).encode()


STREAM = head(200, "Content-Type: text/event-stream; charset=utf-8", "Transfer-Encoding: chunked")
END = b"0\r\n\r\n"


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


class RawEngine:
    """Serves on loopback, and counts the questions whose connections are still there."""

    def __init__(self) -> None:
        self.steps: Steps = ()
        self.running, self.port = 0, 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for each in self._serving:
            each.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            while await self._asked(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._serving.discard(task)
            writer.close()

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; tell whether another may come on this connection."""
        question = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = question.partition(b"content-length:")[2].split(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        if question.startswith(b"get "):
            writer.write(answer(200, MODELS if b"/models" in question else b"{}"))
            return True
        self.running += 1
        try:
            return await self._play(reader, writer)
        finally:
            self.running -= 1

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        for step in self.steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
                continue
            if step == HANG:
                # Until the gateway lets go of it.
                await reader.read()
            if step == BREAK:
                writer.transport.abort()
            return False
        return True
