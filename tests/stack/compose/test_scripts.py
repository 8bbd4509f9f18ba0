"""Scripts that run inside containers: configuration, targets, and Grafana's guard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack.compose.files import (
    ROOT,
    STACK,
    program,
    sh,
)


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., Path]:
    """Run configuration.sh, then target.sh for each target, with folders in place of mounts."""

    def run(*targets: tuple[str, str], built: str = "scrape_configs: []\n") -> Path:
        written = tmp_path / "configuration"
        (tmp_path / "generated" / "targets").mkdir(parents=True, exist_ok=True)
        (tmp_path / "generated" / "prometheus.yaml").write_text(built)
        written.mkdir(exist_ok=True)
        for script, arguments in (
            ("configuration.sh", ()),
            *(("target.sh", target) for target in targets),
        ):
            text = (STACK / script).read_text()
            text = text.replace("from=/generated to=/configuration", f"from={tmp_path}/generated to={written}")  # fmt: skip
            text = text.replace('file="/configuration/', f'file="{written}/')
            copy = tmp_path / script
            copy.write_text(text)
            done = sh(copy, *arguments)
            assert 0 == done.returncode, done.stderr
        return written

    return run


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_configuration(configure: Callable[..., Path]) -> None:
    """It is what was built, and says where Alertmanager is."""
    built = (ROOT / "generated" / "prometheus" / "prometheus.yaml").read_text()
    found = read(configure(built=built) / "prometheus.yaml")
    alerting = {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]}

    assert {**yaml.safe_load(built), "alerting": alerting} == found


def test_a_pack_that_names_an_alertmanager(configure: Callable[..., Path]) -> None:
    """It keeps its own."""
    built = "alerting:\n  alertmanagers: []\nscrape_configs: []\n"

    assert yaml.safe_load(built) == read(configure(built=built) / "prometheus.yaml")


def test_targets(configure: Callable[..., Path], tmp_path: Path) -> None:
    """Each is in its source's file, once, beside your own; those of before are gone."""
    own = tmp_path / "generated" / "targets"
    own.mkdir(parents=True)
    (own / "vllm.yaml").write_text('- targets: ["mine:8000"]\n')
    configure(("triton-vllm", "triton-vllm:8002"), ("dcgm", "dcgm-exporter:9400"))
    written = configure(("vllm", "vllm:8000"), ("vllm", "vllm:8000"), ("gateway", "gateway:8080"))
    found = {path.name: read(path) for path in (written / "targets").iterdir()}

    assert {
        "vllm.yaml": [{"targets": ["mine:8000"]}, {"targets": ["vllm:8000"]}],
        "gateway.yaml": [{"targets": ["gateway:8080"]}],
    } == found


@pytest.mark.parametrize(
    ("host", "password", "starts"),
    [
        ("127.0.0.1", "admin", True),
        ("127.0.0.2", "admin", True),
        ("localhost", "", True),
        ("[::1]", "admin", True),
        ("0.0.0.0", "admin", False),
        ("0.0.0.0", "", False),
        ("192.0.2.7", "admin", False),
        ("::", "admin", False),
        ("0.0.0.0", "hush", True),
    ],
)
def test_the_guard_of_grafana(host: str, password: str, starts: bool, tmp_path: Path) -> None:
    """With the password that everybody knows it starts on loopback alone, and says why not."""
    program(tmp_path, "run.sh", 'echo "started $*"')
    script = tmp_path / "grafana.sh"
    text = (STACK / "grafana.sh").read_text()
    script.write_text(text.replace("exec /run.sh", f"exec {tmp_path}/run.sh"))
    done = sh(script, "-x", GRAFANA_HOST=host, GF_SECURITY_ADMIN_PASSWORD=password)

    assert (starts, "started -x\n" if starts else "") == (done.returncode == 0, done.stdout)
    if not starts:
        assert "set GRAFANA_ADMIN_PASSWORD" in done.stderr
        assert host in done.stderr
