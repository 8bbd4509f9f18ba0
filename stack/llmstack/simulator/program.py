"""The program: a fleet that serves until it is told to end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from llmstack.errors import SettingsError
from llmstack.simulator.fleet import Fleet
from llmstack.simulator.incidents import known_incidents
from llmstack.simulator.presets import CONTEXT, known_presets
from llmstack.simulator.settings import Settings


def run(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        LlmstackError: settings that cannot be, or a port that cannot be had.
    """
    asyncio.run(_run(settings, say))


def listed() -> str:
    """Return presets and incidents as text."""
    return (
        f"{known_presets()}\n\nTTFT is of {CONTEXT} tokens on an idle engine, ITL of one sequence "
        f"and of 64.\n\n{known_incidents()}"
    )


async def _run(settings: Settings, say: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        fleet = Fleet(settings.character, settings.place, settings.replicas, settings.incidents)
    except ValueError as error:
        raise SettingsError(f"SIMULATOR_INCIDENTS: {error}") from error
    await fleet.open()
    try:
        for house in fleet.houses:
            assert house.replica is not None
            character, page = house.replica.character, house.replica.page
            which = "metrics_port" if character.played.has_metrics_port else "port"
            say(
                f"{character.played.name} {character.version} serves {character.model} at "
                f"{house.address()}, metrics at {house.address(which)}{page.path}"
            )
        await stopped.wait()
    finally:
        await fleet.close()
