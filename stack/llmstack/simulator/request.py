"""A request as the model of an engine knows it: how long it is, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

#: What its names of blocks are made of; see `Request.key`.
Key = int | tuple[int, int]


class Ending(Enum):
    """Why an answer ends, as engines say it."""

    #: The model wrote its end-of-text token.
    STOP = "stop"
    #: It is as long as it may be.
    LENGTH = "length"
    #: The engine failed.
    ERROR = "error"


@dataclass(slots=True, eq=False)
class Request:
    """One request; times are seconds of the engine's clock."""

    #: Of one engine, each has its own.
    id: int
    prompt_tokens: int
    #: So many are written before it ends.
    answer_tokens: int
    arrived: float
    #: Names of what the full blocks of the prompt hold: who begins alike has the same first names.
    prefix: tuple[int, ...] = ()
    #: What the client set as the most tokens of the answer; None where it did not.
    limit: int | None = None
    ending: Ending = Ending.LENGTH
    #: Which model of the server was asked, where it has several.
    model: str = ""

    #: Numbers of the blocks that hold its keys and values, in order.
    blocks: list[int] = field(default_factory=list)
    #: Tokens that the blocks hold by now, found in the cache or computed; of one that is being
    #: written, `computed`, `generated` and `last_token` are as of when that began.
    computed: int = 0
    #: Tokens of the prompt that are computed in the step under way.
    scheduled: int = 0
    #: Tokens written.
    generated: int = 0
    #: Its place in the order in which work on requests began.
    order: int = 0
    #: Since which tick of the batch it is being written; see `Batch`.
    written_since: int = -1
    #: Blocks whose names the prefix cache knows.
    known_blocks: int = 0
    #: Prompt tokens that the prefix cache had when work on it first began.
    cached: int = 0
    preemptions: int = 0
    #: When work on it first began, and when it last did before the first token.
    first_scheduled: float | None = None
    last_scheduled: float = 0.0
    first_token: float | None = None
    last_token: float = 0.0
    is_aborted: bool = False

    @property
    def tokens(self) -> int:
        """Tokens of prompt and answer so far."""
        return self.prompt_tokens + self.generated

    @property
    def longest(self) -> int:
        """Tokens of prompt and answer at its end."""
        return self.prompt_tokens + self.answer_tokens

    def key(self, block: int) -> Key:
        """Return the name of what one of its blocks holds; of an answer nobody else has it."""
        return self.prefix[block] if block < len(self.prefix) else (self.id, block)
