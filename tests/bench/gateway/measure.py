"""Rounds of streams through each gateway in turn, beside the engine asked directly."""

from __future__ import annotations

import asyncio
import gc
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.gateway.client import Load, ask, is_complete
from tests.bench.gateway.engine import Delays
from tests.bench.gateway.peers import HERE, Peer
from tests.bench.gateway.processor_time import cores, cpu_seconds, kept_to
from tests.live.process import free_port, running

Say = Callable[[str], None]
DIRECT = "the engine itself"


@dataclass(frozen=True)
class Mode:
    """A load, and the delays of the engine that it is put on."""

    name: str
    load: Load
    delays: Delays
    rounds: int

    def load_of(self, fewer: int) -> Load:
        """Return the load of a peer that is asked for so many times fewer streams."""
        return replace(self.load, streams=max(self.load.at_once, self.load.streams // fewer))

    @property
    def warming(self) -> Load:
        """The load before all rounds, which is not measured: one stream of each asker."""
        return replace(self.load, streams=self.load.at_once)


#: Many short rounds: other work on the machine comes and goes, and a median is not moved by it.
BURST = Mode("burst", Load(streams=800, at_once=32, tokens=64), Delays(), rounds=7)
PACED = Mode(
    "paced", Load(streams=128, at_once=64, tokens=64), Delays(first=0.2, between=0.02), rounds=7
)


@dataclass(frozen=True)
class Round:
    """One load on one server."""

    streams: int
    complete: int
    tokens: int
    seconds: float
    #: Seconds of processor time of the server.
    cpu: float
    #: Seconds to the first token at the middle, and of the slowest in a hundred.
    first: tuple[float, float]

    @property
    def requests_a_second(self) -> float:
        """Requests in a second that has passed."""
        return self.streams / self.seconds

    @property
    def milliseconds_a_request(self) -> float:
        """Processor time of a request."""
        return self.cpu / self.streams * 1e3

    @property
    def microseconds_a_token(self) -> float:
        """Processor time of a token."""
        return self.cpu / self.tokens * 1e6


Read = Callable[[Round], float]


@dataclass(frozen=True)
class Measured:
    """All rounds of one server in one mode, in order; their medians are what is told."""

    rounds: Sequence[Round]

    @property
    def streams(self) -> int:
        """How many streams were asked for."""
        return sum(each.streams for each in self.rounds)

    @property
    def complete(self) -> int:
        """How many of them came whole."""
        return sum(each.complete for each in self.rounds)

    def middle(self, read: Read) -> float:
        """Return the median of a number."""
        return statistics.median(map(read, self.rounds))

    def times(self, other: Measured, read: Read) -> float:
        """Return how many times another's number it is, beside it in the same round."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(read(own) / read(its) for own, its in pairs)

    def added(self, direct: Measured) -> tuple[float, float]:
        """Return what it adds to the first token, at the middle and at the slowest in a hundred."""
        pairs = list(zip(self.rounds, direct.rounds, strict=True))
        middle, slow = (
            statistics.median(own.first[place] - bare.first[place] for own, bare in pairs)
            for place in (0, 1)
        )
        return middle, slow


Results = dict[str, Measured]


@dataclass(frozen=True)
class _Server:
    """What is asked: a gateway, or the engine itself, which has no peer and whose time is nobody's."""

    name: str
    url: str
    group: int = 0
    peer: Peer | None = None

    def round(self, load: Load) -> Round:
        """Put a load on it, and check what came afterwards."""
        key = "" if self.peer is None else self.peer.key
        gc.collect()
        gc.disable()
        before, began = self._cpu_seconds(), time.perf_counter()
        answers = asyncio.run(ask(self.url, load, key))
        seconds = time.perf_counter() - began
        cpu = self._cpu_seconds() - before
        gc.enable()
        firsts = sorted(each.first_token for each in answers)
        return Round(
            streams=len(answers),
            complete=sum(is_complete(each, load.tokens) for each in answers),
            tokens=len(answers) * load.tokens,
            seconds=seconds,
            cpu=cpu,
            first=(quantile(firsts, 0.5), quantile(firsts, 0.99)),
        )

    def _cpu_seconds(self) -> float:
        return cpu_seconds(self.group) if self.group else 0.0


def measure(mode: Mode, peers: Sequence[Peer], say: Say) -> Results:
    """Return what was measured of each peer, and of the engine itself under `DIRECT`."""
    ours, theirs = cores()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack, kept_to(ours):
        engine = stack.enter_context(_engine(mode.delays, Path(folder)))
        servers = [_Server(DIRECT, engine)]
        for peer in peers:
            with kept_to(theirs):
                servers.append(stack.enter_context(_started(peer, engine, Path(folder))))
            say(f"{mode.name}: {peer.name} is ready")
        for server in servers:
            server.round(mode.warming)
        found: dict[str, list[Round]] = {server.name: [] for server in servers}
        for number in range(mode.rounds):
            # There and back again, so that nobody is always the first.
            for server in servers[:: -1 if number % 2 else 1]:
                fewer = 1 if server.peer is None else server.peer.fewer
                done = server.round(mode.load_of(fewer))
                found[server.name].append(done)
                say(f"{mode.name}, round {number + 1}: {server.name}: {_told(done)}")
    return {name: Measured(rounds) for name, rounds in found.items()}


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _told(done: Round) -> str:
    return (
        f"{done.requests_a_second:.0f} requests/s, {done.microseconds_a_token:.1f} us a token, "
        f"first token {done.first[0] * 1e3:.1f} and {done.first[1] * 1e3:.1f} ms, "
        f"{done.complete} of {done.streams} complete"
    )


@contextmanager
def _engine(delays: Delays, folder: Path) -> Iterator[str]:
    port = free_port()
    command: list[str | Path] = [sys.executable, HERE / "engine.py", str(port)]
    command += [f"--ttft={delays.first}", f"--itl={delays.between}"]
    url = f"http://127.0.0.1:{port}"
    with running(command, ready_url=f"{url}/health", within=30.0, log=folder / "engine.log"):
        yield url


@contextmanager
def _started(peer: Peer, engine: str, folder: Path) -> Iterator[_Server]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(
        peer.command(port, engine),
        ready_url=f"{url}{peer.ready}",
        within=peer.within,
        log=folder / f"{port}.log",
        environment=peer.variables(port, engine),
    ) as group:
        yield _Server(peer.name, url, group, peer)
