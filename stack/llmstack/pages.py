"""A small HTTP server of `/metrics` and `/health`, for programs that serve nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Page:
    """What is answered."""

    #: The content type.
    kind: str
    text: str
    status: HTTPStatus = HTTPStatus.OK


class PageServer:
    """Answers in threads of its own, between `with` and its end."""

    def __init__(
        self,
        listen: tuple[str, int],
        pages: Mapping[str, Callable[[], Page]],
        *,
        name: str,
        patience: float,
        waits: bool,
    ) -> None:
        """Take the port; 0 is a free one.

        Args:
            listen: host, and port.
            pages: what makes the page of each path.
            name: what the server calls itself; the version of Python is nobody's business.
            patience: seconds that a client may take to send its request or to read its answer.
            waits: whether its end waits for answers under way.

        Raises:
            OSError: the port is taken, or the host is none of this machine's.
        """
        made = {"pages": pages, "timeout": patience, "server_name": name}
        self._server = _Server(listen, type("Handler", (_Handler,), made))
        self._server.daemon_threads = not waits
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name=f"{name}-http", daemon=True
        )

    @property
    def address(self) -> str:
        """Where it answers; the port is known where 0 was asked for."""
        host, port = self._server.server_address[:2]
        return f"[{host!s}]:{port}" if ":" in str(host) else f"{host!s}:{port}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
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
    pages: Mapping[str, Callable[[], Page]]
    server_name: str

    def do_GET(self) -> None:
        """Answer."""
        made = self.pages.get(self.path.partition("?")[0])
        page = _NOWHERE if made is None else made()
        body = page.text.encode()
        self.send_response(page.status)
        self.send_header("Content-Type", page.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - as the library calls it

    def version_string(self) -> str:
        """Return what it is called."""
        return self.server_name

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: standard output and error belong to the program."""


_NOWHERE = Page(
    "text/plain; charset=utf-8", "see /metrics and /health\n", status=HTTPStatus.NOT_FOUND
)
