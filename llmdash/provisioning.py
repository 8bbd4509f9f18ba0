"""What Prometheus and Grafana read at start: scrape jobs, datasource, dashboard provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmdash.pack import Pack
from llmdash.sources.source import Role, Source

#: Below Prometheus's configuration: one file of targets a source, written by people.
TARGETS_FOLDER = "targets"

#: The job by which Prometheus reads its own metrics, and where it listens unless told otherwise.
ITSELF = "prometheus"
ITS_ADDRESS = "localhost:9090"

#: Classic histograms as native ones with the same edges, beside the classic that pages read.
_NATIVE = {"convert_classic_histograms_to_nhcb": True, "always_scrape_classic_histograms": True}


def scrape_configuration(pack: Pack) -> dict[str, Any]:
    """Return Prometheus's configuration: intervals, rule files, a job a source and its own."""
    intervals = pack.intervals
    configuration: dict[str, Any] = {
        "global": {
            "scrape_interval": str(intervals.scrape),
            "scrape_timeout": str(intervals.timeout(intervals.scrape)),
            "evaluation_interval": str(intervals.recordings),
        },
        "rule_files": ["../rules/*.yaml"],
    }
    if pack.alertmanager:
        targets = [{"targets": [pack.alertmanager]}]
        configuration["alerting"] = {"alertmanagers": [{"static_configs": targets}]}
    jobs = [_job(pack, source) for source in pack.sources]
    if pack.native_histograms:
        jobs = [{**job, **_NATIVE} for job in jobs]
    configuration["scrape_configs"] = [*jobs, *_itself(pack)]
    return configuration


def _itself(pack: Pack) -> Iterator[dict[str, Any]]:
    """Yield the job that tells of Prometheus's own rules, unless a source has taken its name."""
    if all(source.job != ITSELF for source in pack.sources):
        yield {
            "job_name": ITSELF,
            "metrics_path": "/metrics",
            "static_configs": [{"targets": [ITS_ADDRESS]}],
        }


def _job(pack: Pack, source: Source) -> dict[str, Any]:
    job: dict[str, Any] = {
        "job_name": source.job,
        "metrics_path": source.metrics_path,
        "file_sd_configs": [{"files": [f"{TARGETS_FOLDER}/{source.name}.yaml"]}],
    }
    if source.role is Role.GPU:
        job["scrape_interval"] = str(pack.intervals.gpu_scrape)
        job["scrape_timeout"] = str(pack.intervals.timeout(pack.intervals.gpu_scrape))
    if source.noise:
        job["metric_relabel_configs"] = [
            {"source_labels": ["__name__"], "regex": source.noise, "action": "drop"}
        ]
    fixed = pack.targets.get(source.name, ())
    if fixed:
        job["static_configs"] = [{"targets": list(fixed)}]
    return job


def datasource(pack: Pack) -> dict[str, Any]:
    """Return Grafana's datasource file; its step is the scrape interval, so rates have data."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": pack.datasource_name,
                "uid": pack.datasource_uid,
                "type": "prometheus",
                "access": "proxy",
                "url": pack.prometheus_url,
                "isDefault": True,
                "editable": False,
                "jsonData": {
                    "httpMethod": "POST",
                    "timeInterval": str(pack.intervals.scrape),
                },
            }
        ],
    }


def dashboard_provider(pack: Pack) -> dict[str, Any]:
    """Return Grafana's dashboard provider file, which makes folders of our folders."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "llmdash",
                "type": "file",
                "allowUiUpdates": False,
                "disableDeletion": False,
                "updateIntervalSeconds": 30,
                "options": {"path": pack.dashboards_path, "foldersFromFilesStructure": True},
            }
        ],
    }
