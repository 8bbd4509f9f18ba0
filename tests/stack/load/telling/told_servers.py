"""Servers that a run tells something: what they are asked, and what they answer, is for a test to say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from aiohttp import web

from tests.stack.page_server import servers


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

    async def answered(request: web.Request) -> web.Response:
        asked = Request(
            request.method, request.raw_path, dict(request.headers), await request.read()
        )
        told.requests.append(asked)
        status, body = told.answer(asked)
        return web.Response(status=status, body=body)

    with servers() as made:
        told.url = f"http://{made.serve(answered)}"
        yield told


def page_at(url: str) -> str:
    """What is shown there; nothing where nobody answers."""
    try:
        return requests.get(url, timeout=5).text
    except requests.RequestException:
        return ""


def grafana(request: Request) -> tuple[int, bytes]:
    """Answer as Grafana does to an annotation."""
    if request.method == "POST":
        return 200, b'{"id": 17, "message": "Annotation added"}'
    return 200, b'{"message": "Annotation patched"}'
