"""A Grafana that the contract suite runs against: the fake, or a real one by its address."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from llmdash.errors import RefusedError
from llmdash.grafana.client import Answer, Client
from llmdash.grafana.credentials import Credentials, credentials_of
from llmdash.testing.grafana import TOKEN, FakeGrafana

#: What everything of the suite begins with, so that nothing else is ever touched.
PREFIX = "llmdash-test-"
OWNER = "llmdash-test"
FOLDER = "llmdash contract test"


class CountingClient(Client):
    """A client that remembers what it wrote, and waits no longer than it must."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.written: list[str] = []

    def write(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        expected: tuple[int, ...] = (200,),
    ) -> Answer:
        self.written.append(f"{method} {path}")
        return super().write(method, path, body, headers=headers, expected=expected)


@dataclass
class ServerUnderTest:
    """Where it is, how to get in, and what somebody else does there over its API."""

    url: str
    credentials: Credentials
    #: None for a real one.
    fake: FakeGrafana | None = None
    made: list[str] = field(default_factory=list)

    def client(self, **more: Any) -> CountingClient:
        return CountingClient(self.url, self.credentials, **more)

    @property
    def api(self) -> CountingClient:
        return self.client()

    def dashboard(self, uid: str) -> dict[str, Any]:
        """The dashboard and its meta, as the API gives them."""
        found: dict[str, Any] = self.api.get(f"/api/dashboards/uid/{uid}").body
        return found

    def version(self, uid: str) -> int:
        return int(self.dashboard(uid)["dashboard"]["version"])

    def save(self, content: Mapping[str, Any], folder_uid: str) -> None:
        """Save a dashboard as the browser does."""
        body = {"dashboard": {"id": None, **content}, "folderUid": folder_uid, "overwrite": False}
        self.api.write("POST", "/api/dashboards/db", body)

    def edit(self, uid: str, **changes: Any) -> None:
        """Change a dashboard as somebody does in the browser."""
        there = self.dashboard(uid)
        self.save({**there["dashboard"], **changes}, there["meta"]["folderUid"])

    def exists(self, uid: str) -> bool:
        return self.api.get(f"/api/dashboards/uid/{uid}", expected=(200, 404)).status == 200

    def folder(self, uid: str, title: str, parent: str = "") -> None:
        body = {"uid": uid, "title": title, **({"parentUid": parent} if parent else {})}
        self.api.write("POST", "/api/folders", body, expected=(200, 409, 412))

    def clean(self) -> None:
        """Delete what the suite made, and nothing else."""
        client = self.api
        for rule in client.get("/api/v1/provisioning/alert-rules").body or ():
            if rule["folderUID"].startswith(PREFIX):
                path = f"/api/v1/provisioning/alert-rules/{rule['uid']}"
                headers = {} if rule.get("provenance") else {"X-Disable-Provenance": "true"}
                client.write("DELETE", path, headers=headers, expected=(204, 404))
        for kind in ("dash-db", "dash-folder"):
            for hit in client.get("/api/search", {"type": kind, "limit": "5000"}).body:
                if not hit["uid"].startswith(PREFIX):
                    continue
                part = "dashboards/uid" if kind == "dash-db" else "folders"
                try:
                    client.write("DELETE", f"/api/{part}/{hit['uid']}", expected=(200, 404))
                except RefusedError:
                    assert self.fake is not None, f"{hit['uid']} could not be deleted"
        client.write("DELETE", f"/api/datasources/uid/{PREFIX}prometheus", expected=(200, 404))


@contextmanager
def real_grafana(url: str) -> Iterator[ServerUnderTest]:
    """A real one that the environment names, clean before and after."""
    server = ServerUnderTest(url.rstrip("/"), credentials_of(os.environ))
    server.clean()
    try:
        yield server
    finally:
        server.clean()


def faked(fake: FakeGrafana) -> ServerUnderTest:
    return ServerUnderTest(fake.url, Credentials(token=TOKEN), fake)
