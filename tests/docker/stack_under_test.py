"""The stack in containers: `docker compose` on the committed files, with images from the environment."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STACK = ROOT / "stack"
#: Images of the stack by the variable of a test that names them; one Debian is two of them.
IMAGES = {
    "PROMETHEUS_IMAGE": "LLMDASH_PROMETHEUS_IMAGE",
    "ALERTMANAGER_IMAGE": "LLMDASH_ALERTMANAGER_IMAGE",
    "GRAFANA_IMAGE": "LLMDASH_GRAFANA_IMAGE",
    "LLMSTACK_IMAGE": "LLMDASH_LLMSTACK_IMAGE",
    "BUSYBOX_IMAGE": "LLMDASH_DEBIAN_IMAGE",
    "NGINX_IMAGE": "LLMDASH_DEBIAN_IMAGE",
}
#: What says where Docker is; nothing else of this machine's environment is a setting of the stack.
_DOCKERS = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")


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
        environment = {name: os.environ[name] for name in _DOCKERS if name in os.environ}
        done = subprocess.run(
            command,
            env={**environment, **self.settings},
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if done.returncode != 0:
            raise ComposeError(f"{' '.join(arguments)}: {done.stdout[-3000:]}{done.stderr[-5000:]}")
        return done.stdout

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


def images() -> dict[str, str]:
    """Return the images that the environment names; for others the stack has its own."""
    return {key: os.environ[name] for key, name in IMAGES.items() if name in os.environ}


@contextmanager
def running(compose: Compose, *services: str, within: int = 240) -> Iterator[Compose]:
    """Start services, wait until all are healthy, and leave nothing behind."""
    try:
        compose.run("up", "--detach", "--wait", "--wait-timeout", str(within), *services, timeout=within + 60)  # fmt: skip
        yield compose
    except BaseException:
        print(compose.run("ps", "--all"), compose.run("logs", "--no-color", "--tail", "30"))
        raise
    finally:
        compose.run("down", "--volumes", "--remove-orphans", "--timeout", "5")
