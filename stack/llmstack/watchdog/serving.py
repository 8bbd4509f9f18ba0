"""`/metrics` and `/health` of the watchdog itself, in a thread of their own."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from llmstack.errors import ListenError
from llmstack.watchdog.figures import Figures

#: A client that sends nothing for so long is let go, in seconds.
_PATIENCE_SECONDS = 10


class Server:
    """Answers until it is left; `with Server(...)`."""

    def __init__(self, listen: tuple[str, int], figures: Figures) -> None:
        """Take the port.

        Raises:
            ListenError: it is taken, or is none of this machine's.
        """
        self.handler = type("Handler", (_Handler,), {"figures": figures})
        try:
            self._server = _Server(listen, self.handler)
        except OSError as error:
            host, port = listen
            raise ListenError(
                f"listen {host}:{port}: {error.strerror or error}; another watchdog may run: "
                "end it, or set listen"
            ) from error

    @property
    def address(self) -> str:
        """Where it answers; the port is known where 0 was asked for."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listen: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        # The base class knows IPv4 only, unless told.
        self.address_family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        super().__init__(listen, handler)

    def server_bind(self) -> None:
        """Bind without asking a name server for our own name, as the base class does."""
        socket_address = self.server_address
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(socket_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    figures: Figures
    timeout = _PATIENCE_SECONDS

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.figures.registry))
        elif path == "/health":
            is_well, programs = self.figures.summary()
            body = json.dumps({"status": "ok" if is_well else "gave up", "programs": programs})
            self._answer(200 if is_well else 503, "application/json", body.encode())
        else:
            self._answer(404, "text/plain", b"there are /metrics and /health\n")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: standard output and error belong to events and programs."""
