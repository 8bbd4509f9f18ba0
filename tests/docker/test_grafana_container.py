"""A real Grafana of each release: what a push promises, and pages that a browser shows.

The image is LLMDASH_GRAFANA_IMAGE, else a public one of each release; where none can be pulled the
test skips and says so. Nothing here is stated of Grafana that the fake does not state too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import requests
from testcontainers.core.container import DockerContainer

from llmdash.grafana.credentials import Credentials
from tests.docker.conftest import image
from tests.grafana.server_under_test import ServerUnderTest

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "of-the-test"
RELEASES = ("10.4.19", "11.6.14", "12.2.8", "13.0.2")
NAMED = "LLMDASH_GRAFANA_IMAGE"
#: How Grafana's own tests find the badge of a panel whose query failed, and any panel at all
#: (packages/grafana-e2e-selectors).
BADGE = re.compile(r"Panel status (error|warning)")
PANEL = re.compile(r"data-testid Panel header|aria-label=\"[^\"]* panel\"")

pytestmark = pytest.mark.docker


@pytest.fixture(params=["named"] if NAMED in os.environ else RELEASES)
def grafana(request: pytest.FixtureRequest, engine: docker.DockerClient) -> Iterator[str]:
    """Where it answers; whoever comes without credentials may look."""
    assert engine.ping()
    container = (
        DockerContainer(image(NAMED, f"grafana/grafana:{request.param}"))
        .with_env("GF_SECURITY_ADMIN_PASSWORD", PASSWORD)
        .with_env("GF_AUTH_ANONYMOUS_ENABLED", "true")
        .with_env("GF_AUTH_ANONYMOUS_ORG_ROLE", "Viewer")
        .with_env("GF_ANALYTICS_CHECK_FOR_UPDATES", "false")
        .with_exposed_ports(3000)
    )
    with container:
        url = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(3000)}"
        _until_it_answers(url)
        yield url


def _until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{url}/api/health", timeout=5).ok:
                return
        except requests.RequestException:
            pass  # not listening yet
        time.sleep(0.5)
    pytest.fail("Grafana does not answer within two minutes")


def environment() -> dict[str, str]:
    return {**os.environ, "GRAFANA_USER": "admin", "GRAFANA_PASSWORD": PASSWORD}


def llmdash(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "llmdash", *arguments]
    return subprocess.run(
        command, env=environment(), cwd=ROOT, check=False, capture_output=True, text=True
    )


def test_the_contract_holds(grafana: str) -> None:
    """The suite that runs on the fakes, on this one."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/grafana/test_contract.py"]
    given = {**environment(), "LLMDASH_GRAFANA_URL": grafana}
    done = subprocess.run(command, env=given, cwd=ROOT, check=False, capture_output=True, text=True)

    assert 0 == done.returncode, done.stdout[-5000:]


def test_pushed_twice_edited_and_pruned(grafana: str, tmp_path: Path) -> None:
    """The committed pages: made, then unchanged without a new version; an edit stays; what is gone goes."""
    server = ServerUnderTest(grafana, Credentials(user="admin", password=PASSWORD))
    first = llmdash("push", "--grafana-url", grafana, "--from", "generated", "--create-datasource")
    assert 0 == first.returncode, first.stdout + first.stderr
    before = {uid: server.version(uid) for uid in ("llm-fleet", "llm-slo")}
    again = llmdash("push", "--grafana-url", grafana, "--from", "generated", "--create-datasource")

    assert 0 == again.returncode, again.stdout + again.stderr
    assert before == {uid: server.version(uid) for uid in before}
    server.edit("llm-fleet", title="Edited")
    edited = llmdash("push", "--grafana-url", grafana, "--from", "generated")
    assert 1 == edited.returncode
    assert "it was edited in Grafana since the last push" in edited.stdout
    allowed = llmdash(
        "push", "--grafana-url", grafana, "--from", "generated", "--overwrite-edits",
        "--backup-folder", str(tmp_path / "backups"),
    )  # fmt: skip
    assert 0 == allowed.returncode, allowed.stdout + allowed.stderr
    fewer = _without(tmp_path / "fewer", "llm-app-overview")
    pruned = llmdash("push", "--grafana-url", grafana, "--from", str(fewer), "--prune")
    assert 0 == pruned.returncode, pruned.stdout + pruned.stderr
    assert not server.exists("llm-app-overview")


def _without(folder: Path, uid: str) -> Path:
    """The committed build without a page."""
    shutil.copytree(ROOT / "generated", folder)
    (page,) = folder.rglob(f"{uid}.json")
    page.unlink()
    manifest = folder / ".llmdash-manifest"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if uid not in line))
    return folder


def test_a_browser_finds_no_error(grafana: str, tmp_path: Path) -> None:
    """Each page is opened headless; it has panels, and none of them shows the badge of an error."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip("no Chromium on this machine")
    pushed = llmdash("push", "--grafana-url", grafana, "--from", "generated", "--create-datasource")
    assert 0 == pushed.returncode, pushed.stdout + pushed.stderr
    wrong = []
    for path in sorted((ROOT / "generated" / "dashboards").rglob("*.json")):
        command = [
            browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1600,6000",
            f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000",
            "--dump-dom", f"{grafana}/d/{path.stem}",
        ]  # fmt: skip
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        if PANEL.search(done.stdout) is None:
            wrong.append(f"{path.stem}: no panel")
        wrong += [f"{path.stem}: {found}" for found in BADGE.findall(done.stdout)]

    assert [] == wrong
