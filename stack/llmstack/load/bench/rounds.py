"""Measures servers in rounds: each in its turn, when it is idle, with the requests of the round."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from llmstack.errors import ConfigurationError
from llmstack.load.bench.energy import EVERY, Meter, energy
from llmstack.load.bench.order import Order, rounds_of, seed_of
from llmstack.load.bench.servers import Server
from llmstack.load.orders import Servers, Synthetic
from llmstack.load.program import measure
from llmstack.load.results import Document, command_line, environment, without_secrets
from llmstack.load.server_side.readings import Reading
from llmstack.load.server_side.server_side import Counted, Peaks, counted, now, server_side
from llmstack.load.server_side.sources import Pages, UnreadableError
from llmstack.load.server_side.watch import Watch
from llmstack.scraping.gpus import ENERGY, POWER

SCHEMA, VERSION = "llmstack.bench", 1

Say = Callable[[str], None]
#: Is called when there is more to be kept: with all there is, and with the run that is new.
Keep = Callable[[Document, Document], None]


@dataclass(frozen=True)
class Asked:
    """What a bench is asked to do."""

    load: Synthetic
    servers: Sequence[Server]
    #: How they are asked: the fields of `Servers` that are the same for all.
    ways: Mapping[str, Any]
    rounds: int = 3
    order: Order = Order.ROTATED
    seed: int = 0
    prometheus: str | None = None
    gpu_exporter: str | None = None
    #: Seconds that a server is given to become idle.
    idle_within: float = 60.0

    @property
    def verifies(self) -> bool:
        """Whether certificates have to be good."""
        return bool(self.ways.get("verifies", True))

    def meters_of(self, server: Server) -> frozenset[str] | None:
        """Return the GPUs that are charged to a server; empty for all, None where nobody knows."""
        if self.gpu_exporter is None:
            return None
        return frozenset() if len(self.servers) == 1 and server.gpus is None else server.gpus


@dataclass
class _Lane:
    """One server, and what is known of it so far."""

    server: Server
    asked: Servers
    counted: Counted | str
    gpus: frozenset[str] | None
    #: When its last run ended (seconds since 1970), and what was read when it was idle after that.
    ended: float = 0.0
    idle: Reading | None = None


def measure_rounds(asked: Asked, say: Say, keep: Keep) -> Document:
    """Measure all rounds and return what came of them; Ctrl-C ends it, and keeps what there is.

    Raises:
        LlmstackError: an option that cannot be, or a server that is not there; before anything is
            sent. One that is not there later is a failure of its requests.
    """
    lanes = {server.name: _lane(asked, server) for server in asked.servers}
    order = rounds_of(list(lanes), asked.rounds, asked.order, asked.seed)
    found = _document(asked, lanes.values(), order)
    turns = [(number, name) for number, line in enumerate(order, 1) for name in line]
    for lane in lanes.values():
        if isinstance(lane.counted, str):
            say(f"{lane.server.name}: no figures of its own: {lane.counted}")
    try:
        for place, (number, name) in enumerate(turns, 1):
            say(f"Round {number} of {asked.rounds}, {name} (run {place} of {len(turns)})")
            run = _Turn(asked, lanes[name], number, say).run(found["runs"])
            keep(found, run)
            if run["is_interrupted"]:
                found["is_interrupted"] = True
                break
    except KeyboardInterrupt:
        # It came between two runs, or while a server was waited for after one.
        found["is_interrupted"] = True
        for run in found["runs"][-1:]:
            keep(found, run)
    return found


def _lane(asked: Asked, server: Server) -> _Lane:
    ways = Servers(urls=(server.url,), api=server.api, name=server.name, **asked.ways)
    if server.model is not None:
        ways = replace(ways, model=server.model)
    # Known from here on, so that a server may be gone later.
    model = asked.load.job(ways).question.model
    sources = server.sources(asked.prometheus, verifies=asked.verifies)
    gpus = asked.meters_of(server)
    if asked.gpu_exporter is not None and gpus is not None:
        _try(Meter(Pages((asked.gpu_exporter,), asked.verifies), gpus or None))
    return _Lane(server, replace(ways, model=model), counted(sources, model), gpus)


def _try(meter: Meter) -> None:
    """Read an exporter once, so that a slip of the pen is told before hours are spent.

    Raises:
        ConfigurationError: it cannot be read, or shows no such GPU.
    """
    try:
        meter.look()
    except UnreadableError as error:
        raise ConfigurationError(
            f"--gpu-exporter: {error}; expected a page with "
            f"{ENERGY[-1].name} or {POWER[-1].name} of it"
        ) from error


def _document(asked: Asked, lanes: Iterable[_Lane], order: Sequence[Sequence[str]]) -> Document:
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": without_secrets(command_line()),
        "environment": environment(),
        "is_interrupted": False,
        "rounds": {
            "asked": asked.rounds,
            "how": asked.order.value,
            "order": [list(line) for line in order],
            "seeds": [seed_of(asked.seed, number + 1) for number in range(asked.rounds)],
        },
        "servers": [
            {
                "name": lane.server.name,
                "api": lane.server.api,
                "url": lane.server.url,
                "model": lane.asked.model,
                "figures_of_its_own": (
                    {"problem": lane.counted}
                    if isinstance(lane.counted, str)
                    else {
                        "engine": lane.counted.engine.name,
                        "read_from": str(lane.counted.source),
                    }
                ),
                "gpus": None if lane.gpus is None else sorted(lane.gpus) or "all",
            }
            for lane in lanes
        ],
        "energy_read_from": asked.gpu_exporter,
        "runs": [],
    }


@dataclass(frozen=True)
class _Turn:
    """One server in one round."""

    asked: Asked
    lane: _Lane
    number: int
    say: Say

    def run(self, runs: list[Document]) -> Document:
        """Measure it, and add the results to those there are as soon as there are any."""
        asked, lane = self.asked, self.lane
        notes: list[str] = []
        seed = seed_of(asked.seed, self.number)
        job = asked.load.job(replace(lane.asked, seed=seed))
        before = self._settled(notes)
        peaks = Peaks(lane.counted) if before and not isinstance(lane.counted, str) else None
        meter = self._meter()
        often = Watch([] if meter is None else [meter.look], EVERY)
        seldom = Watch([] if peaks is None else [peaks.look])
        with _metered(meter, notes), seldom, often:
            began, used = time.monotonic(), _processor_seconds()
            run = measure(job, self.say)
            run["client"]["cpu_seconds"] = round(_processor_seconds() - used, 3)
            run["bench"] = {"round": self.number, "seed": seed, "notes": notes}
            runs.append(run)
        lane.ended, lane.idle = now(), None
        if missed := seldom.missed + often.missed:
            notes.append(f"{missed} looks at its figures or its GPUs failed during the run")
        if meter is not None and len(meter.seen) > 1:
            begin, end = began + job.bounds.warm_up, meter.seen[-1].at
            run["energy"] = energy(meter.seen, begin, end, run["tokens"]["answer"])
            if problem := run["energy"]["problem"]:
                notes.append(f"energy: {problem}")
        # Whoever has ended it does not wait for what the server has left.
        if peaks is not None and before is not None and not run["is_interrupted"]:
            # An answer is counted when the server has ended it, which is after the client has it.
            after = self._settled(notes)
            if after is not None and not isinstance(lane.counted, str):
                run["server_side"] = server_side(lane.counted, before, after, peaks, run)
                notes.extend(run["server_side"]["problems"])
        return run

    def _settled(self, notes: list[str]) -> Reading | None:
        """Wait until the server is idle; what cannot be read is noted."""
        lane = self.lane
        if isinstance(lane.counted, str):
            return None
        try:
            found = lane.counted.settle(lane.ended, self.asked.idle_within, lane.idle)
        except UnreadableError as error:
            notes.append(f"its own figures could not be read: {error}")
            return None
        lane.idle = found.reading if found.is_idle else None
        if not found.is_idle:
            queues = found.reading.queues
            told = f"{queues.running or 0:g} running, {queues.waiting or 0:g} waiting"
            notes.append(f"it was not idle after {found.seconds:.0f} s: {told}")
        return found.reading

    def _meter(self) -> Meter | None:
        exporter, gpus = self.asked.gpu_exporter, self.lane.gpus
        if exporter is None or gpus is None:
            return None
        return Meter(Pages((exporter,), self.asked.verifies), gpus or None)


@contextmanager
def _metered(meter: Meter | None, notes: list[str]) -> Iterator[None]:
    """Look at an exporter at the begin and at the end."""
    _look(meter, notes)
    yield
    _look(meter, notes)


def _look(meter: Meter | None, notes: list[str]) -> None:
    try:
        if meter is not None:
            meter.look()
    except UnreadableError as error:
        notes.append(f"energy: {error}")


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
