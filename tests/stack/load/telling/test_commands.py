"""The options that say who is told of a run, with commands from begin to end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llmstack.cli import main
from llmstack.load.program import NOT_HELD, NOT_TO_BE_TRUSTED
from llmstack.load.results import without_secrets
from tests.live.process import wait_until
from tests.stack.load.simulated import simulated
from tests.stack.load.telling.told_servers import grafana, page_at, told_server

ROOT = Path(__file__).resolve().parents[4]
SMALL = ["--prompt-tokens", "const:20", "--answer-tokens", "const:5", "--log-every", "0"]
FEW = ["--rate", "100", "--total", "4", *SMALL]


def invoke(*words: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, words, catch_exceptions=False)


def written(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize(("options", "expected"), [([], r"[0-9a-f]{8}"), (["--run-id", "inn-7"], "inn-7")])  # fmt: skip
def test_results_name_their_run(options: list[str], expected: str, tmp_path: Path) -> None:
    """By a short random id, or the one that was given; nobody need be told for it."""
    with simulated() as url:
        invoke("load", "--url", url, *FEW, *options, "--output", str(tmp_path / "a.json"))

    assert re.fullmatch(expected, written(tmp_path / "a.json")["run"])


def test_all_are_told_of_one_run(tmp_path: Path) -> None:
    """The Pushgateway has the figures of the results, and Grafana a region, by one id."""
    with simulated() as url, told_server() as gateway, told_server(grafana) as told:
        done = invoke("load", "--url", url, *FEW, "--run-id", "r7", "--push-url", gateway.url, "--annotate", told.url, "--metrics-port", "0", "--output", str(tmp_path / "a.json"), GRAFANA_TOKEN="glsa_x")  # fmt: skip
    pushed = gateway.requests[-1].body.decode().splitlines()

    assert done.output.startswith("Metrics of run r7: http://127.0.0.1:")
    assert 'load_requests_total{model="inn",outcome="ok"} 4.0' in pushed
    assert 'load_tokens_generated_total{model="inn"} 20.0' in pushed
    # The client samples how late it is itself.
    assert not any(line == "load_read_lag_seconds_count 0.0" for line in pushed)
    assert 1 == sum(line.startswith("load_run_info") and 'run="r7"' in line for line in pushed)
    assert ["POST", "PATCH"] == [each.method for each in told.requests]
    assert "r7" in told.requests[0].json["tags"]
    assert 4 == written(tmp_path / "a.json")["requests"]["answered"]


def test_who_cannot_be_told_ends_no_run() -> None:
    """What went wrong is a line each, and the exit is that of the run."""
    with simulated() as url:
        alone = invoke("load", "--url", url, *FEW)
        with told_server(lambda _: (503, b"away")) as told:
            done = invoke("load", "--url", url, *FEW, "--push-url", told.url, "--annotate", told.url)  # fmt: skip

    assert "Requests: 4 answered, 0 failed" in done.output
    assert [
        "--annotate: POST /api/annotations: 503 away",
        "--push-url: 2 of 2 pushes failed, the last with 503 away",
    ] == done.output.splitlines()[:2]
    # On a machine with much else to do either may be late.
    assert {alone.exit_code, done.exit_code} <= {0, 3}


def test_grafana_of_the_environment_is_told_when_asked_for() -> None:
    """And not without: nobody else's Grafana is written to because a variable is set."""
    with simulated() as url, told_server(grafana) as told:
        invoke("load", "--url", url, *FEW, GRAFANA_URL=told.url)
        unasked = len(told.requests)
        invoke("load", "--url", url, *FEW, "--annotate", GRAFANA_URL=told.url)

    assert (0, 2) == (unasked, len(told.requests))


