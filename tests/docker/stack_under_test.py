"""The stack in containers: `docker compose` on the committed files, with images from the environment.

Which profiles is `LLMDASH_STACK_PROFILES`: those that are played, or engines on your GPUs.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STACK = ROOT / "stack"

#: Images of the stack by the variable of a test that names them; one Debian is two of them.
IMAGES = {
    "VLLM_IMAGE": "LLMDASH_VLLM_IMAGE",
    "TRITON_IMAGE": "LLMDASH_TRITON_IMAGE",
    "TRITON_TRTLLM_IMAGE": "LLMDASH_TRITON_TRTLLM_IMAGE",
    "DCGM_IMAGE": "LLMDASH_DCGM_IMAGE",
    "PROMETHEUS_IMAGE": "LLMDASH_PROMETHEUS_IMAGE",
    "ALERTMANAGER_IMAGE": "LLMDASH_ALERTMANAGER_IMAGE",
    "GRAFANA_IMAGE": "LLMDASH_GRAFANA_IMAGE",
    "LLMSTACK_IMAGE": "LLMDASH_LLMSTACK_IMAGE",
    "BUSYBOX_IMAGE": "LLMDASH_DEBIAN_IMAGE",
    "NGINX_IMAGE": "LLMDASH_DEBIAN_IMAGE",
}
#: Settings of engines that the environment may give; all others are the test's own.
ENGINES_OWN = (
    "MODEL_NAME", "HF_TOKEN", "MODEL_CACHE_DIR", "TP_SIZE", "PP_SIZE", "QUANTIZATION", "DTYPE",
    "GPU_MEMORY_UTILIZATION", "MAX_MODEL_LEN", "MAX_NUM_SEQS", "MAX_NUM_BATCHED_TOKENS", "VLLM_GPUS",
    "TRITON_GPUS", "TRITON_TRTLLM_GPUS", "ENGINE_MEMORY_LIMIT", "SHM_SIZE",
)  # fmt: skip
#: Without: a small model that everybody may have, and room for our longest prompt and its answer.
_MODEL = {"MODEL_NAME": "Qwen/Qwen3-0.6B", "MAX_MODEL_LEN": "4096"}
#: What says where Docker is; nothing else of this machine's environment is a setting of the stack.
_DOCKERS = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")
#: Seconds that weights may take, to be fetched and loaded: as long as base.yaml gives their health.
LOADED_WITHIN = 3600
#: And what is built of this checkout.
BUILT_WITHIN = 600


@dataclass(frozen=True)
class Part:
    """What a profile has of a source."""

    #: The service that shows its figures.
    service: str
    #: Where Prometheus asks for them, as target-* says.
    target: str
    #: The key of the port where it is sent traffic by itself: vLLM gets the gateway's.
    door: str | None = None

    @property
    def page(self) -> str:
        """The port and path of its figures."""
        return f"{self.target.partition(':')[2]}/metrics"


#: What each profile has, by source.
PROFILES: Mapping[str, Mapping[str, Part]] = {
    "vllm": {
        "vllm": Part("vllm", "vllm:8000"),
        "gateway": Part("gateway", "gateway:8080", "GATEWAY_PORT"),
    },
    "triton-vllm": {
        "triton-vllm": Part("triton-vllm", "triton-vllm:8002", "TRITON_HTTP_PORT"),
    },
    "triton-trtllm": {
        "triton-trtllm": Part("triton-trtllm", "triton-trtllm:8002", "TRITON_TRTLLM_HTTP_PORT"),
    },
    "sim": {
        "vllm": Part("sim-vllm", "vllm:8000"),
        "triton-vllm": Part("sim-triton-vllm", "triton-vllm:8002", "TRITON_HTTP_PORT"),
        "triton-trtllm": Part("sim-triton-trtllm", "triton-trtllm:8002", "TRITON_TRTLLM_HTTP_PORT"),
        "gateway": Part("gateway", "gateway:8080", "GATEWAY_PORT"),
        "dcgm": Part("sim-gpus", "gpu-exporter:9101"),
    },
    "gateway": {"gateway": Part("gateway-elsewhere", "gateway:8080", "GATEWAY_PORT")},
    "dcgm": {"dcgm": Part("dcgm-exporter", "dcgm-exporter:9400")},
    "gpu-exporter": {"dcgm": Part("gpu-exporter", "gpu-exporter:9101")},
    "tls": {},
}
#: Those that load weights; each is the service of its profile.
ENGINES = ("vllm", "triton-vllm", "triton-trtllm")


class ComposeError(Exception):
    """`docker compose` has failed; the text is its own."""


@dataclass(frozen=True)
class Compose:
    """`docker compose` for one project, with these settings and no .env."""

    settings: Mapping[str, str]
    profiles: tuple[str, ...] = ()
    project: str = "llmdash"

    def run(self, *arguments: str, timeout: float = 300) -> str:
        """Run it; return what it prints.

        Raises:
            ComposeError: it ended with another status than 0.
        """
        chosen = [part for profile in self.profiles for part in ("--profile", profile)]
        command = [
            "docker", "compose", "--project-name", self.project, "--file", str(STACK / "compose.yaml"),
            "--env-file", os.devnull, *chosen, *arguments,
        ]  # fmt: skip
        done = subprocess.run(
            command,
            env=self.environment(),
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if done.returncode != 0:
            raise ComposeError(f"{' '.join(arguments)}: {done.stdout[-3000:]}{done.stderr[-5000:]}")
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return the environment of a command that is to find this project with its settings."""
        dockers = {name: os.environ[name] for name in _DOCKERS if name in os.environ}
        return {**dockers, **self.settings, "COMPOSE_PROJECT_NAME": self.project}

    def config(self) -> dict[str, Any]:
        """Return what Compose makes of the files."""
        found: dict[str, Any] = json.loads(self.run("config", "--format", "json"))
        return found

    def services(self) -> list[str]:
        """Return the services that the profiles start."""
        return self.run("config", "--services").split()

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return all containers, by service."""
        lines = self.run("ps", "--all", "--format", "json").splitlines()
        return {each["Service"]: each for each in map(json.loads, lines)}

    def address(self, service: str) -> str:
        """Return the address of a service's container, which this machine reaches."""
        identity = self.run("ps", "--quiet", service).strip()
        inspect = ["docker", "inspect", "--format", "{{json .NetworkSettings.Networks}}", identity]
        done = subprocess.run(inspect, check=True, capture_output=True, text=True)
        (network,) = json.loads(done.stdout).values()
        return str(network["IPAddress"])


