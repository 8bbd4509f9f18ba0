"""The same load on several servers, one after the other, and one table of what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from llmstack.errors import ConfigurationError
from llmstack.load.apis import Api
from llmstack.load.comparison import compared
from llmstack.load.max_rate import find_max_rate
from llmstack.load.orders import Servers, Synthetic
from llmstack.load.program import INTERRUPTED, NOT_HELD, WELL, exit_code, measure
from llmstack.load.results import write


def read_server(text: str) -> tuple[str, str, str]:
    """Return the name, API and address that a text says.

    Raises:
        ConfigurationError: it says none.
    """
    name, equals, rest = text.partition("=")
    api, at, url = rest.partition("@")
    if not (name and equals and at and url) or api not in list(Api):
        raise ConfigurationError(
            f"--server {text!r}: expected NAME=API@URL with one of {', '.join(Api)}"
        )
    return name, api, url


def compare(
    load: Synthetic, servers: Sequence[Servers], say: Callable[[str], None], folder: Path | None
) -> int:
    """Measure each, compare them, and return what to exit with.

    Raises:
        LlmstackError: an option that cannot be; before anything is sent.
    """
    names = [str(each.name) for each in servers]
    if len(set(names)) < len(names) or any("/" in name for name in names):
        raise ConfigurationError(f"--server: expected names of their own, got {', '.join(names)}")
    jobs = [load.job(each) for each in servers]
    found = []
    for job in jobs:
        say(f"{job.name}: {', '.join(job.urls)}")
        one = measure(job, say)
        found.append(one)
        if folder is not None:
            write(folder / f"{job.name}.json", one)
        if exit_code(one) == INTERRUPTED:
            break
    say(compared(found))
    return next(filter(None, map(exit_code, found)), 0)


def search(
    load: Synthetic, servers: Servers, say: Callable[[str], None], output: Path | None
) -> int:
    """Look for the highest rate that holds all objectives, and return what to exit with.

    Args:
        load: its rate is tried first.
        servers: who is asked.
        say: is called with each line.
        output: where the results of the highest rate that was held are written.

    Raises:
        LlmstackError: an option that cannot be.
    """
    if load.rate is None or load.duration is None or not servers.slo:
        raise ConfigurationError("--find-max-rate: expected --rate, --duration and --slo with it")
    is_interrupted = False

    def holds(rate: float) -> bool | None:
        nonlocal is_interrupted
        found = measure(replace(load, rate=rate).job(servers), lambda _: None)
        is_interrupted = found["is_interrupted"]
        if is_interrupted:
            return None
        answered, measured = found["requests"]["answered"], found["requests"]["measured"]
        is_held = all(each["is_held"] for each in found["objectives"])
        shares = ", ".join(f"{each['objective']} {each['share']}" for each in found["objectives"])
        doubts = "; ".join(found["client"]["doubts"])
        say(
            f"{rate:9.2f}/s {'held' if is_held else 'NOT HELD'}: {answered} of {measured} answered"
            f" at {found['rates']['requests']:.2f}/s, {shares}{doubts and f' ({doubts})'}"
        )
        if is_held and output is not None:
            write(output, found)
        return is_held

    tried, held = find_max_rate(load.rate, holds)
    missed = min((each.rate for each in tried if not each.is_held), default=None)
    if held is None:
        say("No rate was held.")
    else:
        until = "" if missed is None else f", and {missed:.2f}/s was not"
        say(f"{held:.2f} requests/s were held{until}.")
    if is_interrupted:
        return INTERRUPTED
    return NOT_HELD if held is None else WELL
