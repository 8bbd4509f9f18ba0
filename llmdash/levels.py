"""How recordings are called (level, metric, operation: nobody else joins these), and told apart."""

from __future__ import annotations

from enum import Enum

#: A source, all its models together; one source has one role, and nothing is added up over roles.
BY_SOURCE = ("source", "role")
#: A model on a source, all replicas together.
BY_MODEL = (*BY_SOURCE, "model")


class Level(Enum):
    """How fine a recording is; the value is the first part of its name."""

    FLEET = "llm"
    INSTANCE = "llm_instance"


def recorded_name(level: Level, metric: str, operation: str) -> str:
    """Return a recording's name: level, metric, operation."""
    return f"{level.value}:{metric}:{operation}"
