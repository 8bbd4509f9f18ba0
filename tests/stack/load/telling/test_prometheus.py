"""A real Prometheus with our built files watches a run: the page has data, and the results agree."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from llmdash import Duration, Intervals, Pack, gateway, load, vllm
from llmdash.artifacts import write
from llmdash.build import Build
from llmdash.checks import checked
from llmdash.compiler import compile_pack
from llmdash.metrics import load as catalogue
from llmdash.metrics.metric import Histogram
from tests.live.process import free_port, wait_until
from tests.live.prometheus_server import PrometheusServer, prometheus_server, write_targets
from tests.live.questions import Question, annotation_questions, panel_questions
from tests.live.stack_programs import KEY, gateway_program
from tests.prometheus_tools import tools_of_major
from tests.requirements import require
from tests.stack.load.simulated import simulated

PAGE = "dashboards/llm-serving/llm-load-overview.json"
#: So that a run of seconds has scrapes and evaluations enough.
QUICK = Intervals(
    scrape=Duration.parse("1s"), recordings=Duration.parse("1s"), alerts=Duration.parse("1s")
)
#: As long as what was scraped is looked back on.
WINDOW = "10m"
#: What the results call a latency, and its family.
LATENCIES = (
    ("ttft", catalogue.LOAD_TIME_TO_FIRST_TOKEN_SECONDS),
    ("itl", catalogue.LOAD_INTER_TOKEN_LATENCY_SECONDS),
    ("tpot", catalogue.LOAD_TIME_PER_OUTPUT_TOKEN_SECONDS),
    ("e2e", catalogue.LOAD_REQUEST_DURATION_SECONDS),
)


@dataclass(frozen=True)
class Watched:
    """What came of a run that was watched."""

    server: PrometheusServer
    build: Build
    found: dict[str, Any]
    #: Questions of the page that were never answered with a finite number.
    unanswered: list[Question]

    def last(self, name: str, **labels: str) -> float:
        """The last value of a series before its target went away."""
        matchers = ", ".join(f'{label}="{value}"' for label, value in labels.items())
        ((_, value),) = self.server.query(f"last_over_time({name}{{{matchers}}}[{WINDOW}])")
        return value


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    binary = tools_of_major(3).prometheus
    if binary is None:
        require("prom3", "promtool 3.x has no Prometheus beside it")
    folder = tmp_path_factory.mktemp("watched")
    build = checked(compile_pack(Pack(sources=(vllm(), gateway(), load()), intervals=QUICK)))
    write(build.artifacts, folder / "built")
    configuration, port = folder / "built" / "prometheus", free_port()
    results = folder / "run.json"
    with simulated() as engine, gateway_program(folder, [engine]) as door:
        targets = {
            "vllm": [engine.removeprefix("http://")],
            "gateway": [door.metrics_url.split("/")[2]],
            "load": [f"127.0.0.1:{port}"],
        }
        write_targets(configuration, targets)
        command = [
            *(sys.executable, "-m", "llmstack", "load", "--url", door.base_url, "--api-key", KEY),
            *("--rate", "20", "--duration", "15", "--prompt-tokens", "const:20"),
            *("--answer-tokens", "uniform:3,9", "--metrics-port", str(port)),
            # It is read within a second, however busy the machine is.
            *("--metrics-linger", "120", "--output", str(results)),
        ]
        with prometheus_server(binary, configuration, folder) as server:
            running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            try:
                opened = [q for q in panel_questions(build, "inn") if q.place.startswith(PAGE)]
                assert opened

                def is_over() -> bool:
                    opened[:] = [each for each in opened if not _is_answered(server, each)]
                    return running.poll() is not None

                wait_until(is_over, within=180, what="the run is over")
                # What only the end tells was read, if anything was.
                opened[:] = [each for each in opened if not _is_answered(server, each)]
            finally:
                running.terminate()
                running.wait()
            yield Watched(server, build, json.loads(results.read_text()), opened)


def _is_answered(server: PrometheusServer, question: Question) -> bool:
    return any(math.isfinite(value) for _, value in server.query(question.text))


@pytest.mark.promtool
class TestWatched:
    """What Prometheus knows of a run."""

    def test_every_panel_has_data(self, watched: Watched) -> None:
        """Each query of the page: the client's own, and those of the servers that it asked."""
        assert [] == [(each.place, each.text) for each in watched.unanswered]

    def test_counts_are_those_of_the_results(self, watched: Watched) -> None:
        """Exactly: the last scrape comes after the last request."""
        requests, tokens = watched.found["requests"], watched.found["tokens"]

        assert requests["answered"] > 0
        assert {
            "answered": requests["answered"],
            "failed": requests["failed"],
            "sent": requests["sent"],
            "offered": requests["sent"] + requests["not_sent"],
            "prompt": tokens["prompt"],
            "answer": tokens["answer"],
            "received": sum(row["bytes_received"] for row in watched.found["series"]),
        } == {
            "answered": watched.last("load_requests_total", outcome="ok"),
            "failed": watched.last("load_requests_total", outcome="error"),
            "sent": watched.last("load_requests_sent_total"),
            "offered": watched.last("load_requests_offered_total"),
            "prompt": watched.last("load_tokens_prompted_total"),
            "answer": watched.last("load_tokens_generated_total"),
            "received": watched.last("load_bytes_received_total"),
        }

    @pytest.mark.parametrize(("latency", "family"), LATENCIES, ids=[name for name, _ in LATENCIES])
    @pytest.mark.parametrize("share", [0.5, 0.95])
    def test_quantiles_lie_in_the_bucket_of_the_results(
        self, watched: Watched, latency: str, family: Histogram, share: float
    ) -> None:
        """What is read off buckets is as exact as they are; means are those of the results."""
        buckets = f"last_over_time({family.name}_bucket[{WINDOW}])"
        ((_, read),) = watched.server.query(f"histogram_quantile({share}, {buckets})")
        figures = watched.found["latency"][latency]
        exact = figures[f"p{share * 100:g}"]
        above = next(edge for edge in family.edges if exact <= edge)
        below = max((edge for edge in family.edges if edge < exact), default=0.0)
        total, count = (watched.last(f"{family.name}_{part}") for part in ("sum", "count"))

        assert below <= read <= above
        assert figures["count"] == count
        assert pytest.approx(figures["mean"], abs=1e-6) == total / count

    def test_the_run_is_named_and_has_its_times(self, watched: Watched) -> None:
        """By the id of the results, and as events when it began and ended."""
        ((labels, _),) = watched.server.query(f"last_over_time(load_run_info[{WINDOW}])")
        began, ended = (
            watched.last(f"load_run_{which}_time_seconds") for which in ("start", "end")
        )

        assert watched.found["run"] == labels["run"]
        assert pytest.approx(watched.found["seconds"], abs=5) == ended - began
        events = [
            each for each in annotation_questions(watched.build) if each.place.startswith(PAGE)
        ]
        times = {
            each.place.rpartition(": ")[2]: watched.server.query(each.text, at=ended)
            for each in events
        }
        assert [began * 1000] == [value for _, value in times["Run begins"]]
        assert [ended * 1000] == [
            value
            for _, value in watched.server.query(
                next(each.text for each in events if "Run ends" in each.place), at=ended + 60
            )
        ]

    def test_servers_agree(self, watched: Watched) -> None:
        """Nobody else asked: the gateway answered as many as the client was."""
        # The client has also asked which models there are.
        chats = 'gateway_requests_total{outcome="ok", endpoint="/v1/chat/completions"}'
        answered = watched.found["requests"]["answered"]

        # The gateway's last answers are scraped a moment later than the client's.
        wait_until(
            lambda: [({}, answered)] == watched.server.query(f"sum({chats})"),
            within=30,
            what=f"the gateway has answered {answered}",
        )
