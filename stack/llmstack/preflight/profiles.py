"""What each profile of the stack starts, and so needs of a machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from llmstack.memory_budget import GB
from llmstack.preflight.images import TRITON, VLLM


class Engine(Enum):
    """How a profile serves a model."""

    #: On GPUs, in an image of the table.
    GPU = "an engine on GPUs"
    #: Played: no GPU and no weights.
    SIMULATED = "a simulated engine"
    #: Served by somebody else.
    NONE = "no engine"


@dataclass(frozen=True)
class Port:
    """A port that is published."""

    #: The key of the environment that changes it.
    key: str
    default: int
    #: The key of the address that it is published on; without one it is loopback for good.
    host_key: str | None = None


@dataclass(frozen=True)
class Profile:
    """One profile of the stack."""

    name: str
    engine: Engine
    ports: tuple[Port, ...]
    #: What its images take on the disk where Docker keeps them, in bytes: unpacked, rounded up,
    #: with room for a second version during an upgrade. Ours: look at `docker system df`.
    images_bytes: int
    image: str | None = None
    #: The key of the environment that names another image.
    image_key: str | None = None
    #: How many times the weights are on the disk: TensorRT-LLM converts them, and compiles that.
    copies_of_weights: int = 1


_MONITORING = (
    Port("PROMETHEUS_PORT", 9090, "PROMETHEUS_HOST"),
    Port("ALERTMANAGER_PORT", 9093, "ALERTMANAGER_HOST"),
    Port("GRAFANA_PORT", 3000, "GRAFANA_HOST"),
)
_GATEWAY = (Port("GATEWAY_PORT", 8080, "GATEWAY_HOST"),)
# Engines differ, so that several can run beside one another and be compared.
_VLLM = (Port("VLLM_PORT", 8000),)
_TRITON_VLLM = (
    Port("TRITON_HTTP_PORT", 8100),
    Port("TRITON_GRPC_PORT", 8101),
    Port("TRITON_METRICS_PORT", 8102),
)
_TRITON_TRTLLM = (
    Port("TRITON_TRTLLM_HTTP_PORT", 8200),
    Port("TRITON_TRTLLM_GRPC_PORT", 8201),
    Port("TRITON_TRTLLM_METRICS_PORT", 8202),
)
#: The played ones speak no gRPC.
_PLAYED = tuple(port for port in (*_VLLM, *_TRITON_VLLM, *_TRITON_TRTLLM) if "GRPC" not in port.key)

PROFILES: tuple[Profile, ...] = (
    Profile(
        "vllm",
        Engine.GPU,
        (*_VLLM, *_GATEWAY, *_MONITORING),
        40 * GB,
        f"{VLLM}:v0.32.0",
        "VLLM_IMAGE",
    ),
    Profile(
        "triton-vllm",
        Engine.GPU,
        (*_TRITON_VLLM, *_MONITORING),
        60 * GB,
        f"nvcr.io/{TRITON}:25.10-vllm-python-py3",
        "TRITON_IMAGE",
    ),
    Profile(
        "triton-trtllm",
        Engine.GPU,
        (*_TRITON_TRTLLM, *_MONITORING),
        80 * GB,
        f"nvcr.io/{TRITON}:25.10-trtllm-python-py3",
        "TRITON_TRTLLM_IMAGE",
        copies_of_weights=3,
    ),
    Profile("sim", Engine.SIMULATED, (*_PLAYED, *_GATEWAY, *_MONITORING), 5 * GB),
    Profile("gateway", Engine.NONE, (*_GATEWAY, *_MONITORING), 5 * GB),
)


def profile(name: str) -> Profile:
    """Return a profile by its name.

    Raises:
        KeyError: there is none of this name; the command offers the names.
    """
    return {each.name: each for each in PROFILES}[name]
