"""All replicas of one run in one process, and the incidents that befall them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmstack.errors import ListenError
from llmstack.simulator.control import Control, as_json
from llmstack.simulator.driver import Watcher
from llmstack.simulator.house import House
from llmstack.simulator.incidents import CRASH, Incident, Incidents
from llmstack.simulator.replica import Character, Replica

#: Seconds until a port is asked for again that somebody took while its server was away.
RETRY = 1.0


@dataclass(frozen=True)
class Place:
    """Where a fleet listens: the first of its ports, or 0 for free ones."""

    host: str = "127.0.0.1"
    port: int = 8000
    metrics_port: int = 8002


class Fleet:
    """The replicas, each on ports of its own."""

    def __init__(
        self,
        character: Character,
        place: Place,
        replicas: int = 1,
        incidents: Sequence[Incident] = (),
        watcher: Watcher | None = None,
    ) -> None:
        """Know them; nothing is started.

        Args:
            character: what they are like.
            place: where they listen.
            replicas: how many there are.
            incidents: what will befall them.
            watcher: is told of each token that is sent.

        Raises:
            ValueError: an incident is about a replica that is not there.
        """
        self._character, self._watcher = character, watcher
        self._incidents = Incidents(incidents, replicas)
        control = Control(self._begin, self.state)

        def house(number: int) -> House:
            ports = (port + number if port else 0 for port in (place.port, place.metrics_port))
            return House(lambda life: self._replica(number, life), control, place.host, *ports)

        self.houses = [house(number) for number in range(replicas)]
        self._crashing: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Start all.

        Raises:
            ListenError: a port cannot be had.
        """
        self._loop = asyncio.get_running_loop()
        self._origin = self._loop.time()
        try:
            for house in self.houses:
                await house.open()
        except BaseException:
            await self.close()
            raise
        for incident in self._incidents.crashes():
            self._plan_crash(incident)

    async def close(self) -> None:
        """End all."""
        for task in self._crashing:
            task.cancel()
        await asyncio.gather(*self._crashing, return_exceptions=True)
        await asyncio.gather(*(house.close() for house in self.houses))

    @property
    def now(self) -> float:
        """Seconds since it was started."""
        return self._loop.time() - self._origin

    def state(self) -> dict[str, Any]:
        """Return how things are."""
        character = self._character
        return {
            "seconds": round(self.now, 3),
            "engine": character.played.name,
            "engine_version": character.version,
            "model": character.model,
            "seed": character.seed,
            "replicas": [self._state_of(house) for house in self.houses],
            "incidents": [
                {**as_json(incident), "is_active": incident.is_active(self.now)}
                for incident in self._incidents.all
            ],
        }

    def _state_of(self, house: House) -> dict[str, Any]:
        replica = house.replica
        if replica is None:
            return {"address": house.address(), "is_up": False}
        engine = replica.engine
        return {
            "address": house.address(),
            "is_up": True,
            "running": engine.running,
            "waiting": engine.waiting,
            "kv_cache_usage": round(engine.blocks.usage, 4),
            "behind_seconds": round(replica.driver.behind, 4),
        }

    def _replica(self, number: int, life: int) -> Replica:
        return Replica(
            self._character,
            number,
            self._incidents,
            self._loop,
            self._origin,
            self._watcher,
            life,
        )

    def _begin(self, incident: Incident) -> Incident:
        """Take an incident whose start is counted from now."""
        found = self._incidents.add(replace(incident, begins=self.now + incident.begins))
        if found.name == CRASH:
            self._plan_crash(found)
        return found

    def _plan_crash(self, incident: Incident) -> None:
        task = asyncio.create_task(self._crash(incident))
        self._crashing.add(task)
        task.add_done_callback(self._crashing.discard)

    async def _crash(self, incident: Incident) -> None:
        await asyncio.sleep(max(0.0, incident.begins - self.now))
        fallen = [house for number, house in enumerate(self.houses) if incident.befalls(number)]
        await asyncio.gather(*(house.crash() for house in fallen))
        await asyncio.sleep(max(0.0, incident.ends - self.now))
        await asyncio.gather(*(_reopen(house) for house in fallen))


async def _reopen(house: House) -> None:
    """Start a fresh server where one has crashed, as soon as its port can be had."""
    while house.replica is None:
        try:
            await house.open()
        except ListenError:
            await asyncio.sleep(RETRY)
