"""What programs say, read: real output of nvidia-smi and Docker, and what is no output at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmstack.preflight.facts import Docker, Gpu, Gpus, read_docker, read_gpus, version
from tests.stack.preflight.machines import DOCKER, HEAD_OF_580, TWO_H100, said

MEBIBYTE = 2**20


def test_gpus() -> None:
    """Driver, CUDA, and of each GPU its name, capability and memory in bytes."""
    first, second = (
        Gpu(at, "NVIDIA H100 80GB HBM3", (9, 0), 81559 * MEBIBYTE, 4 * MEBIBYTE) for at in (0, 1)
    )

    assert Gpus((first, second), "580.95.05", (13, 0)) == read_gpus(
        said(TWO_H100), said(HEAD_OF_580)
    )


def test_what_a_driver_does_not_tell() -> None:
    """An old one no capability, one of shared memory no size; a head without CUDA tells none."""
    found = read_gpus(said("0, NVIDIA GB10, 580.1, [N/A], [N/A], [N/A]\n"), said("no head"))

    assert Gpus((Gpu(0, "NVIDIA GB10", None, None, None),), "580.1", None) == found


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        (None, "nvidia-smi is not installed"),
        (said("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", 9), "nvidia-smi says: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."),
        (said("Failed to initialize NVML: Driver/library version mismatch\n", 18), "nvidia-smi says: Failed to initialize NVML: Driver/library version mismatch"),
        (said("No devices were found\n"), "nvidia-smi names no GPU: No devices were found"),
        (said("", 1), "nvidia-smi says: nothing"),
    ],
)  # fmt: skip
def test_no_gpu(listed: tuple[int, str] | None, problem: str) -> None:
    """What nvidia-smi says of it is kept."""
    assert Gpus(problem=problem) == read_gpus(listed, None)


def test_docker() -> None:
    """Engine, Compose, runtimes, devices, and where it keeps images."""
    info = {**DOCKER, "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}]}
    found = read_docker(said(json.dumps(info)), said("v2.39.1\n"))
    expected = Docker(
        "28.3.2",
        "v2.39.1",
        frozenset({"io.containerd.runc.v2", "nvidia", "runc"}),
        ("nvidia.com/gpu=0",),
        Path("/var/lib/docker"),
    )

    assert expected == found


@pytest.mark.parametrize(
    ("info", "problem"),
    [
        (None, "docker is not installed"),
        (said('{"ServerVersion":"","ServerErrors":["Cannot connect to the Docker daemon at unix:///var/run/docker.sock."]}', 1), "docker says: Cannot connect to the Docker daemon at unix:///var/run/docker.sock."),
        (said('{"ID":"","Containers":0,"Driver":""}\nERROR: Cannot connect to the Docker daemon\n'), "docker says: ERROR: Cannot connect to the Docker daemon"),
        (said('{"ID":"","Containers":0,"Driver":"","Plugins":{}}'), "docker says: no answer of the engine"),
        (said("permission denied while trying to connect\n", 1), "docker says: permission denied while trying to connect"),
        (said("{ no JSON", 1), "docker says: { no JSON"),
    ],
)  # fmt: skip
def test_no_docker(info: tuple[int, str] | None, problem: str) -> None:
    """What the client says of it is kept; Compose is the client's and may be there all the same."""
    assert Docker(problem=problem) == read_docker(info, None)
    if info is not None:
        assert Docker(problem=problem, compose="2.39.1") == read_docker(info, said("2.39.1"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("580.95.05", (580, 95, 5)),
        ("Docker Compose version v2.3.3", (2, 3, 3)),
        ("20.10.24+dfsg1", (20, 10, 24)),
        ("[N/A]", None),
        ("", None),
    ],
)
def test_versions(text: str, expected: tuple[int, ...] | None) -> None:
    """The first dotted number."""
    assert expected == version(text)
