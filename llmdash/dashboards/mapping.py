"""What single values are called: a code or a state is shown by its name and in its colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmdash.dashboards.panel import check_color
from llmdash.errors import DashboardError


@dataclass(frozen=True)
class Mapping:
    """What one value is called, and in which colour."""

    value: int
    text: str
    color: str

    def __post_init__(self) -> None:
        """Check the colour."""
        check_color(self.color, f"mapping {self.text}")


def check_mappings(mappings: Sequence[Mapping], place: str) -> None:
    """Raise a DashboardError unless each value is named once."""
    values = [mapping.value for mapping in mappings]
    if len(set(values)) < len(values):
        raise DashboardError(place, "a mapping for each state, once", str(values))
