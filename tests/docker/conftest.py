"""Containers for tests: the engine, images from the environment, and an exporter that they scrape."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException, ImageNotFound

from tests.requirements import require

EXPOSITION = Path(__file__).resolve().parents[1] / "expositions" / "vllm-0.32.0.prom"


@pytest.fixture(scope="session")
def engine() -> docker.DockerClient:
    """A Docker engine that answers."""
    try:
        found = docker.from_env()
        found.ping()
    except DockerException as error:
        require("docker", f"no Docker engine answers: {error}")
    return found


@cache
def image_that_is_there(name: str) -> str | None:
    """Return why an image cannot be had, or None."""
    client = docker.from_env()
    try:
        client.images.get(name)
    except ImageNotFound:
        try:
            client.images.pull(name)
        except DockerException as error:
            return f"the image {name} cannot be pulled: {error}"
    return None


def image(variable: str, otherwise: str) -> str:
    """The image that the environment names, or the public one, once it is there; else the test ends."""
    name = os.environ.get(variable, otherwise)
    missing = image_that_is_there(name)
    if missing is not None:
        # Of the public images CI can pull none; what it names itself must be there.
        if variable in os.environ:
            require("docker", missing)
        pytest.skip(missing)
    return name


class _Exporter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = EXPOSITION.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def exporter() -> Iterator[str]:
    """Where a scrape of a real vLLM is served again and again, on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Exporter) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
