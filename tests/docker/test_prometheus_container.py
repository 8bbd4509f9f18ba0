"""Prometheus in a container, with generated/ mounted as a user does: it scrapes, and takes every rule."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
import yaml
from testcontainers.core.container import DockerContainer

from tests.docker.conftest import image
from tests.live.process import free_port

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "generated"
MOUNTED = "/etc/llmdash"

pytestmark = pytest.mark.docker


@pytest.fixture
def prometheus(engine: docker.DockerClient, exporter: str, tmp_path: Path) -> Iterator[str]:
    """Where it answers: with the committed files, and one target that is named as the README says."""
    assert engine.ping()
    name = image("LLMDASH_PROMETHEUS_IMAGE", "prom/prometheus:v3.5.0")
    shutil.copytree(GENERATED, tmp_path / "generated")
    targets = tmp_path / "generated" / "prometheus" / "targets"
    targets.mkdir(exist_ok=True)
    (targets / "vllm.yaml").write_text(f'- targets: ["{exporter}"]\n')
    # A container's user is another than ours.
    for folder in (tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    port = free_port()
    container = (
        DockerContainer(name)
        .with_command(
            [
                f"--config.file={MOUNTED}/prometheus/prometheus.yaml",
                "--storage.tsdb.path=/tmp/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ]
        )
        .with_volume_mapping(str(tmp_path / "generated"), MOUNTED, "ro")
        # The server that it scrapes is on loopback.
        .with_kwargs(network_mode="host")
    )
    with container:
        yield f"http://127.0.0.1:{port}"
        print(container.get_logs()[1].decode()[-2000:])


def until(url: str, path: str, holds: Any, seconds: float = 120) -> Any:
    """Ask until something holds; the last answer."""
    deadline, found = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            found = requests.get(f"{url}{path}", timeout=5)
            if found.ok and holds(found):
                return found
        except requests.RequestException:
            pass  # not listening yet
        time.sleep(0.5)
    pytest.fail(f"{path}: {'no answer' if found is None else found.text[:500]}")


def value(query: str) -> str:
    return f"/api/v1/query?query={query}"


def is_one(answer: requests.Response) -> bool:
    return [each["value"][1] for each in answer.json()["data"]["result"]] == ["1"]


def test_it_scrapes_and_takes_every_rule(prometheus: str) -> None:
    """Every group is loaded and evaluated without an error, the target is up, and recordings are there."""
    until(prometheus, "/-/ready", lambda _: True)
    until(prometheus, value('up{job="vllm"}'), is_one)
    wanted = {
        (Path(path.name).name, group["name"]): len(group["rules"])
        for path in (GENERATED / "rules").glob("*.yaml")
        for group in yaml.safe_load(path.read_text())["groups"]
    }

    def groups(answer: requests.Response) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = answer.json()["data"]["groups"]
        return found

    loaded = until(
        prometheus,
        "/api/v1/rules",
        lambda answer: all(
            rule["health"] != "unknown" for group in groups(answer) for rule in group["rules"]
        ),
    )
    told = {
        (Path(group["file"]).name, group["name"]): len(group["rules"]) for group in groups(loaded)
    }
    failing = [
        (rule["name"], rule["lastError"])
        for group in groups(loaded)
        for rule in group["rules"]
        if rule["health"] != "ok"
    ]

    assert wanted == told
    assert [] == failing
    until(prometheus, value('llm:up:sum{source="vllm"}'), is_one)
    until(prometheus, value('count(llm:requests_running:sum{source="vllm"})'), is_one)
