"""What has become of a request, from its arrival to its end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from llmstack.gateway.counts import CANCELLED, ERROR, OK
from llmstack.gateway.events import Usage
from llmstack.gateway.prompts import Asked

#: A client that has left before there was an answer, as nginx has it.
LEFT = 499


@dataclass
class Course:
    """What has become of a request so far."""

    model: str
    prompt_class: str
    is_stream: bool = False
    status: int = LEFT
    outcome: str = CANCELLED
    usage: Usage | None = None
    #: Pieces of text that were passed on: what a stream that was cut has cost at least.
    pieces: int = 0
    first_token: float | None = None
    upstream: str = ""
    error: str = ""
    began: float = field(default_factory=time.monotonic)

    def failed(self, status: int, error: str) -> None:
        """Take notice of a failure."""
        self.status, self.outcome, self.error = status, ERROR, error

    def tokens(self, asked: Asked | None) -> Usage:
        """Return the tokens that it has cost: as counted by the engine, else as they passed."""
        if self.usage is not None:
            return self.usage
        if asked is None or not asked.dialect.costs_tokens:
            return Usage(0, 0)
        if not (self.pieces or self.outcome == OK):
            return Usage(0, 0)
        return Usage(asked.prompt_tokens, self.pieces)


class ClientLeftError(Exception):
    """Nobody is there any more to read what is written."""
