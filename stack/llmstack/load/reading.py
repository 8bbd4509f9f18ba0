"""Reads an answer as it comes, whatever it is worded in: one event after the other, or whole."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeGuard

import orjson

from llmstack.load.alike import Alike
from llmstack.load.events import Events, TooLongError
from llmstack.load.outcome import Counted, Failure, Outcome

#: Bytes of an answer that comes in one piece.
LONGEST_WHOLE = 64 << 20
#: Characters of what a server says that are worth keeping.
_LONGEST_DETAIL = 200


class BadAnswerError(ValueError):
    """An answer that cannot be taken for one."""

    def __init__(self, failure: Failure, detail: str) -> None:
        """Say why."""
        super().__init__(detail)
        self.failure, self.detail = failure, detail


class Reading(ABC):
    """An answer that is being read."""

    @property
    def takes_events(self) -> bool:
        """Whether it can be given the data of whole events as it stands now."""
        return False

    def take(self, events: Sequence[bytes], now: float) -> None:
        """Take the data of events, where it can be given them.

        Raises:
            BadAnswerError: one cannot be of an answer.
        """
        raise NotImplementedError(f"{type(self).__name__} takes none: {events!r}, {now}")

    @property
    def alike(self) -> Alike | None:
        """What events are like of which a glance is enough.

        None where nothing is known of them, or where one has begun.
        """
        return None

    def came_alike(self, times: Sequence[float], totals: Sequence[int]) -> None:
        """Take events that are alike.

        Args:
            times: when each came.
            totals: how many tokens there were so far as each said; none where they do not say.
        """
        raise NotImplementedError(f"{type(self).__name__} knows of none: {times}, {totals}")

    @abstractmethod
    def feed(self, data: bytes, now: float) -> None:
        """Take the next bytes of its body.

        Raises:
            BadAnswerError: it cannot be an answer.
        """

    @abstractmethod
    def finish(self) -> None:
        """Take notice that nothing more comes.

        Raises:
            BadAnswerError: it is not whole.
        """


class StreamReading(Reading):
    """An answer in events."""

    def __init__(self, outcome: Outcome) -> None:
        """Write into an outcome."""
        self._events, self._outcome = Events(), outcome
        outcome.counted = Counted.TEXT_EVENTS

    def feed(self, data: bytes, now: float) -> None:
        """Read the events that are whole."""
        try:
            events = self._events.feed(data)
        except TooLongError as error:
            raise BadAnswerError(Failure.INVALID_JSON, str(error)) from error
        self.take(events, now)

    @property
    def takes_events(self) -> bool:
        """Whether what came before has ended with an event."""
        return self._events.is_between

    def take(self, events: Sequence[bytes], now: float) -> None:
        """Read the data of events."""
        for event in events:
            # Without data it is a comment that keeps the connection.
            if event:
                self._take(event, now)

    def finish(self) -> None:
        """See that it is whole."""
        left = self._events.finish()
        if left.startswith(b"{"):
            read_object(left)
            raise BadAnswerError(Failure.NO_STREAM, shortened(left))
        if left and left != b"data: [DONE]":
            raise BadAnswerError(Failure.HALF_A_LINE, shortened(left))
        self._see_it_is_whole()
        if not self._outcome.seen_tokens and not self._outcome.told_tokens:
            raise BadAnswerError(Failure.EMPTY, "the stream brought no token")

    @abstractmethod
    def _take(self, event: bytes, now: float) -> None:
        """Read the data of one event."""

    def _see_it_is_whole(self) -> None:
        """Raise BadAnswerError where the last event was not the last."""


class WholeReading(Reading):
    """An answer in one piece."""

    def __init__(self, outcome: Outcome) -> None:
        """Write into an outcome."""
        self._body, self._outcome = bytearray(), outcome
        outcome.counted = Counted.WHOLE

    def feed(self, data: bytes, now: float) -> None:
        """Keep it until it is whole."""
        del now
        self._body += data
        if len(self._body) > LONGEST_WHOLE:
            told = f"the answer is longer than {LONGEST_WHOLE} bytes"
            raise BadAnswerError(Failure.INVALID_JSON, told)

    def finish(self) -> None:
        """Read it."""
        if not self._body.strip():
            raise BadAnswerError(Failure.EMPTY, "the body is empty")
        self._read(read_object(bytes(self._body)))

    @abstractmethod
    def _read(self, told: dict[str, Any]) -> None:
        """Read the answer."""


def read_object(data: bytes) -> dict[str, Any]:
    """Return an object of JSON.

    Raises:
        BadAnswerError: it is none, or tells of an error.
    """
    try:
        found = orjson.loads(data)
    except ValueError:
        found = _leniently(data)
    if not isinstance(found, dict):
        raise BadAnswerError(Failure.INVALID_JSON, f"no object: {shortened(data)}")
    if found.get("error"):
        raise BadAnswerError(Failure.IN_STREAM, _message(found["error"]))
    return found


def _leniently(data: bytes) -> object:
    """Return JSON as Python reads it: servers in Python write NaN, and halves of characters."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadAnswerError(Failure.INVALID_JSON, shortened(data)) from error


def _message(error: object) -> str:
    said = error.get("message", error) if isinstance(error, dict) else error
    return shortened(str(said).encode())


def shortened(data: bytes) -> str:
    """Return the beginning of what a server said, on one line."""
    return " ".join(data[: 4 * _LONGEST_DETAIL].decode("utf-8", "replace").split())[
        :_LONGEST_DETAIL
    ]


def objects_of(found: object) -> list[dict[str, Any]]:
    """Return the objects of what should be a list of them; a server may say anything."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def is_count(found: object) -> TypeGuard[int]:
    """Tell whether something can be a number of tokens."""
    return isinstance(found, int) and not isinstance(found, bool) and found >= 0
