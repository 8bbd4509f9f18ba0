"""What of a trace is replayed: a window of it, thinned, clipped to a model, at another speed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from math import inf

from llmstack.errors import SettingsError
from llmstack.load.demand import Demand, demand_of
from llmstack.load.lengths import clipped
from llmstack.load.planned import Planned
from llmstack.load.traces.block_names import block_tokens
from llmstack.load.traces.rows import Trace, TraceRow

#: What a plan is made of: seconds after its start, and the row.
_Chosen = tuple[float, TraceRow]


class Empty(Enum):
    """What is done with a row that has no tokens of prompt or of answer, which nobody can ask for.

    BurstGPT's are requests that failed.
    """

    LEAVE_OUT = "leave-out"
    #: It asks for one token instead.
    ONE_TOKEN = "one-token"


@dataclass(frozen=True)
class Selection:
    """Which rows of a trace are replayed, and how."""

    #: The trace's seconds go by so many times as fast.
    speedup: float = 1.0
    #: Rows from so many seconds after the first of the trace, and before so many.
    start: float = 0.0
    end: float = inf
    #: Of the rows, so many are kept, chosen by the seed; a row's fate does not depend on the
    #: window.
    share: float = 1.0
    seed: int = 0
    #: Only so many requests.
    limit: int | None = None
    #: Tokens of prompt and answer together that the model takes (--max-model-len).
    model_length: int | None = None
    empty: Empty = Empty.LEAVE_OUT

    def __post_init__(self) -> None:
        """Refuse what cannot be, all at once."""
        problems = [
            f"{name}: expected {expected}, got {found}"
            for name, is_right, expected, found in (
                ("speedup", 0 < self.speedup < inf, "a number above 0", self.speedup),
                ("from", 0 <= self.start < inf, "seconds from 0", self.start),
                ("to", self.end > self.start, f"seconds above {self.start:g}", self.end),
                ("share", 0 < self.share <= 1, "a number above 0, to 1", self.share),
                ("limit", self.limit is None or self.limit > 0, "a number from 1", self.limit),
                (
                    "max-model-len",
                    self.model_length is None or self.model_length > 1,
                    "tokens from 2",
                    self.model_length,
                ),
            )
            if not is_right
        ]
        if problems:
            raise SettingsError("\n".join(problems))


@dataclass(frozen=True)
class TracePlan:
    """Requests of a trace, in order; they can be gone through again and again."""

    trace: Trace
    selection: Selection = Selection()

    def __iter__(self) -> Iterator[Planned]:
        """Yield the requests."""
        for at, (_, prompt, answer, kind, prefix) in self._chosen():
            shared = min(prompt, block_tokens(prefix)) if prefix else 0
            yield Planned(at, prompt, answer, kind, prefix, shared)

    def demand(self) -> Demand:
        """Return what the plan asks of a server, which takes one more reading of the trace."""
        return demand_of((at, prompt, answer) for at, (_, prompt, answer, _, _) in self._chosen())

    def _chosen(self) -> Iterator[_Chosen]:
        return islice(self._all_chosen(), self.selection.limit)

    def _all_chosen(self) -> Iterator[_Chosen]:
        which = self.selection
        start, end, speedup, share = which.start, which.end, which.speedup, which.share
        leaves_out, model_length = which.empty is Empty.LEAVE_OUT, which.model_length
        chance = random.Random(which.seed).random
        for row in self.trace.rows():
            at, prompt, answer, kind, prefix = row
            if at >= end:
                return
            if share < 1 and chance() >= share:
                continue
            if at < start or (leaves_out and not (prompt and answer)):
                continue
            prompt, answer = clipped(prompt or 1, answer or 1, model_length)
            yield (at - start) / speedup, (at, prompt, answer, kind, prefix)
