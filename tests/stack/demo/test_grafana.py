"""Dashboards of the demonstration in a Grafana, which asks the demonstration's Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmdash.testing.grafana import GRAFANA_12, TOKEN, FakeGrafana
from llmstack.demo.grafana import pushed
from tests.stack.demo.test_stage import GENERATED, PORTS, stage


def test_it_has_the_built_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a datasource that reaches what is being shown."""
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    with FakeGrafana(GRAFANA_12) as fake:
        said = pushed(GENERATED, stage(tmp_path), fake.url)
        (datasource,) = fake.datasources.held

    assert said.startswith(f"Grafana at {fake.url}: ")
    assert "37" in said
    assert PORTS.url(PORTS.prometheus) == datasource["url"]


def test_one_that_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line; the demonstration goes on without it."""
    monkeypatch.setenv("GRAFANA_TOKEN", "wrong")
    with FakeGrafana(GRAFANA_12) as fake:
        said = pushed(GENERATED, stage(tmp_path), fake.url)

    assert "\n" not in said
    assert "401" in said or "token" in said.lower()
