"""Heads of answers that came before: an answer with the same is read without looking at it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from llmstack.load.connection import Connection, Exchange, Traffic
from llmstack.load.openai_answers import OpenAiStream
from llmstack.load.outcome import Failure, Outcome
from llmstack.load.planned import Planned
from tests.stack.gateway.raw_engine import END, STREAM, answer, head
from tests.stack.load.asking import ask
from tests.stack.load.golden import CHATS, DONE, ROLE, STOP, counted, said
from tests.stack.load.received import Transport, piece, received

BODY = [piece(ROLE), piece(said("a")), piece(said("b")), piece(STOP), piece(counted(2)), piece(DONE), END]  # fmt: skip
WHOLE = STREAM + b"".join(BODY)
CHUNKED = "Transfer-Encoding: chunked"


def head_after(*pieces: bytes) -> bytes:
    """The head that is known after an answer."""

    async def run() -> bytes:
        outcome, traffic = Outcome(Planned(0.0, 7, 3), 0.5), Traffic()
        connection = Connection(traffic)
        connection.connection_made(Transport())
        connection.send(Exchange(b"", outcome, OpenAiStream(outcome)))
        for data in pieces:
            connection.data_received(data)
        return traffic.head

    return asyncio.run(run())


def test_answers_with_the_same_head_are_all_read() -> None:
    """Over one connection, the first by the parser, and others without it."""
    first, *others = ask([WHOLE], times=4)

    def facts(outcome: Outcome) -> tuple[object, ...]:
        return (outcome.status, outcome.failure, outcome.tokens, outcome.seen_tokens, outcome.finish_reason, outcome.bytes_received)  # fmt: skip

    assert (200, None, 2, 2, "stop", len(WHOLE)) == facts(first)
    assert [facts(first)] * 3 == [facts(each) for each in others]


def test_a_head_is_known_once_it_came() -> None:
    """Whatever came with it."""
    assert [STREAM, STREAM] == [head_after(WHOLE), head_after(STREAM, *BODY)]


@pytest.mark.parametrize(
    "data",
    [
        answer(200, b"{}"),
        head(200) + b"{}",
        head(404, CHUNKED) + b"".join(BODY),
        head(200, CHUNKED, "Connection: close") + b"".join(BODY),
        head(200, "Transfer-Encoding: gzip, chunked") + b"".join(BODY),
        STREAM.replace(b"1.1", b"1.0") + b"".join(BODY),
        head(100) + WHOLE,
        b"\r\n" + WHOLE,
        STREAM.replace(b"\r\n", b"\n") + b"\r\n\r\n" + b"".join(BODY),
        b"oops" + WHOLE,
    ],
)
def test_other_heads_are_parsed_each_time(data: bytes) -> None:
    """Without chunks, of another status or version, of a connection that closes, or unusual."""
    assert b"" == head_after(data)


def test_a_head_in_pieces_is_parsed_each_time() -> None:
    """It is no loss: servers write it at once."""
    assert b"" == head_after(STREAM[:9], STREAM[9:], *BODY)


@pytest.mark.parametrize("name", CHATS)
def test_it_tells_the_same(name: str) -> None:
    """As if it had not been known."""
    events = [part + b"\n\n" for _, data in CHATS[name].came for part in data.split(b"\n\n") if part]  # fmt: skip
    pieces = [STREAM, *map(piece, events), END]

    assert received(pieces) == received(pieces, head=STREAM)
    assert received([b"".join(pieces)]) == received([b"".join(pieces)], head=STREAM)


ODD = [
    BODY,
    [piece(ROLE + said("a")), piece(said("b") + STOP), b"0\r\nInn: barn\r\n\r\n"],
    [*BODY[:3], b"oops\r\n"],
    [*BODY[:3], piece(b"data: {oops}\n\n"), END],
    [*BODY, b"HTTP/1.1 200 Said\r\n"],
    [piece(b"a" * 5000), *BODY],
    [END],
]


@given(some.sampled_from(ODD), some.lists(some.integers(0, 6000), max_size=8), some.booleans())
def test_an_answer_may_be_cut_anywhere(
    body: Sequence[bytes], cuts: Sequence[int], is_lost: bool
) -> None:
    """Where the parser is needed after all, it is told the head that it has not seen."""
    data = STREAM + b"".join(body)
    places = sorted({0, len(data), *(each % len(data) for each in cuts)})
    pieces = [data[begin:end] for begin, end in pairwise(places)]

    def told(head: bytes) -> list[object]:
        # What is wrong, without the words in which it was found.
        found = received(pieces, head=head, is_lost=is_lost)
        return [each.partition(":")[0] if isinstance(each, str) else each for each in found]

    assert told(b"") == told(STREAM)


def test_an_answer_that_breaks_off_after_its_head_is_broken() -> None:
    """Nothing but the head came."""
    assert (True, False, 200, Failure.BROKEN) == received([STREAM], head=STREAM, is_lost=True)[:4]
