"""The HTTP server of the exporter: `/metrics` and `/health` read the last snapshot and no more."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from llmstack.errors import SettingsError
from llmstack.gpu_exporter.exposition import CONTENT_TYPE, Exposition
from llmstack.gpu_exporter.snapshot import Snapshot

#: Seconds that a client may take to send its request or to read its answer.
_PATIENCE = 5.0


class ExporterServer:
    """Serves snapshots in threads of its own, between `with` and its end."""

    def __init__(
        self,
        address: tuple[str, int],
        exposition: Exposition,
        latest: Callable[[], Snapshot],
        clock: Callable[[], float],
    ) -> None:
        """Listen at an address; port 0 is a free one.

        Raises:
            SettingsError: nobody can listen there.
        """

        class Handler(_Handler):
            def page(self) -> tuple[HTTPStatus, str, str]:
                return _page(self.path.partition("?")[0], exposition, latest(), clock())

        host, port = address
        try:
            self._server = _server_class(host)(address, Handler)
        except OSError as error:
            raise SettingsError(
                f"GPU_EXPORTER_HOST, GPU_EXPORTER_PORT: cannot listen at {host}:{port}"
                f" ({error.strerror or error})"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="gpu-exporter-http", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        name = host.decode() if isinstance(host, bytes | bytearray) else host
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _server_class(host: str) -> type[ThreadingHTTPServer]:
    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # So that closing waits for answers under way; none takes longer than the patience.
        daemon_threads = False

    return Server


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE

    def page(self) -> tuple[HTTPStatus, str, str]:
        """Return status, kind and text of the page that is asked for."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer."""
        status, kind, text = self.page()
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - as the library calls it

    def version_string(self) -> str:
        """Return what it is called; the version of Python is nobody's business."""
        return "llmstack-gpu-exporter"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each scrape."""


def _page(
    path: str, exposition: Exposition, snapshot: Snapshot, now: float
) -> tuple[HTTPStatus, str, str]:
    if path == "/metrics":
        return HTTPStatus.OK, CONTENT_TYPE, exposition.text(snapshot, now)
    if path == "/health":
        problem = snapshot.problem_at(now, exposition.stale_after)
        status = HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK
        told = {
            "status": "unhealthy" if problem else "ok",
            **({"problem": problem} if problem else {}),
            "gpus": snapshot.gpus,
            "lost": list(snapshot.lost),
            "snapshot_age_seconds": round(now - snapshot.taken_at, 3),
        }
        return status, "application/json", json.dumps(told) + "\n"
    return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", "see /metrics and /health\n"