def test_a_replay_is_told_of_too(tmp_path: Path) -> None:
    """With the same options."""
    trace = tmp_path / "trace.csv"
    rows = [f"2023-11-16 18:15:46.{number}000000,{20 + number},5" for number in range(3)]
    trace.write_text("\r\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]))
    with simulated() as url, told_server() as gateway:
        invoke("replay", "--csv", str(trace), "--url", url, "--no-cache", "--log-every", "0", "--push-url", gateway.url)  # fmt: skip
    pushed = gateway.requests[-1].body.decode().splitlines()

    assert 'load_requests_offered_total{model="inn"} 3.0' in pushed
    assert 'load_tokens_offered_total{model="inn",part="prompt"} 63.0' in pushed


def test_each_rate_of_a_search_is_a_run_that_is_told_of() -> None:
    """With its number behind the id; what is counted goes on from one to the next."""
    with simulated() as url, told_server() as gateway, told_server(grafana) as told:
        done = invoke("load", "--url", url, "--find-max-rate", "--rate", "40", "--duration", "0.1", "--slo", "e2e_p50=0.001ms", *SMALL, "--run-id", "r7", "--push-url", gateway.url, "--annotate", told.url)  # fmt: skip
    tried = re.findall(r"NOT (?:HELD|KNOWN): (\d+) of \d+ answered", done.output)
    pushed = [each.body.decode().splitlines() for each in gateway.requests]
    begun = [each.json["tags"][-1] for each in told.requests if each.method == "POST"]
    counted = [int(float(line.split()[-1])) for page in pushed for line in page if line.startswith('load_requests_total{model="inn",outcome="ok"}')]  # fmt: skip

    assert ["r7-1", "r7-2", "r7-3"] == begun
    assert ["POST", "PATCH"] * 3 == [each.method for each in told.requests]
    assert sorted(counted) == counted
    assert sum(map(int, tried)) == counted[-1] > 0
    assert [1] * len(pushed) == [sum(line.startswith("load_run_info{") for line in page) for page in pushed]  # fmt: skip


def test_a_search_is_read_at_one_address() -> None:
    """Whoever reads sees all of its rates, and the last values wait to be read."""
    with simulated() as url, subprocess.Popen([sys.executable, "-m", "llmstack", "load", "--url", url, "--find-max-rate", "--rate", "50", "--duration", "0.2", "--slo", "e2e_p50=0.001ms", *SMALL, "--metrics-port", "0", "--metrics-linger", "60"], env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}", "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True) as process:  # fmt: skip
        assert process.stdout is not None
        page = process.stdout.readline().split()[-1]
        pages = [page_at(page) for _ in process.stdout]
        code = process.wait()
    runs = [re.findall(r'run="\w+-(\d+)"', each) for each in pages if each]

    # On a machine with much else to do the client may be late itself.
    assert code in (NOT_HELD, NOT_TO_BE_TRUSTED)
    # One reads while a rate is tried, and whoever comes between two is answered by the next.
    assert len({number for numbers in runs for number in numbers}) > 1
    assert [1] * len(runs) == [len(numbers) for numbers in runs]
    assert "load_run_end_time_seconds{" in [each for each in pages if each][-1]


def test_passwords_in_addresses_are_not_written() -> None:
    """Results have the command without them."""
    words = ["--push-url", "http://inn:keeper@barn:9091", "--annotate=https://a:b@c/d", "--run-id", "a@b"]  # fmt: skip

    assert ["--push-url", "http://…@barn:9091", "--annotate=https://…@c/d", "--run-id", "a@b"] == (
        without_secrets(words)
    )


def test_ctrl_c_skips_the_wait_for_the_last_scrape(tmp_path: Path) -> None:
    """A run that has ended waits to be read; who is in a hurry has the report at once."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}", "PYTHONUNBUFFERED": "1"}
    with simulated() as url:
        words = [sys.executable, "-m", "llmstack", "load", "--url", url, *FEW, "--metrics-port", "0", "--metrics-linger", "900", "--output", str(tmp_path / "a.json")]  # fmt: skip
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            first = next(lines)
            waits = next(line for line in lines if line.startswith("The last values are at "))
            process.send_signal(signal.SIGINT)
            said = process.stdout.read()

    assert process.returncode in (0, 3)
    assert first.split()[-1] in waits
    assert "Requests: 4 answered, 0 failed" in said
    assert not written(tmp_path / "a.json")["is_interrupted"]


def test_the_last_values_wait_for_who_has_read_before(tmp_path: Path) -> None:
    """They are read once more, with the end of the run in them, and then the port is free."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}", "PYTHONUNBUFFERED": "1"}
    with simulated() as url:
        words = [sys.executable, "-m", "llmstack", "load", "--url", url, "--rate", "20", "--duration", "2", *SMALL, "--metrics-port", "0", "--output", str(tmp_path / "a.json")]  # fmt: skip
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            page = process.stdout.readline().split()[-1]
            wait_until(
                lambda: "load_run_start" in page_at(page), within=30, what="metrics are shown"
            )
            wait_until(lambda: "load_run_end" in (last := page_at(page)) and last, within=30, what="the end is shown")  # fmt: skip
            said = process.stdout.read()

    assert "The last values are at " in said
    assert "" == page_at(page)
