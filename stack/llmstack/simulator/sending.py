"""How answers leave: whole, or each token as it comes.

Tokens are written to the connection by whoever drives the engine, without a task a token: a
thousand streams are a thousand tokens a step, and waking a coroutine for each would cost more than
the tokens. An answer is bounded by its most tokens, so a client that does not read fills no memory
without end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import HttpVersion11, web

from llmstack.simulator.replica import Question, Replica
from llmstack.simulator.request import Request

#: Makes the bytes of a request's next token.
NextPiece = Callable[[], bytes]


class Counted:
    """An answer that is given when it is whole."""

    def __init__(self) -> None:
        """Begin with nothing written."""
        self.done = asyncio.get_running_loop().create_future()

    def write(self) -> None:
        """Take the next token."""

    def finish(self) -> None:
        """Take notice that the one before was the last."""
        if not self.done.done():
            self.done.set_result(None)


class Sent(Counted):
    """An answer of which each token is sent as it comes."""

    def __init__(self, client: web.Request) -> None:
        """Remember where it goes."""
        super().__init__()
        self._client = client
        self._is_chunked = client.version >= HttpVersion11
        #: Set before the first step ends.
        self.next_piece: NextPiece = bytes
        self.response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8"}
        )
        if self._is_chunked:
            self.response.enable_chunked_encoding()

    def write(self) -> None:
        """Send the next token."""
        data, transport = self.next_piece(), self._client.transport
        if transport is not None:
            transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)


async def whole(replica: Replica, question: Question) -> Request:
    """Return a request once its answer is written.

    Raises:
        RefusedError: the replica does not take it.
    """
    answer = Counted()
    request = replica.ask(question, answer)
    await _finished(replica, request, answer)
    return request


async def streamed(
    replica: Replica,
    client: web.Request,
    question: Question,
    pieces: Callable[[Request], NextPiece],
) -> web.StreamResponse:
    """Send an answer while it is written.

    Args:
        replica: who writes.
        client: who asked.
        question: what is asked.
        pieces: returns what makes the bytes of each token in turn.

    Raises:
        RefusedError: the replica does not take it.
    """
    answer = Sent(client)
    request = replica.ask(question, answer)
    answer.next_piece = pieces(request)
    try:
        # Servers send the head before the first token is there; no step ends before this does.
        await answer.response.prepare(client)
        await _finished(replica, request, answer)
        await answer.response.write_eof()
    except ConnectionError:
        # The client is gone; whoever called sees it too.
        replica.driver.abort(request)
    return answer.response


async def _finished(replica: Replica, request: Request, answer: Counted) -> None:
    try:
        await answer.done
    except asyncio.CancelledError:
        # The client went away, or the server ends.
        replica.driver.abort(request)
        raise
