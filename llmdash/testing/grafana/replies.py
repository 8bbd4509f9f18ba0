"""What a handler of the fake Grafana is given and gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    #: Below the sub-path, without the query.
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def one(self, name: str, otherwise: str = "") -> str:
        """Return a parameter of the query."""
        return self.query.get(name, [otherwise])[0]

    @property
    def is_write(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET"


@dataclass(frozen=True)
class Reply:
    """One answer: JSON, or text of some kind."""

    status: int
    body: Any = None
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def refused(status: int, message: str, reason: str = "") -> Reply:
    """Return an error as Grafana words it."""
    return Reply(status, {"message": message, **({"status": reason} if reason else {})})
