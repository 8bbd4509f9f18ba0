"""A real Alertmanager on the built configuration: one dead GPU is told once, its neighbour apart."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.process import direct_session, free_port, running, wait_until
from tests.prometheus_tools import PrometheusTools
from tests.requirements import require

CONFIGURATION = Path(__file__).resolve().parents[2] / "generated/alertmanager/alertmanager.yaml"

pytestmark = pytest.mark.live


@pytest.fixture
def api(prometheus_tools: PrometheusTools, tmp_path: Path) -> Iterator[str]:
    """The address of a running Alertmanager's interface; it talks to no other."""
    if prometheus_tools.alertmanager is None:
        require("live", f"no Alertmanager of {prometheus_tools.version}")
    url = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory(dir=tmp_path) as storage:
        command: list[str | Path] = [
            prometheus_tools.alertmanager,
            f"--config.file={CONFIGURATION}",
            f"--storage.path={storage}",
            f"--web.listen-address={url.removeprefix('http://')}",
            "--cluster.listen-address=",
        ]
        log = tmp_path / "alertmanager.log"
        with running(command, ready_url=f"{url}/-/ready", within=30, log=log):
            yield f"{url}/api/v2/alerts"


def states(api: str, alerts: list[dict[str, str]]) -> dict[str, str]:
    """Which of these alerts are told (active) and which are silent (suppressed), by name and place."""
    with direct_session() as session:
        sent = session.post(api, json=[{"labels": labels} for labels in alerts], timeout=5)
        assert sent.ok, sent.text

        def judged() -> dict[str, str] | None:
            found: list[dict[str, Any]] = session.get(api, timeout=5).json()
            if len(found) < len(alerts) or any(
                one["status"]["state"] == "unprocessed" for one in found
            ):
                return None
            return {key(one["labels"]): one["status"]["state"] for one in found}

        return wait_until(judged, within=20, what="all alerts are judged")


def key(labels: dict[str, str]) -> str:
    where = labels.get("gpu") or labels.get("tier") or labels.get("instance") or ""
    return f"{labels['alertname']} {where}".strip()


def test_a_dead_gpu_is_told_once(api: str) -> None:
    """Of all that a GPU says when it dies only what came first is told; its neighbour is told apart."""
    names = ("GpuLost", "GpuNeedsReset", "GpuUncorrectedErrors", "GpuNvlinkRetrained")
    dead = [
        {"alertname": name, "severity": "critical", "instance": "a:9400", "gpu": "3"}
        for name in names
    ]
    neighbour = {
        "alertname": "GpuNeedsReset",
        "severity": "critical",
        "instance": "a:9400",
        "gpu": "4",
    }
    # What names no GPU is about none of them.
    nameless = {"alertname": "GpuNeedsReset", "severity": "critical"}
    found = states(api, [*dead, neighbour, nameless])

    assert {
        "GpuNeedsReset 3": "active",
        "GpuLost 3": "suppressed",
        "GpuUncorrectedErrors 3": "suppressed",
        "GpuNvlinkRetrained 3": "suppressed",
        "GpuNeedsReset 4": "active",
        "GpuNeedsReset": "active",
    } == found


def test_a_page_of_a_promise_silences_its_tickets(api: str) -> None:
    """Of one model on one source; tickets of another promise are told."""
    of = {"alertname": "SloErrorBudgetBurn", "source": "gateway", "role": "gateway", "model": "m"}
    found = states(
        api,
        [
            {**of, "slo": "availability", "severity": "critical", "tier": "page-1h"},
            {**of, "slo": "availability", "severity": "warning", "tier": "ticket-1d"},
            {**of, "slo": "ttft", "severity": "warning", "tier": "ticket-3d"},
        ],
    )

    assert {
        "SloErrorBudgetBurn page-1h": "active",
        "SloErrorBudgetBurn ticket-1d": "suppressed",
        "SloErrorBudgetBurn ticket-3d": "active",
    } == found


def test_a_full_cache_is_no_longer_nearly_full(api: str) -> None:
    """On the same engine; where an engine has no number, its absence is one too."""
    of = {"source": "sglang", "role": "engine", "model": "m"}
    full = {**of, "alertname": "KvCacheFull", "severity": "critical"}
    nearly = {**of, "alertname": "KvCacheNearlyFull", "severity": "warning"}
    found = states(
        api,
        [{**full, "instance": "a:1"}, {**nearly, "instance": "a:1"}, {**nearly, "instance": "b:1"}],
    )

    assert {
        "KvCacheFull a:1": "active",
        "KvCacheNearlyFull a:1": "suppressed",
        "KvCacheNearlyFull b:1": "active",
    } == found
