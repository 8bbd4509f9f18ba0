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
#: Bytes of the longest end of an event, less one.
_LONGEST_END = 3
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
    #: Whether the answer is whole, so that no more need follow.
    is_done: bool = False
    #: Whether its last event has come: clients leave then, and need not be kept until the engine
    #: closes its side.
    is_over: bool = False
    _rest: bytearray = field(default_factory=bytearray)
    _is_too_long: bool = False

    def took_next(self, chunk: bytes) -> bool:
        """Tell at a glance whether what came is an event with the next text, and count it.

        Nearly all is. It is passed on whole then, and need not be fed.
        """
        del chunk
        return False

    def feed(self, chunk: bytes) -> tuple[bytes, int]:
        """Read what came; return what is passed on, and how many pieces of text it completes.

        Where nothing is hidden every byte is passed on at once; else whole events are.
        """
        if not self._rest and self._is_one_more(chunk):
            # Nearly all chunks are one such event, and nothing of it need be kept.
            self.pieces += 1
            return chunk, 1
        before, passed, begin = self.pieces, [], 0
        if self._rest:
            # Where an event ends was looked for up to here; the end may lie across the cut.
            seen = max(0, len(self._rest) - _LONGEST_END)
            self._rest += chunk
            data: bytes | bytearray = self._rest
        else:
            data, seen = chunk, 0
        is_plain = b"\r" not in data
        while (end := _end_of_event(data, seen, is_plain=is_plain)) >= 0:
            event = bytes(data[begin:end])
            if self._is_passed(event):
                passed.append(event)
            begin = seen = end
        self._keep(data, begin)
        if len(self._rest) > LONGEST:
            # What follows until its end is passed on with it.
            self._is_too_long = True
            passed.append(bytes(self._rest))
            self._rest.clear()
        return (b"".join(passed) if self.hides_usage else chunk), self.pieces - before

    def _keep(self, data: bytes | bytearray, begin: int) -> None:
        """Keep what belongs to an event that has not come whole."""
        if data is self._rest:
            del self._rest[:begin]
        elif begin < len(data):
            self._rest += data[begin:]

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

    def _is_one_more(self, event: bytes) -> bool:
        """Tell whether it is one event with a further piece of text, and nothing else to read."""
        del event
        return False

    def _is_passed(self, event: bytes) -> bool:
        if self._is_too_long:
            self._is_too_long = False
            return True
        if self._is_one_more(event):
            self.pieces += 1
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


def _end_of_event(data: bytes | bytearray, seen: int, *, is_plain: bool) -> int:
    """Return where the first event ends, or -1 where none does yet.

    Args:
        data: what has come.
        seen: up to where none ends.
        is_plain: whether lines end in line feeds alone.
    """
    place = data.find(b"\n\n", seen)
    end = place + 2 if place >= 0 else -1
    if is_plain:
        return end
    ends = [end] if end >= 0 else []
    for mark in (b"\r\n\r\n", b"\r\r"):
        place = data.find(mark, seen)
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
