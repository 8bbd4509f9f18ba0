"""What a connection makes of an answer that comes in known pieces, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from llmstack.load.connection import Connection, Exchange, Traffic
from llmstack.load.openai_answers import OpenAiStream
from llmstack.load.outcome import Outcome
from llmstack.load.planned import Planned


class Transport(asyncio.Transport):
    """Takes all and says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.is_aborted = False

    def write(self, data: object) -> None:
        pass

    def abort(self) -> None:
        self.is_aborted = True


def piece(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def received(
    pieces: Sequence[bytes], *, reads_all: bool = False, head: bytes = b"", is_lost: bool = False
) -> tuple[object, ...]:
    """What is known of an answer that came in such pieces.

    Args:
        pieces: what is read at a time.
        reads_all: no glance is enough.
        head: of an answer before, which is known.
        is_lost: the connection ends after them.
    """

    async def run() -> tuple[Outcome, bool, bool]:
        outcome = Outcome(Planned(0.0, 7, 3), 0.5)
        exchange = Exchange(b"", outcome, OpenAiStream(outcome, reads_all=reads_all))
        traffic, transport = Traffic(head=head), Transport()
        connection = Connection(traffic)
        connection.connection_made(transport)
        connection.send(exchange)
        for data in pieces:
            connection.data_received(data)
        exchange.catch_up()
        if is_lost:
            connection.connection_lost(None)
        assert traffic.bytes_received == outcome.bytes_received
        assert traffic.tokens == outcome.seen_tokens
        return outcome, exchange.done.done(), transport.is_aborted

    found, *ends = asyncio.run(run())
    return (*ends, found.status, found.failure, found.detail, found.counted, found.seen_tokens, list(found.sizes), found.told_tokens, found.finish_reason, found.bytes_received)  # fmt: skip
