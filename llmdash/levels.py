"""How recordings are called: a level, a metric and an operation; nobody else joins these."""

from __future__ import annotations

from enum import Enum


class Level(Enum):
    """How fine a recording is; the value is the first part of its name."""

    FLEET = "llm"
    INSTANCE = "llm_instance"


def recorded_name(level: Level, metric: str, operation: str) -> str:
    """Return a recording's name: level, metric, operation."""
    return f"{level.value}:{metric}:{operation}"
