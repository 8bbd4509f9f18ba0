"""What stands on the stage: which programs run, where they listen, and the files that they read."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from llmstack.demo.grafana import container, for_prometheus
from llmstack.errors import ConfigurationError
from llmstack.watchdog.configuration import Program

#: Three are the fewest of which one can stand out.
REPLICAS = 3
GPUS = 2
#: So fast that nobody waits while all is well; so small that a queue forms before the cache is
#: full, and that requests fill what an incident leaves of the cache.
PRESET, KV_BLOCKS, SEQUENCES = "llama-3.1-8b-h100", 3_000, 24
MODEL = "llama-3.1-8b"
KEY = "sk-demo-0123456789abcdef"


@dataclass(frozen=True)
class Ports:
    """Where each program listens, on loopback."""

    engine: int
    gateway: int
    gpus: int
    prometheus: int
    alertmanager: int
    grafana: int

    def url(self, port: int) -> str:
        """Return the address of a port."""
        return f"http://127.0.0.1:{port}"


def free_ports(is_free: Callable[[int], bool] | None = None) -> Ports:
    """Return the ports that each program usually has, or others where those are taken.

    Args:
        is_free: tells whether nobody listens on a port.
    """
    is_free = is_free or _is_free
    taken: set[int] = set()

    def of(usual: int, width: int = 1) -> int:
        # Beyond the usual ones there are hundreds to choose from.
        for first in range(usual, usual + 1000 * 10, 10):
            wanted = set(range(first, first + width))
            if not wanted & taken and all(map(is_free, wanted)):
                taken.update(wanted)
                return first
        raise ConfigurationError(f"no free port from {usual} on")

    return Ports(of(8000, REPLICAS), of(8080), of(9101), of(9090), of(9093), of(3000))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass(frozen=True)
class Stage:
    """Everything that a demonstration needs."""

    #: Where its files are written; nothing of them is left at the end.
    folder: Path
    #: What `llmdash build` wrote.
    generated: Path
    ports: Ports
    prometheus: Path
    alertmanager: Path
    #: As the simulator reads it; empty for none.
    incident: str = ""
    seed: int = 0
    #: Of Grafana, where Docker has one; empty for none.
    grafana_image: str = ""

    @property
    def built(self) -> Path:
        """What was built, with this Prometheus as the datasource of its pages."""
        return self.folder / "built"

    def write(self) -> None:
        """Write what the programs read.

        Raises:
            ConfigurationError: what was built is not there, or cannot be read.
        """
        try:
            shutil.copytree(self.generated / "rules", self.folder / "rules")
            configuration = _read(self.generated / "prometheus" / "prometheus.yaml")
            shutil.copy(self.generated / "alertmanager" / "alertmanager.yaml", self.folder)
        except OSError as error:
            raise ConfigurationError(
                f"{self.generated}: {error.strerror}: {error.filename}; run llmdash build"
            ) from error
        configuration["alerting"] = {
            "alertmanagers": [
                {"static_configs": [{"targets": [f"127.0.0.1:{self.ports.alertmanager}"]}]}
            ]
        }
        for job in configuration["scrape_configs"]:
            if job["job_name"] == "prometheus":
                job["static_configs"] = [{"targets": [f"127.0.0.1:{self.ports.prometheus}"]}]
        written = self.folder / "prometheus"
        targets = written / "targets"
        targets.mkdir(parents=True)
        _write(written / "prometheus.yaml", configuration)
        for source, addresses in self.targets().items():
            _write(targets / f"{source}.yaml", [{"targets": list(addresses)}])
        for_prometheus(self.generated, self.built, self.ports.url(self.ports.prometheus))

    def targets(self) -> dict[str, tuple[str, ...]]:
        """Return the addresses of each source that is on the stage."""
        ports = self.ports
        engines = range(ports.engine, ports.engine + REPLICAS)
        return {
            "vllm": tuple(f"127.0.0.1:{port}" for port in engines),
            "gateway": (f"127.0.0.1:{ports.gateway}",),
            "dcgm": (f"127.0.0.1:{ports.gpus}",),
        }

    def programs(self) -> tuple[Program, ...]:
        """Return the programs, in the order in which they are started."""
        ports, folder = self.ports, self.folder
        incident = ("--incident", self.incident) if self.incident else ()
        upstreams = ",".join(f"http://{address}" for address in self.targets()["vllm"])
        image = self.grafana_image
        grafana = container(image, self.built, ports.grafana) if image else ()
        return (
            self._program(
                "simulator",
                *(*_llmstack("simulate"), "--engine", "vllm", "--preset", PRESET),
                *("--model", MODEL, "--replicas", str(REPLICAS), "--port", str(ports.engine)),
                *("--kv-blocks", str(KV_BLOCKS), "--max-num-seqs", str(SEQUENCES)),
                *("--seed", str(self.seed), *incident),
            ),
            self._program(
                "gateway",
                *_llmstack("gateway"),
                GATEWAY_PORT=str(ports.gateway),
                GATEWAY_UPSTREAMS=upstreams,
                GATEWAY_API_KEYS=KEY,
                GATEWAY_HEALTH_INTERVAL_SECONDS="1",
                REQUEST_TIMEOUT_SECONDS="60",
            ),
            self._program(
                "gpu-exporter",
                *(*_llmstack("gpu-exporter"), "--simulate", str(GPUS), "--port", str(ports.gpus)),
            ),
            self._program(
                "alertmanager",
                *(str(self.alertmanager), f"--config.file={folder / 'alertmanager.yaml'}"),
                *(f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address="),
                f"--web.listen-address=127.0.0.1:{ports.alertmanager}",
            ),
            self._program(
                "prometheus",
                *(str(self.prometheus), f"--storage.tsdb.path={folder / 'data'}"),
                f"--config.file={folder / 'prometheus' / 'prometheus.yaml'}",
                f"--web.listen-address=127.0.0.1:{ports.prometheus}",
            ),
            *([self._program("grafana", *grafana)] if grafana else []),
        )

    def health(self) -> dict[str, str]:
        """Return what answers well once a program is ready."""
        url = self.ports.url
        return {
            "simulator": f"{url(self.ports.engine)}/health",
            "gateway": f"{url(self.ports.gateway)}/ready",
            "gpu-exporter": f"{url(self.ports.gpus)}/health",
            "alertmanager": f"{url(self.ports.alertmanager)}/-/ready",
            "prometheus": f"{url(self.ports.prometheus)}/-/ready",
            **({"grafana": f"{url(self.ports.grafana)}/api/health"} if self.grafana_image else {}),
        }

    def _program(self, name: str, *command: str, **environment: str) -> Program:
        return Program(
            name,
            command,
            self.folder,
            environment,
            stop_grace_seconds=5.0,
            output=self.folder / f"{name}.log",
        )


def _llmstack(program: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "llmstack", program)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: {error}; run llmdash build") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path}: expected a Prometheus configuration; run llmdash build")
    return found


def _write(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False))
