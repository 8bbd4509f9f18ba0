"""An engine's answer: its head, and its body, which is kept until somebody takes it as it comes."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from multidict import CIMultiDict

#: Bytes of a body that are kept unread, before the engine is held up.
_MOST_KEPT = 1 << 18


class NoConnectionError(Exception):
    """An engine cannot be reached."""


class BrokenOffError(Exception):
    """An engine has not answered to the end, or in no HTTP."""


class Receiver(Protocol):
    """Who takes a body. Neither call may raise, nor wait."""

    def take(self, data: bytes) -> None:
        """Take a part of it."""
        ...

    def end(self, problem: Exception | None) -> None:
        """Take notice that no more will come: all of it is there, or there is a problem."""
        ...


class Source(Protocol):
    """Where an answer comes from."""

    def hold_up(self) -> None:
        """Let nothing more come for now."""
        ...

    def go_on(self) -> None:
        """Let more come."""
        ...

    def close(self) -> None:
        """Let nothing more come, ever."""
        ...

    def leave(self) -> None:
        """Take what still comes, for a moment, and give it to nobody."""
        ...


class Answer:
    """An answer that has begun."""

    def __init__(self, status: int, headers: CIMultiDict[str], source: Source) -> None:
        """Keep its body until somebody takes it."""
        self.status, self.headers = status, headers
        #: None once all of it has come: its connection may serve another then.
        self.source: Source | None = source
        self._kept = _Kept(self)
        self.receiver: Receiver = self._kept

    @property
    def content_type(self) -> str:
        """What its body is, without more about it."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def hand_over(self, receiver: Receiver) -> None:
        """Give somebody what has come, and from now on what comes in the same moment."""
        self.receiver = receiver
        self._kept.hand_over(receiver)

    async def piece(self) -> bytes:
        """Return what has come of the body since, once there is some; nothing at its end.

        The engine waits for who reads slowly.

        Raises:
            BrokenOffError: it has not come to its end.
        """
        return await self._kept.next()

    def hold_up(self) -> None:
        """Let the engine wait."""
        if self.source is not None:
            self.source.hold_up()

    def go_on(self) -> None:
        """Let the engine go on."""
        if self.source is not None:
            self.source.go_on()

    def leave(self) -> None:
        """Wait no longer for its formal end, which is on its way."""
        if self.source is not None:
            self.source.leave()
            self.source = None

    def close(self) -> None:
        """Let go of it: an engine that is still writing sees that nobody reads."""
        if self.source is not None:
            self.source.close()


class _Kept:
    """A body that waits to be read."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._has_ended = False
        self._problem: Exception | None = None
        self._more: asyncio.Future[None] | None = None

    def take(self, data: bytes) -> None:
        """Keep a part of it."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size > _MOST_KEPT:
            self._answer.hold_up()
        self._wake()

    def end(self, problem: Exception | None) -> None:
        """Keep that it has ended."""
        self._has_ended, self._problem = True, problem
        self._wake()

    async def next(self) -> bytes:
        """Return all that has come; nothing at the end."""
        while not self._pieces:
            if self._problem is not None:
                raise self._problem
            if self._has_ended:
                return b""
            self._more = asyncio.get_running_loop().create_future()
            await self._more
        return self._emptied()

    def hand_over(self, receiver: Receiver) -> None:
        """Give somebody else all that has come."""
        if self._pieces:
            receiver.take(self._emptied())
        if self._has_ended:
            receiver.end(self._problem)

    def _emptied(self) -> bytes:
        found = b"".join(self._pieces)
        self._pieces.clear()
        if self._size > _MOST_KEPT:
            self._answer.go_on()
        self._size = 0
        return found

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)
