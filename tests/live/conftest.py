"""The real servers as fixtures, once a session: started here, or taken by URL where given.

Servers given by URL must be like ours and idle; `python -m tests.live.serve` starts such ones.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.live.environment import UnavailableError
from tests.live.report import REPORT
from tests.live.triton_families import TENSORRT_LLM_BACKEND, VLLM_BACKEND
from tests.live.triton_server import (
    DEFAULT_MODELS,
    TritonModel,
    TritonServer,
    connect_to_triton,
    triton_server,
)
from tests.live.vllm_server import VllmServer, connect_to_vllm, vllm_server
from tests.requirements import require

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


def a_triton(variable: str, folder: Path, models: Sequence[TritonModel]) -> Iterator[TritonServer]:
    if url := os.environ.get(f"{variable}_URL"):
        yield connect_to_triton(url, os.environ.get(f"{variable}_HTTP_URL"))
        return
    try:
        with triton_server(folder, models=models) as server:
            yield server
    except UnavailableError as error:
        require("live", f"Triton: {error}")
