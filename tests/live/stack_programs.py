"""The programs of `llmstack` as a user starts them, on loopback, and the faulty engine for the gateway."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.live.environment import MODEL
from tests.live.process import free_port, running

HERE = Path(__file__).parent

#: What clients of the gateway need.
KEY = "sk-of-the-live-tests-0123456789"
#: No request of ours costs as many tokens, but for those that shall be refused.
TOKENS_PER_MINUTE = 10_000_000
#: So many requests of one address: of the many that our clients say they have, none asks as often.
REQUESTS_PER_ADDRESS = 6

#: What the GPU exporter calls the generations of DCGM's names.
GENERATIONS_OF_NAMES = ("legacy", "4.6")

#: Limits that requests can exceed, and patience that an engine which never answers can exhaust.
LIMITS: Mapping[str, str] = MappingProxyType(
    {
        "GATEWAY_TOKENS_PER_MINUTE": str(TOKENS_PER_MINUTE),
        "GATEWAY_CLIENT_REQUESTS_PER_MINUTE": str(REQUESTS_PER_ADDRESS),
        "GATEWAY_TRUSTED_PROXIES": "127.0.0.1/32",
        "REQUEST_TIMEOUT_SECONDS": "30",
        "GATEWAY_HEALTH_INTERVAL_SECONDS": "1",
    }
)


@dataclass(frozen=True)
class Program:
    """A running program; `base_url` is what its clients ask, `metrics_url` what Prometheus does."""

    base_url: str
    metrics_url: str
    log: Path


@contextmanager
def gateway_program(
    folder: Path, upstreams: Sequence[str], settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Program]:
    """Run the gateway in front of engines, with a key and a port of its own for its metrics."""
    port, metrics_port = free_port(), free_port()
    base_url, log = f"http://127.0.0.1:{port}", folder / "gateway.log"
    environment = {
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "GATEWAY_METRICS_PORT": str(metrics_port),
        "GATEWAY_UPSTREAMS": ",".join(upstreams),
        "GATEWAY_API_KEYS": KEY,
        # A client that was not answered in time is waited for no longer.
        "GATEWAY_DRAIN_SECONDS": "5",
        **settings,
    }
    with running(
        [sys.executable, "-m", "llmstack", "gateway"],
        ready_url=f"{base_url}/ready",
        within=30,
        log=log,
        environment=environment,
    ):
        yield Program(base_url, f"http://127.0.0.1:{metrics_port}/metrics", log)


@contextmanager
def faulty_engine(folder: Path, engine: str, *, comes_and_goes: bool = False) -> Iterator[Program]:
    """Run the program that passes requests on to an engine unless they ask for a fault."""
    port = free_port()
    base_url, log = f"http://127.0.0.1:{port}", folder / f"faulty-engine-{port}.log"
    command: list[str | Path] = [sys.executable, HERE / "faulty_engine.py", engine, str(port)]
    if comes_and_goes:
        command.append("--comes-and-goes")
    with running(command, ready_url=f"{base_url}/health", within=30, log=log):
        yield Program(base_url, f"{base_url}/metrics", log)


@contextmanager
def embedding_app(folder: Path) -> Iterator[Program]:
    """Run the app that embeds an engine."""
    port = free_port()
    base_url, log = f"http://127.0.0.1:{port}", folder / "embedding-app.log"
    command: list[str | Path] = [
        *(sys.executable, "-m", "uvicorn", "embedding_app:app", "--app-dir", HERE),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
    ]
    with running(command, ready_url=f"{base_url}/metrics", within=30, log=log):
        yield Program(base_url, f"{base_url}/metrics", log)


@contextmanager
def gpu_exporter(folder: Path, names: str, gpus: int) -> Iterator[Program]:
    """Run the GPU exporter, which plays its GPUs and shows them by the names of one generation."""
    port = free_port()
    base_url, log = f"http://127.0.0.1:{port}", folder / f"gpu-exporter-{names}.log"
    command: list[str | Path] = [
        *(sys.executable, "-m", "llmstack", "gpu-exporter", "--port", str(port)),
        *("--simulate", str(gpus), "--names", names),
    ]
    with running(command, ready_url=f"{base_url}/health", within=30, log=log):
        yield Program(base_url, f"{base_url}/metrics", log)


@contextmanager
def load_run(folder: Path, engine: str, *options: str) -> Iterator[Program]:
    """Run load against an engine until the block ends, and serve its metrics."""
    port = free_port()
    base_url, log = f"http://127.0.0.1:{port}", folder / "load.log"
    command: list[str | Path] = [
        *(sys.executable, "-m", "llmstack", "load", "--url", engine, "--model", MODEL),
        # So little that nobody else waits for it, and never a queue of its own.
        *("--rate", "0.5", "--concurrency", "2", "--duration", "100000", "--log-every", "10"),
        *("--prompt-tokens", "uniform:10,60", "--answer-tokens", "uniform:8,24"),
        *("--metrics-port", str(port), "--metrics-linger", "0", *options),
    ]
    with running(command, ready_url=f"{base_url}/metrics", within=60, log=log):
        yield Program(base_url, f"{base_url}/metrics", log)
