"""What is kept of one request: when things happened, how much came, and what went wrong.

Times are seconds of one clock that only goes forward (`time.monotonic`), 0.0 for what has not
happened. Nothing is tried again: what failed is told by its kind.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import repeat
from operator import sub

from llmstack.load.planned import Planned


class Failure(StrEnum):
    """What can go wrong with a request."""

    REFUSED = "connection refused"
    CONNECT_TIMEOUT = "connect timeout"
    UNREACHABLE = "cannot connect"
    TIMEOUT = "timeout"
    STATUS = "status"
    #: The connection ended, or the answer did, before it was whole.
    BROKEN = "broken off"
    HALF_A_LINE = "half a line"
    NOT_HTTP = "not HTTP"
    #: One object where events were asked for.
    NO_STREAM = "not a stream"
    INVALID_JSON = "invalid JSON"
    #: The server told of an error after it had begun to answer.
    IN_STREAM = "error in the stream"
    EMPTY = "empty answer"


class Counted(StrEnum):
    """How it was known which tokens came when."""

    #: Each event said how many there were so far (`continuous_usage_stats`).
    EACH_EVENT = "usage in each event"
    #: Each event with text is taken for one token; how many came in all may be told at the end.
    TEXT_EVENTS = "events with text"
    #: The answer came in one piece, and nothing is known of single tokens.
    WHOLE = "whole answers"


@dataclass(slots=True)
class Outcome:
    """One request and what came of it."""

    planned: Planned
    #: When it was to be sent, and when it was.
    scheduled: float
    sent: float = 0.0
    first_byte: float = 0.0
    first_token: float = 0.0
    last_token: float = 0.0
    ended: float = 0.0
    #: Seconds from each event with tokens to the next, and how many tokens the later one brought.
    gaps: array[float] = field(default_factory=lambda: array("d"))
    sizes: array[int] = field(default_factory=lambda: array("L"))
    #: Tokens of the first event that brought any, and of all.
    first_tokens: int = 0
    seen_tokens: int = 0
    #: As the server counted; None where it did not tell.
    told_prompt_tokens: int | None = None
    told_tokens: int | None = None
    counted: Counted = Counted.WHOLE
    finish_reason: str = ""
    status: int = 0
    failure: Failure | None = None
    #: What is known of the failure, in few words.
    detail: str = ""
    #: It was under way when the run was ended; neither an answer nor a failure.
    is_unfinished: bool = False
    is_warm_up: bool = False
    endpoint: str = ""
    #: Bytes of HTTP, with heads.
    bytes_sent: int = 0
    bytes_received: int = 0

    def came(self, tokens: int, now: float) -> None:
        """Take notice of tokens that one event brought."""
        if self.seen_tokens:
            self.gaps.append(now - self.last_token)
            self.sizes.append(tokens)
        else:
            self.first_token, self.first_tokens = now, tokens
        self.last_token = now
        self.seen_tokens += tokens

    def came_each(self, times: Sequence[float]) -> None:
        """Take notice of events that brought one token each, after others that did."""
        self.gaps.extend(map(sub, times, (self.last_token, *times)))
        self.sizes.extend(repeat(1, len(times)))
        self.last_token = times[-1]
        self.seen_tokens += len(times)

    @property
    def is_answered(self) -> bool:
        """Whether the answer is whole."""
        return self.failure is None and not self.is_unfinished

    @property
    def tokens(self) -> int:
        """Tokens of the answer: as the server counted them, or else as they were seen."""
        return self.seen_tokens if self.told_tokens is None else self.told_tokens

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompt: as the server counted them, or else as planned."""
        told = self.told_prompt_tokens
        return self.planned.prompt_tokens if told is None else told

    @property
    def seconds_a_token(self) -> float | None:
        """Seconds of each token after the first event (TPOT); None where there are none.

        Where events say how many tokens they bring, those of the first event are left out: they
        cost the time before it. Else the first event is taken for one token.
        """
        before = self.first_tokens if self.counted is Counted.EACH_EVENT else 1
        after = self.tokens - before
        if self.counted is Counted.WHOLE or after < 1 or not self.gaps:
            return None
        return (self.last_token - self.first_token) / after
