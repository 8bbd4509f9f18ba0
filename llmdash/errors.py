"""The family of errors that llmdash raises; the command prints them without a traceback.

::

    LlmdashError
    ├── PromqlError          a PromQL expression that means nothing: wrong type, unit or label
    ├── CatalogueError       a metric that contradicts itself (edges out of order, unknown label …)
    ├── SourceError          an answer that does not fit its signal, or settings that cannot hold
    ├── DashboardError       a panel, variable or dashboard that cannot be shown as it is written
    ├── SloError             a promise that cannot be kept, measured or ever called broken
    ├── OpenSloError         OpenSLO documents of which something is not understood, all at once
    ├── AlertError           an alert that cannot be told to anybody as it is written
    ├── PackError            a pack that cannot be loaded
    ├── BuildError           everything that is wrong with a pack, all at once
    ├── ArtifactError        a file that cannot be written, or a folder that is not ours to write
    ├── PushError            something that cannot be delivered to any Grafana
    └── GrafanaError         a Grafana that cannot be asked, or gives no answer that Grafana gives
        ├── RefusedError     it answers no
        └── UnansweredError  no answer came: what was asked may have happened
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class LlmdashError(Exception):
    """Something the user can mend; the text says what was found, where, and the remedy."""


class PromqlError(LlmdashError):
    """An expression that has no meaning: `expected X in Y, got Z`."""

    def __init__(self, expected: str, place: str, got: str, hint: str = "") -> None:
        """State what was expected at a place, what stood there, and what would work."""
        self.expected, self.place, self.got, self.hint = expected, place, got, hint
        super().__init__(
            f"expected {expected} in {place}, got {got}" + (f"; {hint}" if hint else "")
        )


class CatalogueError(LlmdashError):
    """A catalogue entry that contradicts itself or is asked for what it does not have."""


class SourceError(LlmdashError):
    """An answer that does not fit its signal, or source settings that cannot hold."""


class _PlacedError(LlmdashError):
    """What is wrong with one thing of the user's: `place: expected …, got …; remedy`."""

    def __init__(self, place: str, expected: str, got: str, hint: str = "") -> None:
        """State where, what was expected there, what stood there, and what would work."""
        self.place, self.expected, self.got, self.hint = place, expected, got, hint
        super().__init__(f"{place}: {self.because}")

    @property
    def because(self) -> str:
        """The message without the place."""
        return f"expected {self.expected}, got {self.got}" + (f"; {self.hint}" if self.hint else "")


class SloError(_PlacedError):
    """A promise that cannot be kept, measured, or ever called broken."""


class OpenSloError(LlmdashError):
    """Everything in OpenSLO documents that is not understood; nothing has been read."""

    def __init__(self, problems: Sequence[SloError]) -> None:
        """Carry the problems, in order; the message lists all of them."""
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class AlertError(_PlacedError):
    """An alert that cannot be told to anybody as it is written."""


class DashboardError(_PlacedError):
    """A panel, variable or dashboard that cannot be shown as it is written."""


class PackError(LlmdashError):
    """A pack that does not import, or is no pack."""


class ArtifactError(LlmdashError):
    """A file that cannot be written, or a folder that is not ours to write into."""


class BuildError(LlmdashError):
    """Every problem of a build at once; nothing has been written."""

    def __init__(self, problems: Sequence[object]) -> None:
        """Carry the problems, in order; the message lists all of them."""
        self.problems = tuple(problems)
        count = len(self.problems)
        listing = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(
            f"{count} problem{'s' if count != 1 else ''}, nothing was written:\n{listing}"
        )


class PushError(LlmdashError):
    """Something that cannot be delivered to any Grafana; nothing has been sent."""


class GrafanaError(LlmdashError):
    """A Grafana that cannot be asked, or whose answer is none that Grafana gives."""


class RefusedError(GrafanaError):
    """A Grafana that answers no."""

    def __init__(self, text: str, status: int, answer: Any = None) -> None:
        """State what was refused, with the status and the answer for whoever can do without."""
        self.status, self.answer = status, answer
        super().__init__(text)


class UnansweredError(GrafanaError):
    """No answer came: what was asked may have happened, or not."""
