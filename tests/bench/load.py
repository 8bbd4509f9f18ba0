"""What `llmstack load` reads of an engine whose delays are known, and what that costs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.gateway.engine import Delays
from tests.bench.gateway.peers import HERE
from tests.bench.gateway.processor_time import cores, kept_to
from tests.bench.load_client import (
    ANSWER,
    ARRIVALS,
    ARRIVALS_SECONDS,
    CAPPED,
    CAPPED_RATE,
    CAPPED_TOTAL,
    FLOORS,
    PACED,
    PACED_TOTAL,
    TRACE,
    TRACE_PART,
)
from tests.bench.load_peers import TOOLS, Load, Tool, run
from tests.bench.results import Row, Section
from tests.live.environment import UnavailableError
from tests.live.process import free_port, running
from tests.live.vllm_server import install_vllm

ROOT = Path(__file__).resolve().parents[2]
RUNS, ROUNDS = 3, 5
TRUE = Delays(first=0.2, between=0.02)
#: Promised: p99 of the first token (seconds), how late requests are sent at p99 (seconds), and
#: requests a second on one core as many times those of the best other.
FIRST_TOKEN, LATE, TIMES = 0.220, 0.002, 3.0
#: And the processor time of a token (microseconds), of a machine on which a client that only notes
#: when events came takes 8; where that takes more, by as much more.
TOKEN, NOTED = 12.0, 8.0
#: Requests of a command that is measured, beside one of so few that all of it is its start; slow
#: tools take minutes for more.
FEW, MANY = 64, 2064
#: Streams of the tools that are compared: at once without delays, and paced with their requests.
BURST = 32
COMPARED, COMPARED_TOTAL = 256, 1024
#: What takes a minute, or has its truth in a plan, is measured once.
_LONG = ("capped", "trace")
#: Of the median of the first token: so late it may read at p99 what it has to (seconds).
READ_LATE = 0.05 * TRUE.first
#: The engine under uvloop, so that it is in time itself. Its assertions about asyncio's own classes
#: do not hold there (-O leaves them out).
_ENGINE = (
    "import runpy, sys, uvloop; from tests.bench.simulator_server import go_first; go_first(); "
    "uvloop.install(); del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
)

Found = dict[str, Any]


def measure() -> dict[str, Found]:
    """Return what was found in each way.

    What is compared is run in turns, and told of the run with the median of processor times; else
    the run is told in which the client waited for its core least.
    """
    found, compared = {}, ("paced", *FLOORS)
    with _engine(TRUE) as url:
        rounds = [{what: _run(what, url) for what in compared} for _ in range(ROUNDS)]
        for what in compared:
            runs = sorted((each[what] for each in rounds), key=lambda run: float(run["cpu"]))
            found[what] = runs[ROUNDS // 2]
        for what in ("arrivals", "capped", *(["trace"] if TRACE.is_file() else [])):
            runs = [_run(what, url) for _ in range(1 if what in _LONG else RUNS)]
            found[what] = min(runs, key=lambda run: float(run["kept_waiting"]))
    return found


@contextmanager
def _engine(delays: Delays) -> Iterator[str]:
    engine_cores, _ = cores()
    port = free_port()
    command: list[str | Path] = [sys.executable, "-O", "-c", _ENGINE, HERE / "engine.py", str(port)]
    command += [f"--ttft={delays.first}", f"--itl={delays.between}"]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        log = Path(folder) / "engine.log"
        ready, root = f"{url}/health", {"PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}"}
        # Only while it starts: who asks it meanwhile has to see all cores to take another.
        with kept_to(engine_cores):
            stack.enter_context(
                running(command, ready_url=ready, within=30.0, log=log, environment=root)
            )
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


@dataclass(frozen=True)
class Compared:
    """A tool beside the others: seconds of processor time of a request, and what it read of TTFT.

    What it costs to start is left out. `problem` says why there is nothing to tell.
    """

    name: str
    request: float = 0.0
    first: float = 0.0
    first_p99: float = 0.0
    problem: str = ""


def compare(say: Callable[[str], None]) -> list[Compared]:
    """Return what each tool costs and reads, asked of the same engine one after the other."""
    tokenizer = install_vllm().folder / "model"
    found = []
    for install in TOOLS:
        say(f"{install.__name__} …")
        try:
            found.append(_compared(install(), tokenizer))
        except UnavailableError as error:
            found.append(Compared(install.__name__, problem=str(error).splitlines()[0]))
        say(f"{found[-1]}")
    return found


def _compared(tool: Tool, tokenizer: Path) -> Compared:
    _, client_cores = cores()
    with _engine(Delays()) as url, kept_to(client_cores):
        few, many = (run(tool, Load(url, BURST, total), tokenizer) for total in (FEW, MANY))
    with _engine(TRUE) as url, kept_to(client_cores):
        paced = run(tool, Load(url, COMPARED, COMPARED_TOTAL), tokenizer)
    request = (many.cpu - few.cpu) / (many.told.answered - few.told.answered)
    return Compared(tool.name, request, paced.told.first, paced.told.first_p99)


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


def section(found: dict[str, Found], compared: Sequence[Compared]) -> Section:
    """Return the rows of what was found, and of what others cost and read."""
    results = {what: each["results"] for what, each in found.items() if what not in FLOORS}
    paced = results["paced"]
    first, gap = paced["latency"]["ttft_sent"], paced["latency"]["itl"]
    token = found["paced"]["cpu"] / paced["tokens"]["answer"] * 1e6
    bare, scanning = (found[what]["cpu"] / (PACED_TOTAL * ANSWER) * 1e6 for what in FLOORS)
    own, *others = compared
    best = min((each for each in others if not each.problem), key=lambda each: each.request)
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
            f"{scanning:.1f} us, a client that only notes when events came",
            f"{token / scanning:.2f}",
            f"at most {TOKEN:g} us where that takes {NOTED:g} or less, else {TOKEN / NOTED:g} times",
            token <= TOKEN * max(1.0, scanning / NOTED),
        ),
        Row(
            "a client that reads nothing",
            f"{bare:.1f} us",
            f"{scanning:.1f} us",
            f"{bare / scanning:.2f}",
        ),
        Row(
            f"requests/s of a core, {BURST} at a time whose {ANSWER} tokens come at once",
            f"{1 / own.request:,.0f}",
            f"{1 / best.request:,.0f}, {best.name}",
            f"{best.request / own.request:.1f}",
            f"at least {TIMES:.0f} times",
            best.request / own.request >= TIMES,
        ),
        *(_compared_row(each) for each in compared),
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
        *([_trace_row(results["trace"])] if "trace" in results else []),
        Row(
            "the client waited for its core, which others had",
            f"{found['paced']['kept_waiting']:.2f} s of the streams",
            f"of {paced['seconds']:.1f} s",
            f"{found['paced']['kept_waiting'] / paced['seconds']:.1%}",
        ),
    ]
    return Section(
        "Load",
        "Written by `make bench-load`. `llmstack load` on one core against the mock engine of the "
        f"gateway's measurements on another (TTFT {TRUE.first * 1e3:.0f} ms, ITL "
        f"{TRUE.between * 1e3:.0f} ms, {ANSWER} tokens). What a token costs is the median of {ROUNDS} "
        "rounds in which the clients take turns. The other tools are run one after the other on that core, with "
        "the commands of `tests/bench/load_peers.py`; of the processor time of a request their "
        f"start is left out ({MANY:,} requests less {FEW}).",
        ("what", "as read", "against", "ratio"),
        rows,
    )


def _trace_row(found: Found) -> Row:
    """Return whether the client kept up with a trace."""
    read, sent = found["client"]["lag"]["p99"], found["client"]["late"]["p99"]
    asked = (
        f"{found['rates']['requests']:.0f} req/s, {found['rates']['answer_tokens']:,.0f} tokens/s"
    )
    return Row(
        f"{TRACE.name} at {TRACE_PART.speedup:g} times its speed, {asked}: read and sent late, p99",
        f"{read * 1e3:.2f} and {sent * 1e3:.2f} ms, {found['requests']['failed']} failed",
        "the plan",
        "",
        f"at most {READ_LATE * 1e3:.0f} ms",
        max(read, sent) <= READ_LATE and not found["requests"]["failed"],
    )


def _compared_row(each: Compared) -> Row:
    what = f"{each.name}: TTFT p50 and p99 with {COMPARED} streams; processor time of a request"
    if each.problem:
        return Row(what, "not to be had", each.problem, "")
    read = f"{each.first * 1e3:.0f} and {each.first_p99 * 1e3:.0f} ms; {each.request * 1e3:.2f} ms"
    return Row(what, read, f"{TRUE.first * 1e3:.0f} ms", f"{each.first_p99 / TRUE.first:.2f}")


if __name__ == "__main__":
    print(section(measure(), compare(print)))