def chosen_profiles() -> tuple[str, ...]:
    """Return the profiles that the environment names; without, those that need no GPU.

    Raises:
        ValueError: one is unknown, or two have the same source.
    """
    named = os.environ.get("LLMDASH_STACK_PROFILES") or "sim,tls"
    profiles = tuple(name.strip() for name in named.split(",") if name.strip())
    if unknown := [name for name in profiles if name not in PROFILES]:
        raise ValueError(
            f"LLMDASH_STACK_PROFILES: expected profiles out of {', '.join(PROFILES)}, got {', '.join(unknown)}"
        )
    owners: dict[str, str] = {}
    for profile in profiles:
        for source in PROFILES[profile]:
            if owners.setdefault(source, profile) != profile:
                raise ValueError(
                    f"LLMDASH_STACK_PROFILES: {owners[source]} and {profile} both have {source}; take one"
                )
    return profiles


def parts_of(profiles: Sequence[str]) -> dict[str, Part]:
    """Return what profiles have together, by source."""
    return {source: part for each in profiles for source, part in PROFILES[each].items()}


def settings_of_engines(profiles: Sequence[str]) -> dict[str, str]:
    """Return the settings that the environment gives to engines; those on one GPU share its memory."""
    engines = [profile for profile in profiles if profile in ENGINES]
    shared = {"GPU_MEMORY_UTILIZATION": f"{0.9 / max(1, len(engines)):.2f}"}
    given = {key: os.environ[key] for key in ENGINES_OWN if os.environ.get(key)}
    return {**_MODEL, **shared, **given}


def images() -> dict[str, str]:
    """Return the images that the environment names; for others the stack has its own."""
    return {key: os.environ[name] for key, name in IMAGES.items() if os.environ.get(name)}


def lacks_gpu(docker_info: Mapping[str, Any]) -> str | None:
    """Return why no container can have a GPU, out of what `docker info` says, or None."""
    devices = [str(each.get("ID")) for each in docker_info.get("DiscoveredDevices") or ()]
    if "nvidia" in (docker_info.get("Runtimes") or {}):
        return None
    if any(each.startswith("nvidia.com/gpu=") for each in devices):
        return None
    return (
        "Docker sees no NVIDIA GPU: docker info lists neither a runtime nvidia nor a device nvidia.com/gpu; "
        "NVIDIA's Container Toolkit adds them (nvidia-ctk runtime configure --runtime=docker)"
    )


def wants_gpu(config: Mapping[str, Any]) -> bool:
    """Tell whether a service of what Compose makes of the files asks for a GPU."""
    resources = [
        each.get("deploy", {}).get("resources", {}) for each in config["services"].values()
    ]
    return any(each.get("reservations", {}).get("devices") for each in resources)


@contextmanager
def running(compose: Compose, *services: str, within: int = 240) -> Iterator[Compose]:
    """Start services, wait until all are healthy, and leave nothing behind."""
    up = ("up", "--detach", "--wait", "--wait-timeout")
    # Ours is built of this checkout, unless an image is named.
    build = () if "LLMSTACK_IMAGE" in compose.settings else ("--build",)
    try:
        # One after the other: each measures what is free of the GPUs that they share.
        for engine in (name for name in ENGINES if name in services):
            compose.run(*up, str(LOADED_WITHIN), engine, timeout=LOADED_WITHIN + 60)
        compose.run(*up, str(within), *build, *services, timeout=within + BUILT_WITHIN)
        yield compose
    except BaseException:
        print(compose.run("ps", "--all"), compose.run("logs", "--no-color", "--tail", "30"))
        raise
    finally:
        compose.run("down", "--volumes", "--remove-orphans", "--timeout", "5")
