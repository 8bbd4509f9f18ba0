"""What Prometheus and Grafana read at start: it follows the pack, and promtool accepts it."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmdash.artifacts import write
from llmdash.compiler import compile_pack
from llmdash.intervals import Intervals
from llmdash.pack import DEFAULT, Pack
from llmdash.promql.windows import Duration
from llmdash.provisioning import dashboard_provider, datasource, scrape_configuration
from llmdash.sources import dcgm, triton, vllm
from llmdash.yaml_text import HEADER, to_yaml

FULL = Pack(
    sources=(vllm(job="east"), vllm(name="west"), triton()),
    intervals=Intervals(
        scrape=Duration.parse("11s"),
        recordings=Duration.parse("37s"),
        rate_window=Duration.parse("7m"),
    ),
    targets={"west": ("a.inn:11", "b.inn:13")},
    prometheus_url="http://inn:9091",
    datasource_name="The inn",
    datasource_uid="inn",
    dashboards_path="/var/inn",
    alertmanager="bell:9093",
)

NO_CREATED = {"source_labels": ["__name__"], "regex": ".+_created", "action": "drop"}


@cache
def texts() -> dict[str, str]:
    return {artifact.path: artifact.text for artifact in compile_pack(FULL).artifacts}


def test_scrape_jobs_follow_the_sources() -> None:
    """A source is a job; people's targets stand in a file of its own, fixed ones beside it."""
    assert {
        "global": {"scrape_interval": "11s", "scrape_timeout": "7s333ms", "evaluation_interval": "37s"},
        "rule_files": ["../rules/*.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["bell:9093"]}]}]},
        "scrape_configs": [
            {
                "job_name": "east",
                "metrics_path": "/metrics",
                "file_sd_configs": [{"files": ["targets/vllm.yaml"]}],
                "metric_relabel_configs": [NO_CREATED],
            },
            {
                "job_name": "west",
                "metrics_path": "/metrics",
                "file_sd_configs": [{"files": ["targets/west.yaml"]}],
                "metric_relabel_configs": [NO_CREATED],
                "static_configs": [{"targets": ["a.inn:11", "b.inn:13"]}],
            },
            {
                "job_name": "triton",
                "metrics_path": "/metrics",
                "file_sd_configs": [{"files": ["targets/triton.yaml"]}],
            },
            {
                "job_name": "prometheus",
                "metrics_path": "/metrics",
                "static_configs": [{"targets": ["localhost:9090"]}],
            },
        ],
    } == scrape_configuration(FULL)  # fmt: skip


def test_the_default_asks_no_alertmanager() -> None:
    """Without an Alertmanager in the pack, Prometheus is told of none."""
    configuration = scrape_configuration(DEFAULT)

    assert ["global", "rule_files", "scrape_configs"] == list(configuration)
    assert {"scrape_interval": "15s", "scrape_timeout": "10s", "evaluation_interval": "30s"} == (
        configuration["global"]
    )


def test_every_source_of_the_default_is_scraped() -> None:
    """Each source is a job at its own path, and Prometheus reads itself after them."""
    jobs = scrape_configuration(DEFAULT)["scrape_configs"]

    assert [(source.name, source.metrics_path) for source in DEFAULT.sources] == [
        (job["job_name"], job["metrics_path"]) for job in jobs[:-1]
    ]
    assert "prometheus" == jobs[-1]["job_name"]
    assert {"/metrics", "/prometheus/metrics"} == {job["metrics_path"] for job in jobs}


def test_a_source_may_have_the_name_of_prometheus() -> None:
    """Then there is no second job of that name, which Prometheus would refuse."""
    pack = Pack(sources=(vllm(job="prometheus"),))

    assert ["prometheus"] == [
        job["job_name"] for job in scrape_configuration(pack)["scrape_configs"]
    ]


def test_gpus_are_asked_more_often() -> None:
    """A GPU's load changes faster than a server's; its timeout fits its own interval."""
    pack = Pack(sources=(dcgm(),), intervals=Intervals(gpu_scrape=Duration.parse("7s")))
    (job,) = (
        job for job in scrape_configuration(pack)["scrape_configs"] if job["job_name"] == "dcgm"
    )

    assert ("7s", "4s666ms") == (job["scrape_interval"], job["scrape_timeout"])


@pytest.mark.parametrize(
    ("scrape", "timeout"),
    [("15s", "10s"), ("1s", "666ms"), ("500ms", "333ms"), ("1m30s", "1m")],
)
def test_a_scrape_times_out_before_the_next(scrape: str, timeout: str) -> None:
    """Prometheus refuses a timeout above the interval, however short that is."""
    of = Pack(intervals=Intervals(scrape=Duration.parse(scrape)))

    assert timeout == scrape_configuration(of)["global"]["scrape_timeout"]


def test_the_datasource_knows_the_step() -> None:
    """Grafana's least step is the scrape interval, so that rates over it have data."""
    assert {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "The inn",
                "uid": "inn",
                "type": "prometheus",
                "access": "proxy",
                "url": "http://inn:9091",
                "isDefault": True,
                "editable": False,
                "jsonData": {"httpMethod": "POST", "timeInterval": "11s"},
            }
        ],
    } == datasource(FULL)


