"""The harness itself: servers start, answer, are driven by the traffic, scraped, and end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.live.environment import MODEL
from tests.live.exposition import Exposition, fetch_exposition
from tests.live.process import ServerFailedError, free_port, group_members, running, wait_until
from tests.live.prometheus_server import (
    PrometheusServer,
    QueryFailedError,
    prometheus_server,
    write_targets,
)
from tests.live.traffic import Sent, Traffic, triton_traffic, vllm_traffic
from tests.live.triton_server import TritonServer
from tests.live.vllm_server import VllmServer
from tests.prometheus_tools import PrometheusTools
from tests.requirements import require


@dataclass(frozen=True)
class Observation:
    """What was sent, and the metrics page before, while and after it was."""

    sent: Sent
    before: Exposition
    after: Exposition
    during: list[Exposition] = field(default_factory=list)

    def growth(self, name: str, **labels: str) -> float:
        """How far a counter rose."""
        return self.after.total(name, **labels) - self.before.total(name, **labels)

    def peak(self, name: str) -> float:
        """The highest value that a gauge was seen at while requests ran."""
        return max(exposition.total(name) for exposition in self.during)


def observe(traffic: Traffic, metrics_url: str, count: int) -> Observation:
    before = fetch_exposition(metrics_url)
    during = []

    def enough() -> bool:
        during.append(fetch_exposition(metrics_url))
        return traffic.sent.total >= count or bool(traffic.sent.errors)

    with traffic:
        wait_until(enough, within=120, what=f"{count} requests have ended")
    return Observation(traffic.sent, before, fetch_exposition(metrics_url), during)


@pytest.fixture(scope="module")
def vllm_observation(vllm: VllmServer) -> Observation:
    return observe(vllm_traffic(vllm), vllm.metrics_url, 90)


@pytest.fixture(scope="module")
def triton_observation(triton: TritonServer) -> Observation:
    return observe(triton_traffic(triton), triton.metrics_url, 150)


def test_vllm_exposes_its_families(vllm: VllmServer) -> None:
    """A fresh vLLM already shows its families, with their types."""
    families = fetch_exposition(vllm.metrics_url).families

    assert families["vllm:num_requests_running"].kind == "gauge"
    assert families["vllm:generation_tokens_total"].kind == "counter"
    assert families["vllm:iteration_tokens_total"].kind == "histogram"
    assert families["http_request_size_bytes"].kind == "summary"


def test_triton_exposes_its_families(triton: TritonServer) -> None:
    """Triton's counters keep their names without `_total`."""
    families = fetch_exposition(triton.metrics_url).families

    assert families["nv_inference_request_success"].kind == "counter"
    assert families["nv_inference_pending_request_count"].kind == "gauge"
    assert families["nv_inference_request_summary_us"].kind == "summary"


def test_traffic_drives_the_counters_of_vllm(vllm_observation: Observation) -> None:
    """vLLM counts what was sent; of a dropped stream it may count none, or all where it is busy."""
    seen, sent = vllm_observation, vllm_observation.sent
    lengths = seen.growth("vllm:request_success_total", finished_reason="length")
    prompts = seen.growth("vllm:prompt_tokens_total")

    assert sent.errors == []
    assert sent.finished.keys() == {"length", "stop"}
    assert sent.dropped == sent.requests["chat_dropped"] > 0
    assert sent.finished["stop"] == seen.growth(
        "vllm:request_success_total", finished_reason="stop"
    )
    assert sent.finished["length"] <= lengths <= sent.finished["length"] + sent.dropped
    assert sent.statuses["chat_invalid", 400] == seen.growth("http_requests_total", status="4xx")
    assert sent.finished.total() + sent.dropped == seen.growth(
        "vllm:time_to_first_token_seconds_count"
    )
    # What is estimated as lost: first tokens less ends, with nothing left running.
    lost = seen.growth("vllm:time_to_first_token_seconds_count") - seen.growth(
        "vllm:request_success_total"
    )
    assert 0 <= lost <= sent.dropped
    assert sent.prompt_tokens < prompts
    assert sent.generation_tokens < seen.growth("vllm:generation_tokens_total")


def test_traffic_drives_the_state_of_vllm(vllm_observation: Observation) -> None:
    """A queue forms, the cache fills, prefixes are hit and requests are preempted."""
    seen = vllm_observation

    assert seen.peak("vllm:num_requests_running") > 0
    assert seen.peak("vllm:num_requests_waiting") > 0
    assert seen.peak("vllm:kv_cache_usage_perc") > 0.5
    assert seen.growth("vllm:prefix_cache_hits_total") > 0
    assert seen.growth("vllm:num_preemptions_total") > 0


