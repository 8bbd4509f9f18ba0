"""A Grafana to push to in tests: real HTTP, in process, of the release that a profile tells of.

It holds what it is given, answers as that release does, and can be made to fail: cut connections,
answer with anything, refuse rights, forget to index.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, cast
from urllib.parse import parse_qs, unquote, urlsplit

from llmdash.testing.grafana.dashboards import Dashboards, Stored
from llmdash.testing.grafana.datasources import Datasources
from llmdash.testing.grafana.folders import Folders
from llmdash.testing.grafana.profiles import GRAFANA_11, Profile
from llmdash.testing.grafana.replies import Asked, Reply, refused
from llmdash.testing.grafana.rules import Rules

TOKEN, USER, PASSWORD = "glsa_of-the-fake", "admin", "of the fäke"
#: A page as a login or a proxy answers with.
PAGE = Reply(200, "<!doctype html><title>Grafana</title>", "text/html; charset=utf-8")

When = Literal["before", "after"]


@dataclass(frozen=True)
class Seen:
    """A request that arrived, and the status that it got; 0 where the connection was cut."""

    method: str
    path: str
    status: int
    body: Any = None

    @property
    def is_write(self) -> bool:
        """Whether it may have changed something."""
        return self.method != "GET"


@dataclass
class FakeGrafana:
    """The fake; start it with `with`, or take the fixture `fake_grafana`."""

    profile: Profile = GRAFANA_11
    #: The path that it is served under (`/grafana`).
    sub_path: str = ""
    #: Seconds that each answer takes.
    latency: float = 0.0
    org_id: int = 1
    org_name: str = "Main Org."
    #: Whether a request without credentials is let in.
    is_open: bool = False
    #: Parts of the API that the account has no right to: `("GET", "/api/datasources")`.
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    seen: list[Seen] = field(default_factory=list)
    #: Called with the number of each request before it is carried out, and after.
    on_request: Callable[[int, When], object] | None = None

    def __post_init__(self) -> None:
        """Begin empty."""
        self.folders = Folders(self.profile)
        self.dashboards = Dashboards(self.profile, self.folders)
        self.rules = Rules(self.profile, self.folders)
        self.datasources = Datasources()
        self._queued: list[tuple[Callable[[Asked], bool], Reply | When, int]] = []
        self._lock = threading.Lock()
        self._cuts: dict[int, When] = {}
        self._dead_from: int | None = None

    # --- running -------------------------------------------------------------------------------

    def __enter__(self) -> FakeGrafana:
        """Listen on a port of its own."""
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self
        serving = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{self.sub_path}"

    # --- what somebody does there --------------------------------------------------------------

    def edit(self, uid: str, **changes: Any) -> Stored:
        """Save a dashboard as somebody does in the browser."""
        there = self.dashboards.by_uid[uid]
        return self.dashboards.put({**there.content, **changes}, there.folder_uid)

    def move(self, uid: str, folder_uid: str) -> Stored:
        """Move a dashboard to another folder."""
        return self.dashboards.put(self.dashboards.by_uid[uid].content, folder_uid)

    # --- what goes wrong -----------------------------------------------------------------------

    def answer(self, reply: Reply, *, times: int = 1, method: str = "", path: str = "") -> None:
        """Answer the next requests (of a method, at a path) with something else."""
        self._queued.append((_matching(method, path), reply, times))

    def cut(self, number: int, when: When) -> None:
        """Cut the connection of one request, before or after it is carried out; 0 is the first."""
        self._cuts[number] = when

    def die(self, number: int) -> None:
        """Cut the connections of all requests from one on."""
        self._dead_from = number

    def live(self) -> None:
        """Forget all that was to go wrong, and what was seen."""
        self._queued, self._cuts, self._dead_from = [], {}, None
        self.seen, self.on_request = [], None

    # --- what was seen -------------------------------------------------------------------------

    @property
    def writes(self) -> list[Seen]:
        """The requests that may have changed something."""
        return [each for each in self.seen if each.is_write]

    # --- answering -----------------------------------------------------------------------------

    def handle(self, asked: Asked, cut: Callable[[], None]) -> Reply | None:
        """Answer a request, or cut its connection and answer nothing."""
        if self.latency:
            time.sleep(self.latency)
        with self._lock:
            number = len(self.seen)
            self.dashboards.requests += 1
            if self.on_request is not None:
                self.on_request(number, "before")
            fate = "before" if self._is_dead(number) else self._cuts.get(number)
            reply = None if fate == "before" else self._reply(asked)
            status = 0 if fate or reply is None else reply.status
            self.seen.append(Seen(asked.method, asked.path, status, asked.body))
            if self.on_request is not None:
                self.on_request(number, "after")
            if fate:
                cut()
                return None
            return reply

    def _is_dead(self, number: int) -> bool:
        return self._dead_from is not None and number >= self._dead_from

    def _reply(self, asked: Asked) -> Reply:
        for place, (matches, reply, times) in enumerate(self._queued):
            if matches(asked):
                left = (matches, reply, times - 1)
                self._queued[place : place + 1] = [left] if times > 1 else []
                return cast(Reply, reply)
        if not asked.path.startswith("/api/"):
            return Reply(404, PAGE.body, PAGE.kind)
        if asked.path == "/api/health":
            release = self.profile.release
            return Reply(200, {"commit": "fake", "database": "ok", "version": release})
        if not self._is_known(asked):
            return refused(401, "Unauthorized")
        for method, path in self.forbidden:
            if asked.method == method and asked.path.startswith(path):
                return refused(403, "You'll need additional permissions to perform this action.")
        for method, pattern, answer in _ROUTES:
            match = re.fullmatch(pattern, asked.path)
            if asked.method == method and match:
                return answer(self, asked, *map(unquote, match.groups()))
        return refused(404, "Not found")

    def _is_known(self, asked: Asked) -> bool:
        given = asked.headers.get("authorization", "")
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self.is_open if not given else given in (f"Bearer {TOKEN}", f"Basic {pair}")

    def org(self, asked: Asked) -> Reply:
        """Answer GET /api/org: a user may choose the organisation, a token may not."""
        chosen = asked.headers.get("x-grafana-org-id", "")
        is_user = asked.headers.get("authorization", "").startswith("Basic ")
        if chosen and is_user and int(chosen) != self.org_id:
            return refused(401, "Unauthorized")
        return Reply(200, {"id": self.org_id, "name": self.org_name, "address": {}})

    def search(self, asked: Asked) -> Reply:
        """Answer GET /api/search."""
        kind, limit, page = (
            asked.one("type"),
            int(asked.one("limit", "1000")),
            int(asked.one("page", "1")),
        )
        if limit > 5000:
            return refused(422, "Limit is above maximum allowed (5000), use page parameter")
        hits = [*self.folders.hits(), *self.dashboards.hits()]
        tags = asked.query.get("tag", [])
        found = [
            hit
            for hit in hits
            if kind in ("", hit["type"]) and all(tag in hit["tags"] for tag in tags)
        ]
        return Reply(200, found[(page - 1) * limit : page * limit])


_Answer = Callable[..., Reply]
_RULES = r"/api/v1/provisioning/alert-rules"
_GROUP = r"/api/v1/provisioning/folder/([^/]+)/rule-groups/([^/]+)"
_ROUTES: tuple[tuple[str, str, _Answer], ...] = (
    ("GET", r"/api/org", lambda fake, asked: fake.org(asked)),
    ("GET", r"/api/search", lambda fake, asked: fake.search(asked)),
    ("POST", r"/api/dashboards/db", lambda fake, asked: fake.dashboards.save(asked)),
    ("GET", r"/api/dashboards/uid/([^/]+)", lambda fake, _, uid: fake.dashboards.give(uid)),
    ("DELETE", r"/api/dashboards/uid/([^/]+)", lambda fake, _, uid: fake.dashboards.delete(uid)),
    ("POST", r"/api/folders", lambda fake, asked: fake.folders.make(asked)),
    ("GET", r"/api/folders/([^/]+)", lambda fake, _, uid: fake.folders.give(uid)),
    ("GET", r"/api/datasources", lambda fake, _: fake.datasources.give_all()),
    ("POST", r"/api/datasources", lambda fake, asked: fake.datasources.make(asked)),
    ("GET", _RULES, lambda fake, _: fake.rules.give_all()),
    ("POST", _RULES, lambda fake, asked: fake.rules.make(asked)),
    ("GET", rf"{_RULES}/([^/]+)", lambda fake, _, uid: fake.rules.give(uid)),
    ("PUT", rf"{_RULES}/([^/]+)", lambda fake, asked, uid: fake.rules.change(uid, asked)),
    ("DELETE", rf"{_RULES}/([^/]+)", lambda fake, asked, uid: fake.rules.delete(uid, asked)),
    ("GET", _GROUP, lambda fake, _, folder, group: fake.rules.give_group(folder, group)),
    (
        "PUT",
        _GROUP,
        lambda fake, asked, folder, group: fake.rules.change_group(folder, group, asked),
    ),
)


def _matching(method: str, path: str) -> Callable[[Asked], bool]:
    def matches(asked: Asked) -> bool:
        return (not method or asked.method == method) and asked.path.startswith(path)

    return matches


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeGrafana

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that we cut, or that whoever asked has left."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body in one packet: the peer's delayed acknowledgement would hold the second.
    wbufsize = -1
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def _handle(self) -> None:
        fake = self.server.fake
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        parts = urlsplit(self.path)
        path = parts.path
        if fake.sub_path:
            is_below = path.startswith(f"{fake.sub_path}/")
            path = path.removeprefix(fake.sub_path) if is_below else f"/outside{path}"
        asked = Asked(
            self.command,
            path,
            parse_qs(parts.query),
            json.loads(raw) if raw else None,
            {name.lower(): value for name, value in self.headers.items()},
        )
        reply = fake.handle(asked, self._cut)
        if reply is not None:
            self._send(reply)

    # http.server looks for methods of these names.
    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, reply: Reply) -> None:
        is_text = isinstance(reply.body, str)
        text = reply.body if is_text else json.dumps(reply.body)
        data = b"" if reply.body is None else text.encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if data:
            self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
