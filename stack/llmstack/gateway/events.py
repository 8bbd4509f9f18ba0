"""The events of a stream as they pass: when text begins, what is counted, what went wrong.

Bytes come cut anywhere. They are passed on as they come, but for one event that the client did not
ask for: the tokens that we had the engine count.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

#: An event longer than this (bytes) is passed on unread: nobody's memory is filled by it.
LONGEST = 1 << 20
_DONE = b"[DONE]"


@dataclass(frozen=True)
class Usage:
    """Tokens as the engine counted them."""

    prompt: int
    completion: int


@dataclass
class Stream:
    """What is known of a stream so far."""

    #: Whether the event that only counts tokens is kept from the client.
    hides_usage: bool = False
    #: Events that carry text (or a call of a tool): one for each token, or for some together.
    pieces: int = 0
    has_error: bool = False
    is_done: bool = False
    _rest: bytearray = field(default_factory=bytearray)
    _last_usage: bytes = b""
    _is_too_long: bool = False

    def feed(self, chunk: bytes) -> tuple[bytes, int]:
        """Read what came; return what is passed on, and how many pieces of text it completes.

        Where nothing is hidden every byte is passed on at once; else whole events are.
        """
        before, passed = self.pieces, bytearray()
        self._rest += chunk
        while (end := _end_of_event(self._rest)) is not None:
            event = bytes(self._rest[:end])
            del self._rest[:end]
            if self._read(event):
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

    def usage(self) -> Usage | None:
        """Return the tokens that the engine counted, or None where it has not told."""
        found = _object(self._last_usage).get("usage") if self._last_usage else None
        return usage_of(found)

    def _read(self, event: bytes) -> bool:
        """Take notice of one event; tell whether it is passed on."""
        if self._is_too_long:
            self._is_too_long = False
            return True
        data = _data(event)
        if not data:
            # A comment that keeps the connection, or an event that only has a name.
            self.has_error = self.has_error or b"event: error" in event
            return True
        if data == _DONE:
            self.is_done = True
            return True
        if b'"usage"' in data:
            # Some engines count in each event: only the last is read, at the end.
            found = _object(data)
            if found.get("usage"):
                self._last_usage = data
                if not found.get("choices") and "error" not in found:
                    return not self.hides_usage
        if b'"error"' in data or b"event: error" in event:
            self.has_error = self.has_error or "error" in _object(data) or b"event: error" in event
        # Between the first text and the end nothing else comes, and reading it would cost.
        is_plain = self.pieces and b'"finish_reason":"' not in data and b'_reason": "' not in data
        if is_plain or _has_text(data):
            self.pieces += 1
        return True


def usage_of(found: object) -> Usage | None:
    """Return the tokens of a `usage` as engines write it, or None where it is none."""
    if not isinstance(found, dict):
        return None
    prompt, completion = found.get("prompt_tokens"), found.get("completion_tokens", 0)
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    return Usage(prompt, completion)


def _end_of_event(data: bytearray) -> int | None:
    ends = [
        place + len(mark)
        for mark in (b"\n\n", b"\r\n\r\n", b"\r\r")
        if (place := data.find(mark)) >= 0
    ]
    return min(ends, default=None)


def _data(event: bytes) -> bytes:
    lines = event.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    told = [line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
    return b"\n".join(told)


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _has_text(data: bytes) -> bool:
    """Tell whether an event carries what a model has written: the first ones tell a role only."""
    for choice in _object(data).get("choices") or ():
        if not isinstance(choice, dict):
            continue
        delta = choice.get("delta")
        parts = delta if isinstance(delta, dict) else choice
        if any(
            parts.get(name)
            for name in ("content", "text", "reasoning_content", "reasoning", "tool_calls")
        ):
            return True
    return False
