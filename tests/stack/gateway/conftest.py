"""A gateway in front of engines, all on real sockets in this process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from llmstack.gateway.application import Gateway
from llmstack.gateway.connections import Site
from llmstack.gateway.serving import runner_of
from llmstack.gateway.settings import Settings
from tests.stack.gateway.engine import FakeEngine, Loop

KEY = "sk-of-the-test-0123456789"
#: Connections to an engine that are kept for the next request and the next look at its health.
KEPT = 2


def descriptors() -> int:
    """How many files and sockets this process has open."""
    return len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))


@dataclass
class Setup:
    """A gateway and its engines."""

    gateway: Gateway
    engines: list[FakeEngine]
    url: str
    loop: Loop = field(repr=False)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def post(
        self, body: Any, path: str = "/v1/chat/completions", **given: Any
    ) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body)
        headers = {"Authorization": f"Bearer {KEY}", **given.pop("headers", {})}
        return requests.post(f"{self.url}{path}", data=data, headers=headers, timeout=20, **given)

    def value(self, name: str, **labels: str) -> float:
        """The sum of all series of a name that have these labels."""
        return sum(
            sample.value
            for family in self.gateway.counts.registry.collect()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def requests(self) -> dict[str, float]:
        """Requests by outcome, those that are none left out."""
        found = {
            o: self.value("gateway_requests_total", outcome=o) for o in ("ok", "error", "cancelled")
        }
        return {outcome: count for outcome, count in found.items() if count}

    def ended(self, **expected: float) -> None:
        """Wait until so many requests are counted: a client has read its last byte before that."""
        self.until(lambda: self.requests() == expected)

    def until(self, holds: Callable[[], bool], within: float = 15) -> None:
        deadline = time.monotonic() + within
        while not holds() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert holds()


Make = Callable[..., Setup]


@pytest.fixture
def loop() -> Iterator[Loop]:
    """What servers run in; all are stopped at the end."""
    running = Loop()
    yield running
    running.stop()


@pytest.fixture
def make(loop: Loop) -> Make:
    """Make gateways with settings, in front of engines unless some are named."""

    def made(engines: int = 1, **settings: Any) -> Setup:
        fakes = [FakeEngine() for _ in range(0 if "upstreams" in settings else engines)]
        urls = [
            f"http://127.0.0.1:{loop.serve(each.application(), handler_cancellation=True)}"
            for each in fakes
        ]
        given = {"upstreams": tuple(urls), "api_keys": (KEY,), "health_interval": 0.05, **settings}
        gateway = Gateway(Settings(**given))
        runner, patience = runner_of(gateway), gateway.settings.client_timeout
        port = loop.listen(runner, lambda: Site(runner, "127.0.0.1", 0, patience))
        return Setup(gateway, fakes, f"http://127.0.0.1:{port}", loop)

    return made


@pytest.fixture
def setup(make: Make) -> Setup:
    return make()
