"""The view of a real Prometheus, old and new, with llmdash's rules and without, of all kinds of servers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml

from llmstack.prometheus import Prometheus
from llmstack.scraping import histograms
from llmstack.top.figures import Figure, Gpus, Reading, Row
from llmstack.top.page import read_page
from llmstack.top.page_reader import NAMES
from llmstack.top.prometheus_reader import PrometheusReader
from llmstack.top.promql import quantile
from tests.exposition import EXPOSITIONS
from tests.live.process import free_port, wait_until
from tests.live.prometheus_server import PrometheusServer, prometheus_server
from tests.prometheus_tools import MAJORS, said_against, tools_of_major
from tests.requirements import require
from tests.stack.page_server import Servers, text
from tests.stack.top.pages import Played
from tests.stack.top.rules import GENERATED
from tests.stack.top.test_scraped import TOLD

pytestmark = pytest.mark.promtool

OLD = 'DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-a",pod="x"} 100\nDCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-a",pod="y"} 100\n'
NEW = 'DCGM_FI_DEV_BOARD_POWER_WATTS{gpu="0",UUID="GPU-b"} 200\n'


def binary(major: int) -> Path:
    found = tools_of_major(major).prometheus
    if found is None:
        require(f"prom{major}", f"promtool {major}.x has no Prometheus beside it")
    return found


@contextmanager
def prometheus(major: int, folder: Path, targets: dict[str, list[str]], *, has_rules: bool) -> Iterator[PrometheusServer]:  # fmt: skip
    """A Prometheus that scrapes these, and evaluates rules, each second."""
    configuration = folder / "configuration"
    configuration.mkdir()
    if has_rules:
        for path in GENERATED.glob("*.yaml"):
            hurried = path.read_text().replace("interval: 30s", "interval: 1s")
            (configuration / path.name).write_text(hurried)
    scraped = [{"job_name": job, "static_configs": [{"targets": hosts}]} for job, hosts in targets.items()]  # fmt: skip
    written = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "rule_files": ["llmdash-*.yaml"],
        "scrape_configs": scraped,
    }
    (configuration / "prometheus.yaml").write_text(yaml.safe_dump(written))
    with prometheus_server(binary(major), configuration, folder / "server") as server:
        yield server


def read(server: PrometheusServer, window: str | None = None) -> Reading:
    async def run() -> Reading:
        async with aiohttp.ClientSession() as session:
            return await PrometheusReader(Prometheus(server.base_url, session), window).read()

    return asyncio.run(run())


def told(reading: Reading) -> dict[str, Row]:
    """The rows of models that tell tokens, by kind of server."""
    return {row.source: row for row in reading.rows if Figure.TOKENS in row.figures}


@pytest.mark.parametrize("has_rules", [False, True])
@pytest.mark.parametrize("major", MAJORS)
def test_every_engine_is_read(major: int, has_rules: bool, served: Servers, tmp_path: Path) -> None:
    """All figures that it tells, whoever works them out; GPUs under old and new names, each once."""
    targets = {engine: [served.serve(text(Played(engine).answer_one))] for engine in TOLD}
    targets["dcgm"] = [served.serve(text(lambda: OLD)), served.serve(text(lambda: NEW))]
    with prometheus(major, tmp_path, targets, has_rules=has_rules) as server:

        def all_told() -> Reading | None:
            # Recorded rows come rule by rule.
            found = read(server)
            if has_rules and "llmdash" not in found.over:
                return None
            there = {source: set(row.figures) for source, row in told(found).items()}
            return found if all(TOLD[engine] <= there.get(engine, set()) for engine in TOLD) and found.gpus else None  # fmt: skip

        found = wait_until(all_told, within=90, what="every engine is told of")
        by_exporters = read(server, window="30s")

    expected = "rates over 5m, as llmdash's rules record them" if has_rules else "rates over 1m of exporters"  # fmt: skip
    assert expected == found.over
    assert Gpus(2, 300) == found.gpus
    assert () == found.problems
    assert TOLD.keys() == told(found).keys() == told(by_exporters).keys()
    for engine, row in told(found).items():
        # Twenty tokens at each scrape, and a scrape each second, if not as long as the window.
        assert 0 < row.figures[Figure.TOKENS] < 40, engine
        assert 0 < row.figures[Figure.TTFT] < 5, engine
    # What Triton's models are besides the one that is a language model has no row twice.
    places = [(row.source, row.model) for row in found.rows]
    assert len(set(places)) == len(places)
    assert {"triton", *TOLD} >= {row.source for row in found.rows}


def test_a_server_that_is_down(served: Servers, tmp_path: Path) -> None:
    """Is told of once it was there; a target that never was a server is nobody's business."""
    played = Played("vllm")
    host, dead = served.serve(text(played.answer_one)), f"127.0.0.1:{free_port()}"
    with prometheus(3, tmp_path, {"vllm": [host], "other": [dead]}, has_rules=False) as server:
        wait_until(lambda: told(read(server)), within=60, what="the server is told of")
        before = read(server).problems
        served.change(0, text(lambda: "<html>"))
        problems = wait_until(lambda: read(server).problems, within=60, what="it is down")

    assert () == before
    assert [(f"vllm {host}", "down, says Prometheus")] == [(each.server, each.text) for each in problems]  # fmt: skip


