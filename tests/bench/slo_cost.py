"""What an evaluation of promises reads: every rule of ours, of sloth and of pyrra, asked once.

A real Prometheus counts the samples, on a month of made counters and of what the rules recorded.
Recorded values are made up; how many samples are read does not depend on them.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.backfill import BLOCK_SECONDS, WORKERS, Stretch, blocks_from
from tests.bench.cost import Say
from tests.bench.queries import ask
from tests.bench.slo_differential import OURS, RULE_SETS, Groups, RuleSet
from tests.bench.slo_scenarios import Kind
from tests.bench.storage_server import StorageServer, serving
from tests.prometheus_tools import PrometheusTools

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS
SCRAPE_SECONDS = 60
#: Of a hundred requests, how many are good, bad and late.
_GOOD, _BAD = 99, 1
#: Requests of a replica between two scrapes.
_REQUESTS = 100


@dataclass(frozen=True)
class Size:
    """How much is measured: fleets of so many replicas, each with a gateway, over so many days."""

    days: int
    replicas: tuple[int, ...]


FULL = Size(30, (1, 200))
SMALL = Size(1, (1, 5))


@dataclass(frozen=True)
class Cost:
    """What one evaluation of all rules of a set took."""

    samples: int
    seconds: float


Costs = dict[int, dict[str, Cost]]


def measure(size: Size, tools: PrometheusTools, folder: Path, say: Say = lambda _: None) -> Costs:
    """Return the cost of each rule set by the number of replicas."""
    end = int(time.time()) // BLOCK_SECONDS * BLOCK_SECONDS
    stretch = Stretch(end - size.days * DAY_SECONDS, end, SCRAPE_SECONDS)
    found: Costs = {}
    for replicas in size.replicas:
        say(f"blocks of {replicas} replicas, {size.days} days")
        with tempfile.TemporaryDirectory(dir=folder) as name:
            storage = Path(name) / "storage"
            _backfill(tools, replicas, stretch, storage)
            say("rules asked")
            with serving(tools, storage, Path(name)) as server:
                found[replicas] = {
                    rules.name: _evaluated(server, rules, stretch) for rules in RULE_SETS
                }
    return found


def _evaluated(server: StorageServer, rules: RuleSet, stretch: Stretch) -> Cost:
    """Ask each rule of both promises once, at a full hour, when ours read most."""
    samples, seconds = 0, 0.0
    for rule in _rules_of(rules):
        answer = ask(server, rule["expr"], stretch, is_instant=True)
        if "record" in rule and not answer.means:
            raise ValueError(f"{rules.name}: {rule['record']} records nothing of the made series")
        samples += answer.samples
        seconds += answer.seconds
    return Cost(samples, seconds)


def _rules_of(rules: RuleSet) -> Iterator[Mapping[str, Any]]:
    """Yield the rules of both promises, each once."""
    seen = []
    for kind in Kind:
        groups: Groups = rules.groups(kind)
        for group in groups:
            if group not in seen:
                seen.append(group)
                yield from group["rules"]


# --- the made month ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Made:
    """A series: its text up to the value, its first value, how much it rises a scrape, how often."""

    head: str
    value: float
    rise: int = 0
    every: int = SCRAPE_SECONDS


def _backfill(tools: PrometheusTools, replicas: int, stretch: Stretch, storage: Path) -> None:
    series = [*_raw(replicas), *_recorded()]

    def one(window: range) -> None:
        with tempfile.NamedTemporaryFile("w", dir=storage.parent, suffix=".om") as file:
            for text in _samples(series, window, stretch.start):
                file.write(text)
            file.write("# EOF\n")
            file.flush()
            blocks_from(tools, Path(file.name), storage)

    with ThreadPoolExecutor(WORKERS) as pool:
        # Listed, so that an error of one is raised here.
        list(pool.map(one, stretch.windows()))


def _samples(series: Sequence[_Made], window: range, since: int) -> Iterator[str]:
    """Yield the samples of each series; the ends of their lines are those of many."""
    ends: dict[tuple[float, int, int], list[str]] = {}
    for made in series:
        key = (made.value, made.rise, made.every)
        if key not in ends:
            ends[key] = [
                f" {made.value + made.rise * ((moment - since) // SCRAPE_SECONDS)} {moment}\n"
                for moment in window
                if moment % made.every == 0
            ]
        yield "".join([made.head + end for end in ends[key]])


def _raw(replicas: int) -> Iterator[_Made]:
    """Yield what the rules read of each replica, a family after the other."""
    for job, port in (("gateway", 8080), ("vllm", 8000)):
        for number in range(replicas):
            target = {"job": job, "instance": f"{job}-{number}:{port}"}
            yield _Made(_head("up", target), 1)
    for number in range(replicas):
        gateway = {"job": "gateway", "instance": f"gateway-{number}:8080", "model": "m"}
        for outcome, rise in (("ok", _GOOD), ("error", _BAD)):
            yield _Made(_head("gateway_requests_total", {**gateway, "outcome": outcome}), 0, rise)
    family = "vllm:time_to_first_token_seconds"
    servers = [
        {"job": "vllm", "instance": f"vllm-{number}:8000", "model_name": "m", "engine": "0"}
        for number in range(replicas)
    ]
    for server in servers:
        for edge in ("2.5", "10.0"):
            yield _Made(_head(f"{family}_bucket", {**server, "le": edge}), 0, _GOOD)
    for server in servers:
        yield _Made(_head(f"{family}_count", server), 0, _REQUESTS)


def _recorded() -> Iterator[_Made]:
    """Yield what the rules have recorded: ours by promise, theirs as their labels say."""
    ours = {
        Kind.AVAILABILITY: {"source": "gateway", "role": "gateway"},
        Kind.LATENCY: {"source": "vllm", "role": "engine"},
    }
    heads: dict[str, int] = {}
    for rules in RULE_SETS:
        for rule in _rules_of(rules):
            name = rule.get("record", "")
            if not name:
                continue
            every = HOUR_SECONDS if name.endswith(":hour") else SCRAPE_SECONDS
            labels: dict[str, str] = rule.get("labels", {})
            if rules is not OURS:
                # pyrra counts by outcome here, and one of two is as good as both.
                more = {"outcome": "error"} if "by (outcome)" in rule["expr"] else {}
                heads[_head(name, {**labels, **more})] = every
            elif not name.startswith("llm:slo_objective"):
                for kind, source in ours.items():
                    own = {**source, "slo": kind.value, "model": "m"}
                    heads[_head(name, own if "slo_" in name else source)] = every
            else:
                heads[_head(name, labels)] = every
    for head, every in sorted(heads.items()):
        # A share that all may divide by.
        yield _Made(head, 0.5, every=every)


def _head(name: str, labels: Mapping[str, str]) -> str:
    inside = ",".join(f"{key}={json.dumps(value)}" for key, value in labels.items())
    return f"{name}{{{inside}}}"
