"""The events of a stream as they pass: when text begins, what is counted, what went wrong.

Bytes come cut anywhere. They are passed on as they come, but for one event that the client did not
ask for: the tokens that we had the engine count. What an event means is said by each dialect.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, TypeGuard

#: An event longer than this (bytes) is passed on unread: nobody's memory is filled by it.
LONGEST = 1 << 20
#: So many tokens nobody has asked for.
_NOBODYS = 1 << 40


@dataclass(frozen=True)
class Usage:
    """Tokens as the engine counted them."""

    prompt: int
    completion: int


@dataclass
class Stream(ABC):
    """What is known of a stream so far."""

    #: Whether the event that only counts tokens is kept from the client.
    hides_usage: bool = False
    #: Events that carry text (or a call of a tool): one for each token, or for some together.
    pieces: int = 0
    has_error: bool = False
    #: Whether the answer has come to its end, so that no more need follow.
    is_done: bool = False
    _rest: bytearray = field(default_factory=bytearray)
    _is_too_long: bool = False

    def feed(self, chunk: bytes) -> tuple[bytes, int]:
        """Read what came; return what is passed on, and how many pieces of text it completes.

        Where nothing is hidden every byte is passed on at once; else whole events are.
        """
        before, passed = self.pieces, bytearray()
        self._rest += chunk
        while (end := _end_of_event(self._rest)) >= 0:
            event = bytes(self._rest[:end])
            del self._rest[:end]
            if self._is_passed(event):
                passed += event
        if len(self._rest) > LONGEST:
            # What follows until its end is passed on with it.
            self._is_too_long = True
            passed += self._rest
            self._rest.clear()
        return (bytes(passed) if self.hides_usage else chunk), self.pieces - before

    def finish(self) -> bytes:
        """Return what is left when nothing more comes: an event that was cut off."""
        left = bytes(self._rest) if self.hides_usage else b""
        self._rest.clear()
        return left

    @abstractmethod
    def usage(self) -> Usage | None:
        """Return the tokens that the engine counted, or None where it has not told."""

    @abstractmethod
    def _read(self, name: bytes, data: bytes) -> bool:
        """Take notice of an event by its name and data; tell whether it is passed on."""

    def _is_passed(self, event: bytes) -> bool:
        if self._is_too_long:
            self._is_too_long = False
            return True
        name, data = _parts(event)
        if name == b"error":
            self.has_error = True
        # Without data it is a comment that keeps the connection, or a name alone.
        return self._read(name, data) if data else True


def tokens_of(found: object, prompt: str, completion: str) -> Usage | None:
    """Return the tokens of a `usage` under the names of a dialect, or None where it is none."""
    if not isinstance(found, dict):
        return None
    counted, written = found.get(prompt), found.get(completion, 0)
    return Usage(counted, written) if is_count(counted) and is_count(written) else None


def is_count(found: object) -> TypeGuard[int]:
    """Tell whether something can be a number of tokens: nobody's counter may fall, or overflow."""
    return isinstance(found, int) and not isinstance(found, bool) and 0 <= found < _NOBODYS


def read_object(data: bytes) -> dict[str, Any]:
    """Return a JSON object, or an empty one where it is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _end_of_event(data: bytearray) -> int:
    """Return where the first event ends, or -1 where none does yet."""
    place = data.find(b"\n\n")
    end = place + 2 if place >= 0 else -1
    if b"\r" not in data:
        return end
    ends = [end] if end >= 0 else []
    for mark in (b"\r\n\r\n", b"\r\r"):
        place = data.find(mark)
        if place >= 0:
            ends.append(place + len(mark))
    return min(ends, default=-1)


def _parts(event: bytes) -> tuple[bytes, bytes]:
    """Return the name and the data of an event; either may be empty."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2:
        # Nearly all are so; what follows would cost more than everything else.
        return b"", event[6:-2]
    name, told = b"", []
    for line in event.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        kind, _, value = line.partition(b":")
        if kind == b"data":
            told.append(value.removeprefix(b" "))
        elif kind == b"event":
            name = value.removeprefix(b" ")
    return name, b"\n".join(told)
