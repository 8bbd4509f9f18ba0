"""One step of an engine: what was computed in it, and what came out at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from llmstack.simulator.request import Request


@dataclass(slots=True)
class Step:
    """What one forward pass was about; times are seconds of the engine's clock."""

    number: int
    began: float
    ends: float = 0.0
    #: Seconds for which the engine hung before it.
    stalled: float = 0.0
    #: Tokens computed: of prompts (and of what was preempted), and one for each sequence that is
    #: being written.
    prefilled: int = 0
    decoded: int = 0
    #: Those parts of whose prompts were computed.
    read: list[Request] = field(default_factory=list)
    #: Those that work began on, for the first time or again after they were preempted.
    admitted: list[Request] = field(default_factory=list)
    preempted: list[Request] = field(default_factory=list)
    #: At its end: who got a token, for whom it was the first, and whose was the last.
    written: list[Request] = field(default_factory=list)
    first: list[Request] = field(default_factory=list)
    finished: list[Request] = field(default_factory=list)
    #: How many tokens came so many seconds after the one before them.
    gaps: Counter[float] = field(default_factory=Counter)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ends - self.began
