"""What may be told to a running simulator, and what it says of itself; for this machine alone."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from typing import Any, ClassVar

from aiohttp import web

from llmstack.simulator.incidents import Incident


class Control:
    """The pages under /simulator; every replica has them, and they are about all."""

    PREFIX: ClassVar[str] = "/simulator"

    def __init__(
        self, add: Callable[[Incident], Incident], state: Callable[[], dict[str, Any]]
    ) -> None:
        """Remember whom to tell.

        Args:
            add: takes an incident whose start is counted from now, and raises ValueError.
            state: says how things are.
        """
        self._add, self._state = add, state

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add its paths."""
        router.add_get(f"{self.PREFIX}/state", self._show)
        router.add_post(f"{self.PREFIX}/incidents", self._begin)

    async def _show(self, request: web.Request) -> web.Response:
        return _stranger(request) or web.json_response(self._state())

    async def _begin(self, request: web.Request) -> web.Response:
        refused = _stranger(request)
        if refused is not None:
            return refused
        try:
            told = json.loads(await request.read())
            if not isinstance(told, dict):
                raise ValueError("expected an object")
            replica = told.get("replica")
            if replica is not None and (not isinstance(replica, int) or replica < 0):
                raise ValueError(f"replica: expected a number from 0, got {replica!r}")
            after, seconds = _seconds(told, "after", 0.0), _seconds(told, "seconds", None)
            incident = self._add(Incident(str(told.get("name")), after, seconds, replica))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(as_json(incident), status=201)


def _seconds(told: dict[str, Any], name: str, otherwise: float | None) -> float:
    found = told.get(name, otherwise)
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise ValueError(f"{name}: expected a number of seconds, got {found!r}")
    return float(found)


def as_json(incident: Incident) -> dict[str, Any]:
    """Return an incident as it is shown; its start is in seconds since the simulator's."""
    return {
        "name": incident.name,
        "begins": round(incident.begins, 3),
        "seconds": incident.seconds,
        "replica": incident.replica,
    }


def _stranger(request: web.Request) -> web.Response | None:
    """Return a refusal for who is not on this machine."""
    try:
        is_here = ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        is_here = False
    if is_here:
        return None
    return web.json_response({"error": "only this machine may ask"}, status=403)
