"""Servers that a run tells something: what they are asked, and what they answer, is for a test to say."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """One that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


Answer = Callable[[Request], tuple[int, bytes]]


@dataclass
class ToldServer:
    """Keeps what it is asked."""

    answer: Answer
    requests: list[Request] = field(default_factory=list)
    url: str = ""


@contextmanager
def told_server(answer: Answer = lambda _: (200, b"")) -> Iterator[ToldServer]:
    """Listen until the block ends."""
    told = ToldServer(answer)

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Request(self.command, self.path, dict(self.headers.items()), body)
            told.requests.append(asked)
            status, text = told.answer(asked)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_PUT = do_POST = do_PATCH = do_GET = _handle  # noqa: N815 - as the library calls them

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def grafana(request: Request) -> tuple[int, bytes]:
    """Answer as Grafana does to an annotation."""
    if request.method == "POST":
        return 200, b'{"id": 17, "message": "Annotation added"}'
    return 200, b'{"message": "Annotation patched"}'
