"""Asks servers at one rate after the other, and says which is the highest that they hold."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from llmstack.errors import ConfigurationError
from llmstack.load.max_rate import find_max_rate
from llmstack.load.orders import Servers, Synthetic
from llmstack.load.program import (
    INTERRUPTED,
    NOT_HELD,
    NOT_TO_BE_TRUSTED,
    WELL,
    Say,
    loop_factory,
)
from llmstack.load.results import Document, write
from llmstack.load.shown import run_shown, say_of
from llmstack.load.telling.watcher import Telling
from llmstack.load.telling_options import Told, identified
from llmstack.load.view_options import Showing


class Verdict(StrEnum):
    """What came of a rate."""

    HELD = "held"
    NOT_HELD = "NOT HELD"
    #: It was not held, and the client was so late that this may be its own doing.
    UNKNOWN = "NOT KNOWN"


def verdict(found: Document) -> Verdict:
    """Return what the results of a run say of its rate.

    A client that was late has added to latencies: what was held with that was held. Without
    requests that took too long nothing was.
    """
    client = found["client"]
    if not client["is_whole"]:
        return Verdict.NOT_HELD
    if all(each["is_held"] for each in found["objectives"]):
        return Verdict.HELD
    return Verdict.UNKNOWN if client["is_late"] else Verdict.NOT_HELD


def search(
    load: Synthetic, servers: Servers, showing: Showing, told: Told, output: Path | None
) -> int:
    """Look for the highest rate that holds all objectives, and return what to exit with.

    Args:
        load: its rate is tried first.
        servers: who is asked.
        showing: how each rate is shown.
        told: who else is told of each; the id of its run has its number behind it.
        output: where the results of the highest rate that was held are written.

    Raises:
        LlmstackError: an option that cannot be.
    """
    if load.rate is None or load.duration is None or not servers.slo:
        raise ConfigurationError("--find-max-rate: expected --rate, --duration and --slo with it")
    # One line says what came of a rate; those of each second would hide it.
    servers, say = replace(servers, log_every=0.0), say_of(showing)
    telling = told.telling(say, is_of_several=True)
    trying = _Trying(load, servers, showing, told.run, telling, output)
    # A lower rate has no request in the time.
    tried, held = find_max_rate(load.rate, trying.holds, 1 / load.duration)
    missed = min((each.rate for each in tried if not each.is_held), default=None)
    is_known = missed is None or trying.verdicts[missed] is not Verdict.UNKNOWN
    say(_outcome(held, missed, is_known=is_known))
    if telling is not None:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(telling.end_all(is_interrupted=trying.is_interrupted))
    if trying.is_interrupted:
        return INTERRUPTED
    if not is_known:
        return NOT_TO_BE_TRUSTED
    return NOT_HELD if held is None else WELL


@dataclass
class _Trying:
    """Rates that are tried, one after the other."""

    load: Synthetic
    servers: Servers
    showing: Showing
    run: str
    telling: Telling | None
    output: Path | None
    #: What came of each.
    verdicts: dict[float, Verdict] = field(default_factory=dict)
    is_interrupted: bool = False

    def holds(self, rate: float) -> bool | None:
        """Measure a rate, and tell whether it was held; None where somebody ended it."""

        def ended(found: Document, say: Say) -> bool | None:
            self.is_interrupted = found["is_interrupted"]
            if self.is_interrupted:
                return None
            came = self.verdicts[rate] = verdict(found)
            if came is Verdict.HELD and self.output is not None:
                write(self.output, found)
            say(_line(rate, found, came))
            return came is Verdict.HELD

        job = replace(self.load, rate=rate).job(self.servers)
        run = f"{self.run}-{len(self.verdicts) + 1}"
        job, watchers = identified(job, run, self.telling)
        return run_shown(job, self.showing, ended, watchers)


def _line(rate: float, found: Document, came: Verdict) -> str:
    answered, measured = found["requests"]["answered"], found["requests"]["measured"]
    shares = ", ".join(f"{each['objective']} {each['share']}" for each in found["objectives"])
    doubts = "; ".join(found["client"]["doubts"])
    return (
        f"{rate:9.2f}/s {came}: {answered} of {measured} answered"
        f" at {found['rates']['requests']:.2f}/s, {shares}{doubts and f' ({doubts})'}"
    )


def _outcome(held: float | None, missed: float | None, *, is_known: bool) -> str:
    until = "" if missed is None else f", and {missed:.2f}/s was not"
    known = "No rate was held" if held is None else f"{held:.2f} requests/s were held{until}"
    if is_known:
        return f"{known}."
    return f"{known} by what this client saw, which was late: give it a core of its own."