@pytest.mark.parametrize("major", MAJORS)
def test_quantiles_are_those_of_prometheus(major: int, served: Servers, tmp_path: Path) -> None:
    """Of every histogram of a real page that is read, at several shares."""
    page = (EXPOSITIONS / "vllm-0.32.0.prom").read_text()
    read_here = read_page(page, NAMES)
    names = [name for name in NAMES if name.endswith("_bucket") and read_here.samples(name)]
    targets = {"vllm": [served.serve(text(lambda: page))]}
    with prometheus(major, tmp_path, targets, has_rules=False) as server:
        wait_until(lambda: server.query(f"sum({names[0]})"), within=60, what="it is scraped")
        for name in names:
            buckets = {float(sample.labels["le"]): sample.value for sample in read_here.samples(name)}  # fmt: skip
            for share in (0.01, 0.5, 0.95, 0.99, 1):
                ((_, expected),) = server.query(f"histogram_quantile({share}, sum by (le) ({name}))")  # fmt: skip

                found = histograms.quantile(share, buckets)

                assert found is not None
                assert pytest.approx(expected) == found.value, name

    assert 3 == len(names)


def test_quantiles_of_replicas_with_other_edges(tmp_path: Path) -> None:
    """Are over the edges that all have, in PromQL too: a plain sum would tell of seconds that nobody waited."""
    asked = quantile("x", "model")
    replicas = {
        "old": {"1": 90, "+Inf": 100},
        "new": {"1": 90, "5": 95, "10": 100, "+Inf": 100},
    }
    series = [
        {"series": f'x{{model="m", instance="{instance}", le="{edge}"}}', "values": str(count)}
        for instance, counts in replicas.items()
        for edge, count in counts.items()
    ]
    plain = "histogram_quantile(0.95, sum by (model, le) (x))"
    expected = [{"labels": '{model="m"}', "value": 1}]
    found = []
    for query in (asked, plain):
        cases = {"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [{"expr": query, "eval_time": "0", "exp_samples": expected}]}]}  # fmt: skip
        (tmp_path / "case.yaml").write_text(yaml.safe_dump(cases))
        found.append(said_against(tools_of_major(3).promtool, tmp_path / "case.yaml") == "")

    assert [True, False] == found
    read = [
        {float(edge): float(count) for edge, count in counts.items()}
        for counts in replicas.values()
    ]
    here = histograms.quantile(0.95, histograms.added_up(read))
    assert here is not None
    assert 1 == here.value
