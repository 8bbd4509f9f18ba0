"""Marks a run in Grafana as a region, over the graphs of every page that shows its tags."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from llmstack.errors import ConfigurationError
from llmstack.load.address import without_credentials
from llmstack.load.program import Job
from llmstack.load.results import Document
from llmstack.load.telling.asking import PATIENCE, asked

#: What all of them carry, so that a page can ask for them.
TAGS = ("llmdash", "load")


class Annotated:
    """One annotation: it begins as a moment, and becomes a region when the run ends."""

    def __init__(self, url: str, token: str) -> None:
        """Know where.

        Args:
            url: of Grafana.
            token: of a service account that may write annotations; empty where none is needed.

        Raises:
            ConfigurationError: it is no address.
        """
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ConfigurationError(
                f"--annotate {without_credentials(url)}: expected http(s)://host:port, or "
                "GRAFANA_URL in the environment"
            )
        self._url, self._token = url.rstrip("/"), token
        self._session: aiohttp.ClientSession | None = None
        self._id: int | None = None
        self._told = ""
        self.problem = ""

    async def begin(self, job: Job, run: str) -> None:
        """Mark the begin; another run may have ended before."""
        self._id, self.problem = None, ""
        self._session = aiohttp.ClientSession(timeout=PATIENCE)
        self._told = f"llmstack load {job.name}: {job.plan_told} (run {run})"
        body = {
            "text": self._told,
            "tags": [*TAGS, job.question.model, run],
            "time": _now(),
        }
        answer = await self._ask("POST", "/api/annotations", body)
        try:
            found = json.loads(answer) if answer else {}
            self._id = int(found["id"])
        except (ValueError, TypeError, KeyError):
            # A proxy or a login answers with a page, and with 200.
            self.problem = self.problem or "--annotate: expected an id, as Grafana answers with"

    async def end(self, found: Document) -> None:
        """Mark the end, and say what came of it; nothing where there was no begin."""
        if self._id is not None:
            body = {"timeEnd": _now(), "text": f"{self._told}: {_outcome(found)}"}
            await self._ask("PATCH", f"/api/annotations/{self._id}", body)
        if self._session is not None:
            await self._session.close()

    async def _ask(self, method: str, path: str, body: Mapping[str, object]) -> bytes:
        assert self._session is not None  # it has begun
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = json.dumps(body).encode()
        answer, failure = await asked(self._session, method, self._url + path, data, headers)
        if failure:
            self.problem = f"--annotate: {method} {path}: {failure}"
        return answer


def _now() -> int:
    return round(time.time() * 1000)


def _outcome(found: Document) -> str:
    requests, rates = found["requests"], found["rates"]
    return (
        f"{requests['answered']:,} answered, {requests['failed']:,} failed, "
        f"{rates['requests']:,.2f} requests/s"
        + ("; interrupted" if found["is_interrupted"] else "")
        + ("" if found["client"]["is_trusted"] else "; not to be trusted")
    )