def test_the_provider_makes_folders_of_folders() -> None:
    """Pages are filed in Grafana as they lie on disk, and are not edited there."""
    (provider,) = dashboard_provider(FULL)["providers"]

    assert {"path": "/var/inn", "foldersFromFilesStructure": True} == provider["options"]
    assert (False, "file", "llmdash") == (
        provider["allowUiUpdates"],
        provider["type"],
        provider["name"],
    )


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("prometheus/prometheus.yaml", scrape_configuration(FULL)),
        ("grafana/provisioning/datasources/llmdash.yaml", datasource(FULL)),
        ("grafana/provisioning/dashboards/llmdash.yaml", dashboard_provider(FULL)),
    ],
)
def test_files_say_what_they_are_and_who_made_them(path: str, content: dict[str, Any]) -> None:
    """A file begins with our header, and holds the content in the order in which it was said."""
    text = texts()[path]

    assert text.startswith(HEADER)
    assert content == yaml.safe_load(text)
    assert list(content) == list(yaml.safe_load(text))


def test_yaml_is_one_line_an_expression() -> None:
    """Lists stand below their key, long texts are not folded, and nothing is shared by reference."""
    shared = ["é"]
    long = " or ".join(["vllm:num_requests_running"] * 50)

    assert f"{HEADER}b:\n  - é\na:\n  - é\nexpr: {long}\n" == to_yaml(
        {"b": shared, "a": shared, "expr": long}
    )


def check_config(promtool: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    configuration = str(folder / "prometheus" / "prometheus.yaml")
    command = [str(promtool), "check", "config", configuration]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    "pack",
    [DEFAULT, FULL, Pack(intervals=Intervals(scrape=Duration.parse("500ms")))],
    ids=["default", "full", "twice a second"],
)
def test_promtool_accepts_the_build(pack: Pack, promtool: Path, tmp_path: Path) -> None:
    """Both majors of promtool accept the configuration, and find the rules beside it."""
    built = compile_pack(pack)
    write(built.artifacts, tmp_path)
    said = check_config(promtool, tmp_path)

    assert said.returncode == 0, said.stdout + said.stderr
    # Recordings of each source, promises, and alerts by subject; one rule is "1 rule".
    assert len(built.rules) > len(pack.sources) + 2
    assert len(built.rules) == len(re.findall(r"\brules? found", said.stdout))


def test_promtool_refuses_a_broken_build(promtool: Path, tmp_path: Path) -> None:
    """The check above can fail: a timeout above the interval is refused."""
    write(compile_pack(DEFAULT).artifacts, tmp_path)
    configuration = tmp_path / "prometheus" / "prometheus.yaml"
    configuration.write_text(configuration.read_text().replace("timeout: 10s", "timeout: 16s"))

    assert check_config(promtool, tmp_path).returncode != 0
