"""The real servers as fixtures, once a session: started here, or taken by URL where given.

Servers given by URL must be like ours and idle; `python -m tests.live.serve` starts such ones.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live.environment import UnavailableError
from tests.live.report import REPORT
from tests.live.stack_programs import (
    GENERATIONS_OF_NAMES,
    LIMITS,
    Program,
    embedding_app,
    faulty_engine,
    gateway_program,
    gpu_exporter,
)
from tests.live.triton_families import TENSORRT_LLM_BACKEND, VLLM_BACKEND
from tests.live.triton_server import (
    DEFAULT_MODELS,
    TritonModel,
    TritonServer,
    connect_to_triton,
    triton_server,
)
from tests.live.two_sides import TwoSides, both_sides
from tests.live.vllm_server import VllmServer, connect_to_vllm, vllm_server
from tests.requirements import require
from tests.stack.gateway.redis_server import RedisServer

HERE = Path(__file__).parent


def pytest_configure() -> None:
    # A run that is told to end, by a time limit for instance, then stops its servers first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for text in config.stash.get(REPORT, []):
        terminalreporter.write_line(text)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    if url := os.environ.get("LLMDASH_VLLM_URL"):
        yield connect_to_vllm(url)
        return
    try:
        with vllm_server(tmp_path_factory.mktemp("vllm")) as server:
            yield server
    except UnavailableError as error:
        require("live", f"vLLM: {error}")


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    yield from a_triton("LLMDASH_TRITON", tmp_path_factory.mktemp("triton"), DEFAULT_MODELS)


@pytest.fixture(scope="session")
def triton_vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """A Triton whose model registers the families of the vLLM backend."""
    folder = tmp_path_factory.mktemp("triton-vllm")
    yield from a_triton("LLMDASH_TRITON_VLLM", folder, VLLM_BACKEND)


@pytest.fixture(scope="session")
def triton_trtllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """A Triton whose model registers the families of the TensorRT-LLM backend."""
    folder = tmp_path_factory.mktemp("triton-trtllm")
    yield from a_triton("LLMDASH_TRITON_TRTLLM", folder, TENSORRT_LLM_BACKEND)


@pytest.fixture(scope="session")
def gateway(vllm: VllmServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The gateway in front of the real vLLM, and nothing between."""
    with gateway_program(tmp_path_factory.mktemp("gateway"), [vllm.base_url]) as program:
        yield program


@pytest.fixture
def sides(gateway: Program, vllm: VllmServer) -> TwoSides:
    """What both count from here on, while nobody else asks."""
    return both_sides(gateway, vllm)


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis, in which gateways hold their limits together."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def troubled_gateway(
    vllm: VllmServer, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    """The gateway with limits, and two ways to the real vLLM that fail on demand, one now and then."""
    settings = {**LIMITS, "REDIS_URL": redis.url}
    folder = tmp_path_factory.mktemp("troubled-gateway")
    with (
        faulty_engine(folder, vllm.base_url) as steady,
        faulty_engine(folder, vllm.base_url, comes_and_goes=True) as unsteady,
        gateway_program(folder, [steady.base_url, unsteady.base_url], settings) as program,
    ):
        yield program


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The app that embeds an engine, with our middleware."""
    with embedding_app(tmp_path_factory.mktemp("app")) as program:
        yield program


@pytest.fixture(scope="session")
def gpu_exporters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Program]]:
    """The GPU exporter twice, by the generation of its names; it plays its GPUs."""
    folder = tmp_path_factory.mktemp("gpu-exporters")
    with ExitStack() as stack:
        yield {
            names: stack.enter_context(gpu_exporter(folder, names, gpus=2))
            for names in GENERATIONS_OF_NAMES
        }


def a_triton(variable: str, folder: Path, models: Sequence[TritonModel]) -> Iterator[TritonServer]:
    if url := os.environ.get(f"{variable}_URL"):
        yield connect_to_triton(url, os.environ.get(f"{variable}_HTTP_URL"))
        return
    try:
        with triton_server(folder, models=models) as server:
            yield server
    except UnavailableError as error:
        require("live", f"Triton: {error}")