def test_traffic_drives_the_counters_of_triton(triton_observation: Observation) -> None:
    """Triton counts exactly what was sent, and each failure under its reason."""
    seen, sent = triton_observation, triton_observation.sent

    assert sent.errors == []
    assert sent.statuses[MODEL, 200] == seen.growth("nv_inference_request_success", model=MODEL)
    assert sent.statuses["failing", 500] == seen.growth(
        "nv_inference_request_failure", model="failing", reason="BACKEND"
    )
    assert sent.statuses["crowded", 503] == seen.growth(
        "nv_inference_request_failure", model="crowded", reason="REJECTED"
    )
    assert sent.statuses["crowded", 503] > 0
    assert seen.growth("nv_inference_queue_duration_us") > 0
    assert seen.growth("nv_inference_exec_count") < seen.growth("nv_inference_count")
    assert seen.peak("nv_inference_pending_request_count") > 0


RULES = {
    "groups": [
        {
            "name": "tiny",
            "interval": "1s",
            "rules": [{"record": "targets:up:sum", "expr": "sum(up)"}],
        }
    ]
}


@pytest.fixture
def prometheus(
    prometheus_tools: PrometheusTools, vllm: VllmServer, triton: TritonServer, tmp_path: Path
) -> Iterator[PrometheusServer]:
    if prometheus_tools.prometheus is None:
        require(f"prom{prometheus_tools.version[0]}", "promtool is here, Prometheus is not")
    configuration = {
        "global": {"scrape_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [
            {"job_name": source, "file_sd_configs": [{"files": [f"targets/{source}.yaml"]}]}
            for source in ("vllm", "triton")
        ],
    }
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES))
    write_targets(tmp_path, {"vllm": [vllm.target], "triton": [triton.target]})
    with prometheus_server(prometheus_tools.prometheus, tmp_path, tmp_path / "run") as server:
        yield server


def test_prometheus_scrapes_both_servers(
    prometheus: PrometheusServer, vllm_observation: Observation, vllm: VllmServer
) -> None:
    """Every Prometheus stores both servers, with the colons of vLLM's names."""
    wait_until(
        lambda: prometheus.query("targets:up:sum == 2"), within=60, what="both servers are up"
    )
    tokens = prometheus.query("vllm:generation_tokens_total")
    start = prometheus.query("time()")[0][1]

    assert [target["health"] for target in prometheus.targets()] == ["up", "up"]
    assert [rule["health"] for rule in prometheus.rules()] == ["ok"]
    assert vllm_observation.after.total("vllm:generation_tokens_total") <= tokens[0][1]
    assert tokens[0][0] | {"job": "vllm", "model_name": vllm.model} == tokens[0][0]
    assert prometheus.series('{__name__=~"vllm_.*"}') == []
    assert prometheus.series('{__name__="nv_inference_count"}', "vllm:kv_cache_usage_perc")
    assert prometheus.query_range("up", start - 10, start, 1)


def test_a_refused_query_says_why(prometheus: PrometheusServer) -> None:
    """The error of Prometheus reaches the reader of the test."""
    with pytest.raises(QueryFailedError, match=r"bad_data.*parse error"):
        prometheus.query("sum(")


@pytest.mark.parametrize("error", [None, RuntimeError(), KeyboardInterrupt()])
def test_a_server_leaves_no_process(error: BaseException | None, tmp_path: Path) -> None:
    """What a server started ends with it, also when the block fails or is interrupted."""
    port = free_port()
    command = f"sleep 600 & exec {sys.executable} -m http.server --bind 127.0.0.1 {port}"
    seen = []

    def run() -> None:
        with running(
            ["bash", "-c", command],
            ready_url=f"http://127.0.0.1:{port}",
            within=30,
            log=tmp_path / "server.log",
        ) as group:
            seen.append((group, group_members(group)))
            if error is not None:
                raise error

    with pytest.raises(type(error)) if error is not None else nullcontext():
        run()
    ((group, members),) = seen

    assert len(members) == 2
    assert group_members(group) == set()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The end of its log is in the error."""
    with (
        pytest.raises(ServerFailedError, match=r"ended with 3:\n.*no such model"),
        running(
            [sys.executable, "-c", "print('no such model'); raise SystemExit(3)"],
            ready_url=f"http://127.0.0.1:{free_port()}",
            within=30,
            log=tmp_path / "server.log",
        ),
    ):
        pass
