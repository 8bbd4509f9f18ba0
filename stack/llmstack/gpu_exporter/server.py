"""The pages of the exporter: `/metrics` and `/health` read the last snapshot and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus

from llmstack.errors import ListenError
from llmstack.gpu_exporter.exposition import CONTENT_TYPE, Exposition
from llmstack.gpu_exporter.snapshot import Snapshot
from llmstack.pages import Page, PageServer


class ExporterServer(PageServer):
    """Serves snapshots."""

    def __init__(
        self,
        address: tuple[str, int],
        exposition: Exposition,
        latest: Callable[[], Snapshot],
        clock: Callable[[], float],
    ) -> None:
        """Listen at an address; port 0 is a free one.

        Raises:
            ListenError: nobody can listen there.
        """
        pages = {
            "/metrics": lambda: Page(CONTENT_TYPE, exposition.text(latest(), clock())),
            "/health": lambda: _health(latest(), clock(), exposition.stale_after),
        }
        try:
            super().__init__(address, pages, name="llmstack-gpu-exporter", patience=5.0, waits=True)
        except OSError as error:
            host, port = address
            raise ListenError(
                f"GPU_EXPORTER_HOST, GPU_EXPORTER_PORT: cannot listen at {host}:{port}"
                f" ({error.strerror or error})"
            ) from error

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}"


def _health(snapshot: Snapshot, now: float, stale_after: float) -> Page:
    problem = snapshot.problem_at(now, stale_after)
    told = {
        "status": "unhealthy" if problem else "ok",
        **({"problem": problem} if problem else {}),
        "gpus": snapshot.gpus,
        "lost": list(snapshot.lost),
        "snapshot_age_seconds": round(now - snapshot.taken_at, 3),
    }
    status = HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK
    return Page("application/json", json.dumps(told) + "\n", status)
