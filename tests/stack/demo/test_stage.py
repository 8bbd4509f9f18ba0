"""What the demonstration writes and starts: the built files, with its own addresses in them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from llmdash.pack import DEFAULT
from llmstack.demo.stage import REPLICAS, Ports, Stage, free_ports
from llmstack.errors import ConfigurationError

GENERATED = Path(__file__).resolve().parents[3] / "generated"
PORTS = Ports(8100, 8180, 9201, 9190, 9193, 3100)


def stage(folder: Path, generated: Path = GENERATED, incident: str = "") -> Stage:
    return Stage(folder, generated, PORTS, Path("/p"), Path("/a"), incident)


def test_the_built_files_are_taken_as_they_are(tmp_path: Path) -> None:
    """Rules byte for byte; of the scrape configuration, only where things are."""
    stage(tmp_path).write()
    written = yaml.safe_load((tmp_path / "prometheus" / "prometheus.yaml").read_text())
    built = yaml.safe_load((GENERATED / "prometheus" / "prometheus.yaml").read_text())
    rules = {path.name: path.read_bytes() for path in (tmp_path / "rules").glob("*.yaml")}

    assert {path.name: path.read_bytes() for path in (GENERATED / "rules").glob("*.yaml")} == rules
    assert built["global"] == written["global"]
    assert [job["job_name"] for job in built["scrape_configs"]] == [
        job["job_name"] for job in written["scrape_configs"]
    ]
    assert "127.0.0.1:9193" in str(written["alerting"])


def test_targets_are_written_for_sources_that_there_are(tmp_path: Path) -> None:
    """No target of a source that is not on the stage would ever be up."""
    stage(tmp_path).write()
    files = {
        path.stem: yaml.safe_load(path.read_text())
        for path in (tmp_path / "prometheus" / "targets").glob("*.yaml")
    }

    assert files.keys() <= {source.job for source in DEFAULT.sources}
    assert [{"targets": [f"127.0.0.1:{port}" for port in range(8100, 8100 + REPLICAS)]}] == files["vllm"]  # fmt: skip
    assert {"vllm", "gateway", "dcgm"} == files.keys()


def test_the_incident_reaches_the_simulator(tmp_path: Path) -> None:
    """And nobody else."""
    told = {
        program.name: "crash@60+30" in program.command
        for program in stage(tmp_path, incident="crash@60+30").programs()
    }

    assert ["simulator"] == [name for name, is_told in told.items() if is_told]
    assert told.keys() == stage(tmp_path).health().keys()


def test_everything_listens_on_loopback_alone(tmp_path: Path) -> None:
    """Nobody else's machine sees a demonstration."""
    for program in stage(tmp_path).programs():
        assert "0.0.0.0" not in " ".join((*program.command, *program.environment.values()))


def test_ports_that_are_taken_are_left_alone() -> None:
    """Others are chosen; the replicas' are in a row."""
    found = free_ports(lambda port: port not in {8001, 8080, 9090})

    assert Ports(8010, 8090, 9101, 9100, 9093, 3000) == found


def test_a_port_that_somebody_has_is_found_out() -> None:
    """By trying to have it."""
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        taken = somebody.getsockname()[1]
        found = free_ports()

    assert taken not in range(found.engine, found.engine + REPLICAS)


@pytest.mark.parametrize("name", ["prometheus", "rules", "alertmanager"])
def test_what_was_not_built_is_named(tmp_path: Path, name: str) -> None:
    """With what to do."""
    generated = tmp_path / "generated"
    for each in {"prometheus", "rules", "alertmanager"} - {name}:
        (generated / each).mkdir(parents=True)
        for path in (GENERATED / each).glob("*.yaml"):
            (generated / each / path.name).write_bytes(path.read_bytes())
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ConfigurationError, match=r"No such file.*run llmdash build"):
        stage(folder, generated).write()


def test_a_configuration_that_is_none_is_named(tmp_path: Path) -> None:
    """By its place."""
    generated = tmp_path / "generated"
    (generated / "rules").mkdir(parents=True)
    (generated / "prometheus").mkdir()
    (generated / "prometheus" / "prometheus.yaml").write_text("[]")
    with pytest.raises(ConfigurationError, match=r"prometheus\.yaml: expected a Prometheus"):
        stage(tmp_path, generated).write()
