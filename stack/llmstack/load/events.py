"""Cuts a stream into events; its bytes come cut anywhere, and lines may end in any way.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

#: Bytes of an event; nothing that writes tokens sends longer ones.
LONGEST = 1 << 20


class TooLongError(ValueError):
    """An event that is longer than any can be."""


class Events:
    """The events of one stream."""

    __slots__ = ("_is_after_return", "_rest")

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rest = b""
        #: Whether what came before ended in a carriage return: a line feed after it is its own.
        self._is_after_return = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data of each event that is whole now.

        Raises:
            TooLongError: an event has no end.
        """
        if (
            not self._rest
            and not self._is_after_return
            and data.startswith(b"data: ")
            and data.endswith(b"\n\n")
            and data.find(b"\n") == len(data) - 2
            and b"\r" not in data
        ):
            # Nearly all that comes is one such event.
            return [data[6:-2]]
        if self._is_after_return and data:
            data = data.removeprefix(b"\n")
            self._is_after_return = False
        if b"\r" in data:
            self._is_after_return = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        if len(self._rest) > LONGEST:
            raise TooLongError(f"an event is longer than {LONGEST} bytes")
        return [
            # Nearly all are so, and what else there is would cost more.
            event[6:] if event.startswith(b"data: ") and b"\n" not in event else _data(event)
            for event in whole
        ]

    @property
    def is_between(self) -> bool:
        """Whether what came before has ended with an event."""
        return not (self._rest or self._is_after_return)

    def finish(self) -> bytes:
        """Return what is left of an event that did not end."""
        left, self._rest = self._rest.strip(), b""
        return left


def _data(event: bytes) -> bytes:
    """Return the data of an event, its lines put together; empty for a comment or a mere name."""
    lines = (line.partition(b":") for line in event.split(b"\n"))
    return b"\n".join(value.removeprefix(b" ") for name, _, value in lines if name == b"data")
