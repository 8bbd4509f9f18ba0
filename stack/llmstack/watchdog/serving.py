"""`/metrics` and `/health` of the watchdog itself."""

from __future__ import annotations

import json
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from llmstack.errors import ListenError
from llmstack.pages import Page, PageServer
from llmstack.watchdog.figures import Figures


class Server(PageServer):
    """Serves figures."""

    def __init__(self, listen: tuple[str, int], figures: Figures) -> None:
        """Take the port.

        Raises:
            ListenError: it is taken, or is none of this machine's.
        """
        pages = {
            "/metrics": lambda: Page(
                CONTENT_TYPE_LATEST, generate_latest(figures.registry).decode()
            ),
            "/health": lambda: _health(figures),
        }
        try:
            super().__init__(listen, pages, name="llmstack-watchdog", patience=10.0, waits=False)
        except OSError as error:
            host, port = listen
            raise ListenError(
                f"listen {host}:{port}: {error.strerror or error}; another watchdog may run: "
                "end it, or set listen"
            ) from error


def _health(figures: Figures) -> Page:
    is_well, programs = figures.summary()
    text = json.dumps({"status": "ok" if is_well else "gave up", "programs": programs})
    status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
    return Page("application/json", text, status)
