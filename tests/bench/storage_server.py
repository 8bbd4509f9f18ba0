"""A real Prometheus that only answers: it serves the blocks of a folder and scrapes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.live.process import direct_session, free_port, running, wait_until
from tests.live.prometheus_server import QueryFailedError
from tests.prometheus_tools import PrometheusTools

#: Expanded to raw series, a page holds far more samples at once than Prometheus allows by default.
MOST_SAMPLES = 500_000_000
QUERY_TIMEOUT_SECONDS = 600
#: Longer than any stretch that is measured.
RETENTION = "35d"
_BLOCKS_LOADED = re.compile(r"^prometheus_tsdb_blocks_loaded (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class StorageServer:
    """A running Prometheus."""

    base_url: str
    session: requests.Session

    def ask(self, question: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return the data of an answer; an expanded query is too long for an address."""
        answer = self.session.post(
            f"{self.base_url}/api/v1/{question}",
            data=dict(parameters),
            timeout=QUERY_TIMEOUT_SECONDS + 10,
        )
        try:
            body = answer.json()
        except requests.JSONDecodeError:
            raise QueryFailedError(f"{question}: {answer.text[:500]}") from None
        if body["status"] != "success":
            raise QueryFailedError(f"{question} {parameters['query'][:500]}: {body['error']}")
        data: dict[str, Any] = body["data"]
        return data

    def vector(self, query: str, at: int) -> list[tuple[dict[str, str], float]]:
        """Return the labels and the value of each series at one moment."""
        data = self.ask("query", {"query": query, "time": str(at)})
        return [(found["metric"], float(found["value"][1])) for found in data["result"]]

    def count(self, selector: str, at: int) -> int:
        """Return the number of series that a selector has at one moment."""
        found = self.vector(f"count({selector})", at)
        return int(found[0][1]) if found else 0

    def wait_for_blocks(self, number: int, within: float) -> None:
        """Wait until Prometheus has merged what overlaps, as it does a minute after its start."""

        def is_merged() -> bool:
            page = self.session.get(f"{self.base_url}/metrics", timeout=60).text
            loaded = _BLOCKS_LOADED.search(page)
            return loaded is not None and float(loaded[1]) <= number

        wait_until(is_merged, within=within, what=f"{number} blocks are left")


@contextmanager
def serving(tools: PrometheusTools, storage: Path, scratch: Path) -> Iterator[StorageServer]:
    """Run Prometheus on a folder of blocks until the block ends."""
    if tools.prometheus is None:
        raise FileNotFoundError(f"no prometheus beside {tools.promtool}; see stack/prometheus.sh")
    configuration = scratch / "prometheus.yaml"
    configuration.write_text("global: {}\n")
    url = f"http://127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        tools.prometheus,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={storage}",
        f"--storage.tsdb.retention.time={RETENTION}",
        # Blocks stay as long as they are written; only those that overlap are merged.
        "--storage.tsdb.min-block-duration=2h",
        "--storage.tsdb.max-block-duration=2h",
        f"--query.max-samples={MOST_SAMPLES}",
        f"--query.timeout={QUERY_TIMEOUT_SECONDS}s",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    log = scratch / "prometheus.log"
    with (
        direct_session() as session,
        running(command, ready_url=f"{url}/-/ready", within=120.0, log=log),
    ):
        yield StorageServer(url, session)
