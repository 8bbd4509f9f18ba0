"""A real Prometheus on loopback that runs our configuration, and questions to its HTTP API."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.live.process import direct_session, free_port, running

Sample = tuple[dict[str, str], float]
Range = tuple[dict[str, str], list[tuple[float, float]]]


class QueryFailedError(Exception):
    """Prometheus refused a question; the text is its own."""


@dataclass(frozen=True)
class PrometheusServer:
    """A running Prometheus."""

    base_url: str
    session: requests.Session
    process_group: int
    log: Path

    def query(self, expression: str, at: float | None = None) -> list[Sample]:
        """Evaluate an expression at one moment; a scalar is one sample without labels."""
        moment = {} if at is None else {"time": str(at)}
        data = self._ask("query", {"query": expression, **moment})
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(found["metric"], float(found["value"][1])) for found in data["result"]]

    def query_range(
        self, expression: str, start: float, end: float, step_seconds: float
    ) -> list[Range]:
        """Evaluate an expression over time."""
        parameters = {
            "query": expression,
            "start": str(start),
            "end": str(end),
            "step": str(step_seconds),
        }
        data = self._ask("query_range", parameters)
        return [
            (found["metric"], [(float(moment), float(value)) for moment, value in found["values"]])
            for found in data["result"]
        ]

    def series(self, *matches: str) -> list[dict[str, str]]:
        """The label sets of the series that match any of the selectors."""
        found: list[dict[str, str]] = self._ask("series", {"match[]": list(matches)})
        return found

    def label_values(self, label: str, match: str) -> list[str]:
        """The values that a label has in the series that match a selector."""
        found: list[str] = self._ask(f"label/{label}/values", {"match[]": match})
        return found

    def targets(self) -> list[dict[str, Any]]:
        """The active targets, with `labels`, `health` and `lastError`."""
        found: list[dict[str, Any]] = self._ask("targets", {"state": "active"})["activeTargets"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Every rule of every group, with its `health` and `lastError`."""
        return [rule for group in self._ask("rules", {})["groups"] for rule in group["rules"]]

    def _ask(self, question: str, parameters: Mapping[str, str | list[str]]) -> Any:
        answer = self.session.get(
            f"{self.base_url}/api/v1/{question}", params=dict(parameters), timeout=30
        )
        try:
            body = answer.json()
        except requests.JSONDecodeError:
            raise QueryFailedError(f"{question} {parameters}: {answer.text}") from None
        if body["status"] != "success":
            raise QueryFailedError(f"{question} {parameters}: {body['errorType']}: {body['error']}")
        return body["data"]


@contextmanager
def prometheus_server(
    binary: Path,
    configuration: Path,
    folder: Path,
    arguments: Sequence[str] = (),
    *,
    ready_within: float = 60.0,
) -> Iterator[PrometheusServer]:
    """Run Prometheus on the folder that holds `prometheus.yaml` until the block ends.

    Its storage is removed at the end, its log stays in `folder`.
    """
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    log = folder / "prometheus.log"
    folder.mkdir(parents=True, exist_ok=True)
    # It scrapes itself, and does not stand on its usual port here.
    own = configuration / f"prometheus-{port}.yaml"
    text = (configuration / "prometheus.yaml").read_text()
    own.write_text(text.replace("localhost:9090", f"127.0.0.1:{port}"))
    with tempfile.TemporaryDirectory(prefix="storage-", dir=folder) as storage:
        command: list[str | Path] = [
            binary,
            f"--config.file={own}",
            f"--storage.tsdb.path={storage}",
            f"--web.listen-address=127.0.0.1:{port}",
            *arguments,
        ]
        ready_url = f"{base_url}/-/ready"
        with (
            direct_session() as session,
            running(command, ready_url=ready_url, within=ready_within, log=log) as group,
        ):
            yield PrometheusServer(base_url, session, group, log)


def write_targets(configuration: Path, addresses: Mapping[str, Sequence[str]]) -> None:
    """Write `targets/<source>.yaml` for each source, in the form that file_sd_configs read."""
    folder = configuration / "targets"
    folder.mkdir(parents=True, exist_ok=True)
    for source, targets in addresses.items():
        (folder / f"{source}.yaml").write_text(yaml.safe_dump([{"targets": list(targets)}]))
