"""Dashboards of the demonstration in a Grafana, which asks the demonstration's Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmdash.testing.grafana import GRAFANA_12, TOKEN, FakeGrafana
from llmstack.demo.grafana import IMAGE, container, image_that_is_here, pushed
from tests.stack.demo.test_stage import GENERATED, PORTS, stage

COMPOSE = GENERATED.parent / "stack" / "compose.yaml"


def test_it_has_the_built_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a datasource that reaches what is being shown."""
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    standing = stage(tmp_path)
    standing.write()
    with FakeGrafana(GRAFANA_12) as fake:
        said = pushed(standing.built, fake.url)
        (datasource,) = fake.datasources.held

    assert said.startswith(f"Grafana at {fake.url}: ")
    pages = len(list(GENERATED.glob("dashboards/*/*.json")))
    assert f"dashboards: {pages} created" in said
    assert PORTS.url(PORTS.prometheus) == datasource["url"]


def test_one_that_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line; the demonstration goes on without it."""
    monkeypatch.setenv("GRAFANA_TOKEN", "wrong")
    standing = stage(tmp_path)
    standing.write()
    with FakeGrafana(GRAFANA_12) as fake:
        said = pushed(standing.built, fake.url)

    assert "\n" not in said
    assert "401" in said or "token" in said.lower()


def test_one_in_a_container_only_where_there_is_an_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is fetched: a Docker that has it, one that has not, one that hangs not, and none at all."""
    docker = tmp_path / "docker"
    found = []
    for script in (f'[ "$4 $5" = "{{{{.Id}}}} {IMAGE}" ]', "exit 1"):
        docker.write_text(f"#!/bin/sh\n{script}\n")
        docker.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        found.append(image_that_is_here({}))
    docker.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    found.append(image_that_is_here({}))

    assert [IMAGE, "", ""] == found
    assert f"{IMAGE}}}" in COMPOSE.read_text()


def test_a_container_is_on_loopback_and_may_be_looked_at(tmp_path: Path) -> None:
    """By whoever sits here, without a password; it can change nothing of what it is given."""
    command = container("grafana:x", tmp_path, 3100)

    assert ("docker", "run", "--rm", "grafana:x") == (*command[:3], command[-1])
    assert {"--env=GF_SERVER_HTTP_ADDR=127.0.0.1", "--env=GF_SERVER_HTTP_PORT=3100"} <= set(command)
    assert "--env=GF_AUTH_ANONYMOUS_ORG_ROLE=Viewer" in command
    assert all(part.endswith(":ro") for part in command if part.startswith("--volume="))
