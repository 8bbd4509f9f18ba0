"""One thing that is wrong with a build, where it is wrong, and which check says so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """A finding: its place (file, panel, recording), what is wrong, and the check's word."""

    place: str
    message: str
    check: str

    def __str__(self) -> str:
        """Print it as people read it, the check's word last."""
        return f"{self.place}: {self.message} ({self.check})"
