"""What `llmstack load` reads of an engine whose delays are known, and what that costs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.gateway.engine import Delays
from tests.bench.gateway.peers import HERE
from tests.bench.gateway.processor_time import cores, kept_to
from tests.bench.load_client import (
    ANSWER,
    ARRIVALS,
    ARRIVALS_SECONDS,
    BURST,
    CAPPED,
    CAPPED_RATE,
    CAPPED_TOTAL,
    PACED,
    PACED_TOTAL,
)
from tests.bench.results import Row, Section
from tests.live.process import free_port, running

ROOT = Path(__file__).resolve().parents[2]
RUNS = 3
TRUE = Delays(first=0.2, between=0.02)
#: Promised: p99 of the first token (seconds), processor time of a token (microseconds), how late
#: requests are sent at p99 (seconds), and requests a second on one core as many times those of the
#: best other.
FIRST_TOKEN, TOKEN, LATE, TIMES = 0.220, 12.0, 0.002, 3.0
#: Milliseconds of processor time of one request of 64 tokens that come at once, over the whole
#: command: vllm 0.32 `bench serve`, guidellm 0.8.1 and aiperf 0.13.0 on two cores like these
#: (2026-11-22); the best of two runs of the first.
OTHERS = {"vllm bench serve": 2.5, "guidellm": 17.7, "aiperf": 8.5}
#: The engine under uvloop, so that it is in time itself. Its assertions about asyncio's own classes
#: do not hold there (-O leaves them out).
_ENGINE = (
    "import runpy, sys, uvloop; from tests.bench.simulator_server import go_first; go_first(); "
    "uvloop.install(); del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
)

Found = dict[str, Any]


def measure() -> dict[str, Found]:
    """Return what was found in each way, in the run in which the client waited for its core least."""
    found = {}
    for what, delays in (
        ("paced", TRUE),
        ("bare", TRUE),
        ("burst", Delays()),
        ("arrivals", TRUE),
        ("capped", TRUE),
    ):
        with _engine(delays) as url:
            runs = [_run(what, url) for _ in range(1 if what == "capped" else RUNS)]
        found[what] = min(runs, key=lambda run: float(run["kept_waiting"]))
    return found


@contextmanager
def _engine(delays: Delays) -> Iterator[str]:
    engine_cores, _ = cores()
    port = free_port()
    command: list[str | Path] = [sys.executable, "-O", "-c", _ENGINE, HERE / "engine.py", str(port)]
    command += [f"--ttft={delays.first}", f"--itl={delays.between}"]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder, kept_to(engine_cores):
        log = Path(folder) / "engine.log"
        ready, root = f"{url}/health", {"PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}"}
        with running(command, ready_url=ready, within=30.0, log=log, environment=root):
            yield url


def _run(what: str, url: str) -> Found:
    _, client_cores = cores()
    with kept_to(client_cores):
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.load_client", what, url],
            env={**os.environ, "PYTHONPATH": ".:stack"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found: Found = json.loads(done.stdout)
    return found


def truth_of_capped() -> float:
    """Return the p99 of latency from the plan, of even arrivals and answers that take equally long."""
    answer = TRUE.first + (ANSWER - 1) * TRUE.between
    free, latencies = [0.0] * CAPPED, []
    for number in range(CAPPED_TOTAL):
        at = number / CAPPED_RATE
        place = free.index(min(free))
        free[place] = max(free[place], at) + answer
        latencies.append(free[place] - at)
    return sorted(latencies)[round(0.99 * CAPPED_TOTAL) - 1]


def section(found: dict[str, Found]) -> Section:
    """Return the rows of what was found."""
    results = {what: each["results"] for what, each in found.items() if what != "bare"}
    paced, burst = results["paced"], results["burst"]
    first, gap = paced["latency"]["ttft_sent"], paced["latency"]["itl"]
    token = found["paced"]["cpu"] / paced["tokens"]["answer"] * 1e6
    floor = found["bare"]["cpu"] / (PACED_TOTAL * ANSWER) * 1e6
    request = found["burst"]["cpu"] / burst["requests"]["answered"]
    best = min(OTHERS.values()) / 1e3
    late = results["arrivals"]["client"]["late"]["p99"]
    capped, truth = results["capped"]["latency"]["e2e"]["p99"], truth_of_capped()
    rows = [
        Row(
            f"TTFT p99 with {PACED} streams",
            f"{first['p99'] * 1e3:.1f} ms (p50 {first['p50'] * 1e3:.1f})",
            f"{TRUE.first * 1e3:.0f} ms",
            f"{first['p99'] / TRUE.first:.2f}",
            f"at most {FIRST_TOKEN * 1e3:.0f} ms",
            first["p99"] <= FIRST_TOKEN,
        ),
        Row(
            "ITL p50 and p99 of them",
            f"{gap['p50'] * 1e3:.1f} and {gap['p99'] * 1e3:.1f} ms",
            f"{TRUE.between * 1e3:.0f} ms",
            f"{gap['p50'] / TRUE.between:.2f}",
        ),
        Row(
            "processor time of a token of them",
            f"{token:.1f} us",
            f"{floor:.1f} us, a client that reads nothing",
            f"{token / floor:.1f}",
            f"at most {TOKEN:.0f} us",
            token <= TOKEN,
        ),
        Row(
            f"requests/s of a core, {BURST} at a time whose {ANSWER} tokens come at once",
            f"{1 / request:,.0f}",
            f"{1 / best:,.0f}, vllm bench serve",
            f"{best / request:.1f}",
            f"at least {TIMES:.0f} times",
            best / request >= TIMES,
        ),
        Row(
            f"sent late, p99, at {ARRIVALS:g} requests/s for {ARRIVALS_SECONDS:g} s",
            f"{late * 1e3:.2f} ms",
            "the plan",
            "",
            f"at most {LATE * 1e3:.0f} ms",
            late <= LATE,
        ),
        Row(
            f"E2E p99 of {CAPPED_TOTAL} requests, {CAPPED_RATE:g} a second, {CAPPED} at a time",
            f"{capped:.2f} s",
            f"{truth:.2f} s by the plan",
            f"{capped / truth:.2f}",
            "within 5%",
            abs(capped / truth - 1) < 0.05,
        ),
        Row(
            "the client waited for its core, which others had",
            f"{found['paced']['kept_waiting']:.2f} s of the streams",
            f"of {paced['seconds']:.1f} s",
            f"{found['paced']['kept_waiting'] / paced['seconds']:.1%}",
        ),
    ]
    others = ", ".join(f"{name} {cost:g} ms" for name, cost in OTHERS.items())
    return Section(
        "Load",
        "Written by `make bench-load`. `llmstack load` on one core against the mock engine of the "
        f"gateway's measurements on another (TTFT {TRUE.first * 1e3:.0f} ms, ITL "
        f"{TRUE.between * 1e3:.0f} ms, {ANSWER} tokens); of {RUNS} runs the one in which the client "
        "waited least for its core. Others are not run here; their processor time of a request, "
        f"over the whole command, was measured on such a machine: {others}. With more requests "
        "than places they print an E2E p99 of 1.46 s, as they count from when a request was sent.",
        ("what", "as read", "against", "ratio"),
        rows,
    )


if __name__ == "__main__":
    print(section(measure()))
