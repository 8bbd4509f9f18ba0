"""The middleware on a real server, over real sockets: each request is counted once, as what became of it."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from llmdash.metrics import app as catalogue
from llmstack.asgi import Middleware, report_failure, report_tokens

PATH = "/generate"


def made(registry: CollectorRegistry, ended: threading.Event) -> FastAPI:
    """An app that answers as it is asked to, whole or in a stream."""
    app = FastAPI()
    app.add_middleware(Middleware, endpoints=(PATH,), registry=registry)

    async def pieces(count: int, way: str) -> AsyncIterator[str]:
        try:
            for number in range(count):
                report_tokens(1)
                yield f"data: {number}\n\n"
                await asyncio.sleep(0.01)
                if way == "raise" and number == 1:
                    raise ValueError("the engine died")
            if way == "fail":
                report_failure()
                yield 'data: {"error": {}}\n\n'
        finally:
            ended.set()

    @app.post(PATH)
    async def generate(request: Request) -> Response:
        asked = json.loads(await request.body())
        if "stream" in asked:
            return StreamingResponse(pieces(asked["stream"], asked.get("way", "")), media_type="text/event-stream")  # fmt: skip
        if asked.get("way") == "raise":
            raise ValueError("the engine died")
        report_tokens(7)
        return JSONResponse({"text": "a"}, asked.get("status", 200))

    @app.get("/other")
    def other() -> str:
        report_tokens(99)
        return "other"

    return app


class Running:
    """A server on loopback, and what it has counted."""

    def __init__(
        self, app: FastAPI | None = None, registry: CollectorRegistry | None = None
    ) -> None:
        self.registry, self.ended = registry or CollectorRegistry(), threading.Event()
        app = app or made(self.registry, self.ended)
        config = uvicorn.Config(app, log_level="critical")
        self.server = uvicorn.Server(config)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],), daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def post(
        self, body: dict[str, Any], path: str = PATH, method: str = "POST"
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, json.dumps(body))
        answer = connection.getresponse()
        try:
            return answer.status, answer.read()
        except http.client.IncompleteRead as error:
            return answer.status, error.partial
        finally:
            connection.close()

    def leave(self, body: dict[str, Any]) -> None:
        """Ask for a stream and leave after its first bytes."""
        data = json.dumps(body).encode()
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
            connection.sendall(head.encode() + data)
            assert connection.recv(64)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"endpoint": PATH, **labels})

    def counted(self) -> dict[str, float]:
        """Requests by outcome, those that are none left out."""
        found = {
            status: self.value("llm_requests_total", status=status) or 0
            for status in ("success", "error", "cancelled")
        }
        return {status: count for status, count in found.items() if count}

    def until(self, **expected: float) -> None:
        """Wait until so many are counted: the last byte is read before the server has finished."""
        deadline = time.monotonic() + 10
        while self.counted() != expected and time.monotonic() < deadline:
            time.sleep(0.01)
        assert expected == self.counted()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.socket.close()


@pytest.fixture
def running() -> Iterator[Running]:
    server = Running()
    yield server
    server.stop()


def test_nothing_has_happened_yet(running: Running) -> None:
    """Zeros from the start, so that the first failure is a rise."""
    for status in ("success", "error", "cancelled"):
        assert 0 == running.value("llm_requests_total", status=status)
    assert 0 == running.value("llm_tokens_generated_total")
    assert 0 == running.value("llm_active_requests")


@pytest.mark.parametrize(
    ("body", "outcome", "tokens"),
    [
        ({}, "success", 7),
        ({"stream": 5}, "success", 5),
        ({"status": 400}, "error", 7),
        ({"status": 503}, "error", 7),
        ({"way": "raise"}, "error", 0),
        ({"stream": 5, "way": "raise"}, "error", 2),
        ({"stream": 3, "way": "fail"}, "error", 3),
    ],
)
def test_what_became_of_it(
    running: Running, body: dict[str, Any], outcome: str, tokens: float
) -> None:
    """Counted once and timed only where it ended well; tokens count however it ended."""
    running.post(body)
    running.until(**{outcome: 1})

    assert tokens == running.value("llm_tokens_generated_total")
    assert (1 if outcome == "success" else 0) == (
        running.value("llm_request_duration_seconds_count") or 0
    )
    assert 1 == running.value("llm_request_size_bytes_count")
    assert len(json.dumps(body)) == running.value("llm_request_size_bytes_sum")
    assert 0 == running.value("llm_active_requests")


def test_a_client_that_leaves_is_cancelled(running: Running) -> None:
    """The stream stops, and what it had generated is counted."""
    running.leave({"stream": 1000})
    running.until(cancelled=1)

    assert running.ended.wait(10)
    assert 1 <= (running.value("llm_tokens_generated_total") or 0) < 1000
    assert 0 == running.value("llm_active_requests")


def test_a_stream_is_active_and_timed_to_its_end(running: Running) -> None:
    """Not only until its first byte."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("POST", PATH, json.dumps({"stream": 20}))
    answer = connection.getresponse()
    answer.read(8)
    assert 1 == running.value("llm_active_requests")
    answer.read()
    connection.close()
    running.until(success=1)

    assert 0 == running.value("llm_active_requests")
    assert 0.2 <= (running.value("llm_request_duration_seconds_sum") or 0)


def test_many_at_once_are_counted_apart(running: Running) -> None:
    """Tokens of one are never another's."""
    threads = [threading.Thread(target=running.post, args=({"stream": 5},)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    running.until(success=20)

    assert 100 == running.value("llm_tokens_generated_total")


def test_other_paths_and_methods_are_not_counted(running: Running) -> None:
    """No path of a stranger's becomes a label."""
    assert 200 == running.post({}, "/other", "GET")[0]
    assert 404 == running.post({}, "/nowhere")[0]
    assert 405 == running.post({}, PATH, "OPTIONS")[0]

    assert {} == running.counted()
    assert 0 == running.value("llm_tokens_generated_total")


def test_the_page_of_metrics_is_the_catalogue(running: Running) -> None:
    """Five families, of the names, labels and edges that the pages and rules ask for."""
    running.post({"stream": 2})
    running.until(success=1)
    status, body = running.post({}, "/metrics", "GET")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    shown = {sample.name for family in families.values() for sample in family.samples}

    assert 200 == status
    for metric in catalogue.METRICS:
        assert set(metric.series_names()) <= shown, metric.name
        family = families[metric.name.removesuffix("_total")]
        used = {name for sample in family.samples for name in sample.labels} - {"le"}
        assert set(metric.labels.names) == used, metric.name
    edges = [
        float(sample.labels["le"])
        for sample in families["llm_request_size_bytes"].samples
        if "le" in sample.labels
    ]
    assert (*(catalogue.LLM_REQUEST_SIZE_BYTES.edges or ()), float("inf")) == tuple(edges)
    assert body == generate_latest(running.registry)


def test_the_app_of_the_readme() -> None:
    """It is served as it stands there, and counts; a plain function runs in another thread."""
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    code = re.search(r"```python\n(# my_app.py\n.*?)```", readme, re.DOTALL)
    assert code is not None
    module: dict[str, Any] = {}
    exec(compile(code[1], "my_app.py", "exec"), module)
    server = Running(module["app"], REGISTRY)
    try:
        assert (200, b'"A B"') == server.post({}, f"{PATH}?prompt=a%20b")
        server.until(success=1)
        assert 2 == server.value("llm_tokens_generated_total")
    finally:
        server.stop()
