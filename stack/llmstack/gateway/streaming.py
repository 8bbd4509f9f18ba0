"""A stream on its way to the client: each event is read, timed and written as it comes."""

from __future__ import annotations

import asyncio
import time

from llmstack.gateway.course import ClientLeftError
from llmstack.gateway.engine_answer import Answer
from llmstack.gateway.events import Stream
from llmstack.gateway.idle import Idle
from llmstack.gateway.outlet import Outlet
from llmstack.gateway.token_times import TokenTimes


class Streaming:
    """Takes an engine's events, and ends with the last; no task runs until then."""

    def __init__(self, stream: Stream, times: TokenTimes, outlet: Outlet, patience: float) -> None:
        """Pass on what will come.

        Args:
            stream: reads it.
            times: of its text.
            outlet: where it goes.
            patience: seconds that the client may take to read on.
        """
        self._stream, self._times, self._outlet = stream, times, outlet
        self._patience, self._loop = patience, asyncio.get_running_loop()
        self._ended: asyncio.Future[Exception | None] = self._loop.create_future()
        self._leaving: asyncio.TimerHandle | None = None

    async def run(self, answer: Answer, within: float, idle: float) -> None:
        """Pass an answer on until its last event.

        Args:
            answer: the engine's.
            within: seconds to its first text.
            idle: seconds that may be between two pieces of it.

        Raises:
            BrokenOffError: the engine has broken it off.
            TimeoutError: nothing came for too long.
            ClientLeftError: nobody is there to read it.
        """
        self._answer = answer
        try:
            async with asyncio.timeout(within) as self._limit:
                with Idle(self._limit, idle) as self._idle:
                    answer.hand_over(self)
                    self._outlet.watch(self._note)
                    problem = await self._ended
        finally:
            # Nothing more is taken then.
            self._ended.cancel()
            self._outlet.watch(None)
            self._wait_no_longer()
            if self._stream.is_over:
                # Its connection serves another once the engine has closed the answer.
                answer.leave()
        if problem is not None:
            raise problem

    def take(self, data: bytes) -> None:
        """Pass on what came."""
        if self._ended.done():
            return
        now = self._idle.heard = time.monotonic()
        if self._stream.took_next(data):
            self._times.next(now)
            self._write(data)
        else:
            self._read(data, now)

    def _read(self, data: bytes, now: float) -> None:
        stream = self._stream
        is_first = not stream.pieces
        passed, pieces = stream.feed(data)
        if pieces:
            if is_first:
                # From here on an answer may be as long as it likes.
                self._limit.reschedule(None)
            self._times.came(pieces, now)
        if passed:
            self._write(passed)
        if stream.is_over:
            self.end(None)

    def _write(self, data: bytes) -> None:
        try:
            self._outlet.write(data)
        except ClientLeftError as error:
            self.end(error)

    def end(self, problem: Exception | None) -> None:
        """End with the first problem, or with none."""
        if not self._ended.done():
            self._ended.set_result(problem)

    def _note(self, is_slow: bool) -> None:
        """Let the engine wait for a client that reads slowly, but not for ever."""
        self._wait_no_longer()
        self._idle.is_busy, self._idle.heard = is_slow, time.monotonic()
        if is_slow:
            self._answer.hold_up()
            self._leaving = self._loop.call_later(self._patience, self.end, ClientLeftError())
        else:
            self._answer.go_on()

    def _wait_no_longer(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
