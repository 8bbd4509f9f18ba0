"""Asks servers at one rate after the other, and says which is the highest that they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from llmstack.errors import ConfigurationError
from llmstack.load.max_rate import find_max_rate
from llmstack.load.orders import Servers, Synthetic
from llmstack.load.program import INTERRUPTED, NOT_HELD, WELL, measure
from llmstack.load.results import write


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
