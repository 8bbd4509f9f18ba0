"""Machines that are made up: what their programs say, and what they have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llmstack.errors import ModelError
from llmstack.memory_budget import GB, Model, known
from llmstack.preflight.machine import Disk, PortState

#: `nvidia-smi --query-gpu=index,name,driver_version,compute_cap,memory.total,memory.used`
TWO_H100 = """\
0, NVIDIA H100 80GB HBM3, 580.95.05, 9.0, 81559, 4
1, NVIDIA H100 80GB HBM3, 580.95.05, 9.0, 81559, 4
"""
HEAD_OF_580 = """\
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 580.95.05              Driver Version: 580.95.05      CUDA Version: 13.0     |
+-----------------------------------------+------------------------+----------------------+
"""
DOCKER = {
    "ServerVersion": "28.3.2",
    "DockerRootDir": "/var/lib/docker",
    "Runtimes": {"io.containerd.runc.v2": {}, "nvidia": {}, "runc": {}},
}
TOOLKIT = "NVIDIA Container Toolkit CLI version 1.17.8\ncommit: f202b80a9b9d0db00d9b1d73c0128c8962c55f4d\n"


def said(text: str, status: int = 0) -> tuple[int, str]:
    return status, text


@dataclass
class MadeMachine:
    """Answers what it was told to; what it was not told is not there."""

    programs: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    disks: Mapping[str, Disk] = field(default_factory=dict)
    ports: Mapping[int, PortState] = field(default_factory=dict)
    readable: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()
    texts: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def run(self, *command: str) -> tuple[int, str] | None:
        line = " ".join(command)
        self.asked.append(line)
        # The longest beginning that it knows.
        names = [name for name in self.programs if line == name or line.startswith(f"{name} ")]
        return self.programs[max(names, key=len)] if names else None

    def disk(self, path: Path) -> Disk | None:
        return self.disks.get(str(path), self.disks.get("*"))

    def port(self, host: str, number: int) -> PortState:
        self.asked.append(f"{host}:{number}")
        return self.ports.get(number, PortState.FREE)

    def is_readable(self, path: Path) -> bool:
        return str(path) in self.readable

    def exists(self, path: Path) -> bool:
        return str(path) in self.there or self.is_readable(path)

    def text(self, path: Path) -> str:
        return self.texts.get(str(path), "")

    def read_model(self, config: Path) -> Model:
        if not self.text(config):
            raise ModelError(f"{config}: expected a config.json")
        return known("llama-3.1-8b")


def good_machine(**programs: tuple[int, str]) -> MadeMachine:
    """Two H100, Docker with the runtime, a terabyte."""
    return MadeMachine(
        programs={
            "nvidia-smi --query-gpu=index,name,driver_version,compute_cap,memory.total,memory.used": said(
                TWO_H100
            ),
            "nvidia-smi": said(HEAD_OF_580),
            "docker info": said(json.dumps(DOCKER)),
            "docker compose": said("2.39.1\n"),
            "docker image": said("Error: No such image", 1),
            "nvidia-ctk": said(TOOLKIT),
            **programs,
        },
        disks={"*": Disk(1, 1000 * GB)},
    )
