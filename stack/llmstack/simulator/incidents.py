"""Incidents: what goes wrong, when, for how long, and with which replica."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from llmstack.nearest import hint
from llmstack.simulator.conditions import SOUND, Conditions

#: While a server has crashed nobody listens at its port; the model of its engine is gone.
CRASH = "crash"
#: One of several: where none is named, the last.
BAD_REPLICA = "bad-replica"

#: What each does, as `--list` tells it.
KINDS = {
    "slow-prefill": "a token of a prompt takes 50 times as long",
    "kv-exhaustion": "95 % of the KV blocks are kept from requests, or all but room for one",
    "hang": "requests are taken and no token comes; /metrics and /health answer",
    "errors": "every second request fails with 500",
    CRASH: "nobody listens; at its end a fresh server does, whose counters begin at 0",
    BAD_REPLICA: "every step of one replica takes 5 times as long",
}
_CONDITIONS = {
    "slow-prefill": Conditions(prefill=50.0),
    "kv-exhaustion": Conditions(withheld=0.95),
    "errors": Conditions(failing=0.5),
    BAD_REPLICA: Conditions(step=5.0),
}
EXPECTED = "NAME@START+SECONDS or NAME@START+SECONDS:REPLICA"
_TEXT = re.compile(r"(?P<name>[a-z-]+)@(?P<begins>[\d.]+)\+(?P<seconds>[\d.]+)(:(?P<replica>\d+))?")


@dataclass(frozen=True)
class Incident:
    """One thing that goes wrong."""

    name: str
    #: In seconds since the simulator was started.
    begins: float
    seconds: float
    #: By its number from 0; all of them where it is None.
    replica: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: it says what is wrong.
        """
        if self.name not in KINDS:
            raise ValueError(f"no incident is called {self.name}; {hint(self.name, KINDS)}")
        if not (self.begins >= 0 and 0 < self.seconds < float("inf")):
            raise ValueError(f"{self.name}: expected a start from 0 and seconds above 0")

    @property
    def ends(self) -> float:
        """When it is over, in seconds since the simulator was started."""
        return self.begins + self.seconds

    def is_active(self, at: float) -> bool:
        """Tell whether it goes on at a time."""
        return self.begins <= at < self.ends

    def befalls(self, replica: int) -> bool:
        """Tell whether it is about a replica."""
        return self.replica is None or self.replica == replica


def read_incident(text: str) -> Incident:
    """Return the incident that a text such as `kv-exhaustion@60+300` says.

    Raises:
        ValueError: it says none.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected {EXPECTED}, got {text!r}")
    replica = found["replica"]
    return Incident(
        found["name"],
        float(found["begins"]),
        float(found["seconds"]),
        None if replica is None else int(replica),
    )


class Incidents:
    """All incidents of one run, those to come included."""

    def __init__(self, planned: Sequence[Incident], replicas: int) -> None:
        """Begin with those that are planned.

        Raises:
            ValueError: one is about a replica that is not there.
        """
        self.all: list[Incident] = []
        self._replicas = replicas
        for incident in planned:
            self.add(incident)

    def add(self, incident: Incident) -> Incident:
        """Take one more; return it with the replica that it is about.

        Raises:
            ValueError: that replica is not there.
        """
        if incident.name == BAD_REPLICA and incident.replica is None:
            incident = replace(incident, replica=self._replicas - 1)
        if incident.replica is not None and incident.replica >= self._replicas:
            raise ValueError(
                f"{incident.name}: replica {incident.replica} of {self._replicas}; "
                "they are counted from 0"
            )
        self.all.append(incident)
        return incident

    def at(self, replica: int, at: float) -> Conditions:
        """Return what is wrong with a replica at a time."""
        if not self.all:
            return SOUND
        found = SOUND
        for incident in self.all:
            if not (incident.is_active(at) and incident.befalls(replica)):
                continue
            own = _CONDITIONS.get(incident.name, SOUND)
            found = Conditions(
                found.prefill * own.prefill,
                found.step * own.step,
                max(found.withheld, own.withheld),
                max(found.hangs_until, incident.ends if incident.name == "hang" else 0.0),
                max(found.failing, own.failing),
            )
        return found

    def crashes(self) -> list[Incident]:
        """Return those that take a server away."""
        return [incident for incident in self.all if incident.name == CRASH]


def known_incidents() -> str:
    """Return the table as text."""
    width = max(map(len, KINDS))
    return "\n".join(f"{name:<{width}}  {text}" for name, text in KINDS.items())
