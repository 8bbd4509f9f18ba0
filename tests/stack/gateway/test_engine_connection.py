"""Answers of engines in all forms that HTTP has, cut anywhere; and which connections are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.gateway.engine_answer import Answer, BrokenOffError
from llmstack.gateway.engine_connection import EngineConnection

PIECES = [b"a", b"bc" * 40, b"\r\n", b"0\r\n\r\n", b"d" * 5000]
BODY = b"".join(PIECES)
CHUNKS = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in PIECES)
CHUNKED = b"HTTP/1.1 200 OK\r\nX-Engine: fake\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nX-Engine: fake\r\nContent-Length: %d\r\n\r\n" % len(BODY)
CLOSED = b"HTTP/1.1 200 OK\r\nX-Engine: fake\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
#: By name: an answer, and whether its connection may serve another.
ANSWERS = {
    "chunks": (CHUNKED + CHUNKS + b"0\r\n\r\n", True),
    "chunks in capitals, with leading noughts and more": (CHUNKED + b"01;a=b\r\na\r\n" + b"".join(b"%04X;x\r\n%b\r\n" % (len(piece), piece) for piece in PIECES[1:]) + b"0\r\n\r\n", True),
    "a trailer": (CHUNKED + CHUNKS + b"0\r\nX-After: 1\r\n\r\n", True),
    "a length": (LENGTH + BODY, True),
    "announced": (EARLY + EARLY + LENGTH + BODY, True),
    "the engine closes": (LENGTH.replace(b"X-", b"Connection: close\r\nX-") + BODY, False),
    "an older protocol": (LENGTH.replace(b"1.1", b"1.0") + BODY, False),
}  # fmt: skip


class Wire:
    """A transport that keeps what is written, and what is asked of it."""

    def __init__(self) -> None:
        self.written = b""
        self.is_aborted = False
        self.reading: list[bool] = []
        self.unsent = 0

    def write(self, data: bytes) -> None:
        self.written += data

    def abort(self) -> None:
        self.is_aborted = True

    def pause_reading(self) -> None:
        self.reading.append(False)

    def resume_reading(self) -> None:
        self.reading.append(True)

    def get_write_buffer_size(self) -> int:
        return self.unsent


class Asked:
    """A connection on which something was asked."""

    def __init__(self) -> None:
        self.wire, self.free = Wire(), cast("list[EngineConnection]", [])
        self.connection = EngineConnection(self.free.append)
        self.connection.connection_made(cast("asyncio.Transport", self.wire))
        self.begun = self.connection.ask(b"question")

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.data_received(piece)

    async def read(self) -> tuple[Answer, bytes]:
        """The answer and all of its body."""
        answer, data = await self.begun, b""
        while piece := await answer.piece():
            data += piece
        return answer, data

    @property
    def is_kept(self) -> bool:
        return self.free == [self.connection] and not self.wire.is_aborted


class Taken:
    """Who takes a body, and how it ended."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.ends: list[Exception | None] = []

    def take(self, data: bytes) -> None:
        self.data.append(data)

    def end(self, problem: Exception | None) -> None:
        self.ends.append(problem)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do something in a loop; what never comes is a failure, and not waited for."""
    asyncio.run(asyncio.wait_for(work(), 60))


@pytest.mark.parametrize(("data", "is_kept"), ANSWERS.values(), ids=ANSWERS)
def test_cut_anywhere_it_is_the_same(data: bytes, is_kept: bool) -> None:
    """In two pieces of any size: its status, its headers, its body, and what becomes of the connection."""

    async def work() -> None:
        # Within the long piece nothing changes.
        for cut in [*range(600), *range(len(data) - 300, len(data))]:
            asked = Asked()
            asked.send(data[:cut], data[cut:]) if cut else asked.send(data)
            answer, body = await asked.read()

            assert (200, "fake", BODY) == (answer.status, answer.headers["X-Engine"], body)
            assert is_kept == asked.is_kept
            assert "Link" not in answer.headers
            assert "X-After" not in answer.headers

    run(work)


@given(st.lists(st.integers(0, len(CHUNKS)), max_size=12))
def test_chunks_cut_in_many_places_are_the_same(cuts: list[int]) -> None:
    """Those that come whole are taken without the parser, which must never lose its place."""
    data = CHUNKS * 2 + b"0\r\n\r\n"
    places = [0, *sorted(cuts), len(CHUNKS), len(data)]

    async def work() -> None:
        asked = Asked()
        asked.send(CHUNKED, *(data[a:b] for a, b in pairwise(sorted(places)) if a < b))
        _, body = await asked.read()

        assert BODY * 2 == body
        assert asked.is_kept

    run(work)


def test_a_length_that_is_cut_where_its_end_looks_like_another() -> None:
    """The parser knows it, and what looks like a whole chunk is a part of one."""

    async def work() -> None:
        asked = Asked()
        asked.send(CHUNKED, b"1\r\na\r\n1", b"1\r\nb\r\n", b"c" * 14 + b"\r\n0\r\n\r\n")

        assert b"ab\r\n" + b"c" * 14 == (await asked.read())[1]
        assert asked.is_kept

    run(work)


def test_what_comes_is_handed_over_at_once() -> None:
    """First what was kept, then each piece in the moment in which it comes, and the end once."""

    async def work() -> None:
        asked, taken = Asked(), Taken()
        asked.send(CHUNKED, b"1\r\na\r\n", b"1\r\nb\r\n")
        (await asked.begun).hand_over(taken)
        assert [b"ab"] == taken.data
        asked.send(b"1\r\nc\r\n")
        assert [b"ab", b"c"] == taken.data
        asked.send(b"1\r\nd\r\n1\r\ne\r\n0\r\n\r\n")
        asked.connection.connection_lost(None)

        assert [b"ab", b"c", b"de"] == taken.data
        assert [None] == taken.ends

    run(work)


def test_an_answer_that_ends_with_its_connection() -> None:
    """Where it says no length, and only if the connection ends in order."""

    async def work() -> None:
        for error, is_whole in ((None, True), (ConnectionResetError("reset"), False)):
            asked, taken = Asked(), Taken()
            asked.send(CLOSED, BODY)
            (await asked.begun).hand_over(taken)
            asked.connection.connection_lost(error)

            assert [BODY] == taken.data
            assert [is_whole] == [problem is None for problem in taken.ends]
            assert not asked.free

    run(work)


@pytest.mark.parametrize("cut", [len(CHUNKED), len(CHUNKED) + 4, len(CHUNKED) + len(CHUNKS)])
def test_an_answer_that_is_cut_off(cut: int) -> None:
    """What has come of it is there, and then it is told."""

    async def work() -> None:
        asked = Asked()
        asked.send((CHUNKED + CHUNKS)[:cut])
        answer = await asked.begun
        asked.connection.connection_lost(None)
        if cut > len(CHUNKED):
            assert await answer.piece()
        with pytest.raises(BrokenOffError, match="has closed the connection"):
            await answer.piece()
        assert not asked.free

    run(work)


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], "no HTTP"),
        ([CHUNKED + b"zz\r\n"], "no HTTP"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na"], "no HTTP"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"], "no HTTP"),
        ([b"HTTP/1.1 200 OK\r\n", *[b"X-A: %b\r\n" % (b"a" * 1000)] * 70], "no HTTP|is longer than"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 20_000 + b"\r\n"], "no HTTP"),
        ([b"HTTP/1.1 200 OK\r\nX: ", *[b"a" * 1000] * 70], "is longer than"),
        ([EARLY] * 2000, "no HTTP|is longer than"),
    ],
)  # fmt: skip
def test_what_is_no_answer(pieces: list[bytes], message: str) -> None:
    """It is told instead of one, and the connection is closed."""

    async def work() -> None:
        asked = Asked()
        asked.send(*pieces)
        with pytest.raises(BrokenOffError, match=message):
            await asked.begun
        assert asked.wire.is_aborted
        assert not asked.free

    run(work)


def test_a_trailer_without_end() -> None:
    """Fills nobody's memory."""

    async def work() -> None:
        asked, taken = Asked(), Taken()
        asked.send(CHUNKED, CHUNKS)
        (await asked.begun).hand_over(taken)
        asked.send(b"0\r\nX: ", *[b"a" * 1000] * 70)

        assert [True] == [isinstance(problem, BrokenOffError) for problem in taken.ends]
        assert asked.wire.is_aborted

    run(work)


def test_another_protocol_is_an_answer_that_nobody_asked_for() -> None:
    """It has a status, by which it is refused."""

    async def work() -> None:
        asked = Asked()
        asked.send(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc")

        assert 101 == (await asked.begun).status
        assert not asked.free

    run(work)


def test_a_second_answer_is_not_one_to_the_next_question() -> None:
    """Whoever sends more than was asked for is not asked again on that connection."""

    async def work() -> None:
        for more in (LENGTH + BODY, b"x"):
            asked = Asked()
            asked.send(LENGTH + BODY + more)
            assert BODY == (await asked.read())[1]
            assert not asked.is_kept
        asked = Asked()
        asked.send(LENGTH + BODY)
        assert asked.is_kept
        asked.send(LENGTH + BODY)
        assert asked.wire.is_aborted

    run(work)


def test_a_question_that_was_not_taken_stands_before_the_next() -> None:
    """An engine may answer before it has read: what is left of the question is nobody's."""

    async def work() -> None:
        asked = Asked()
        asked.wire.unsent = 100
        asked.send(LENGTH + BODY)

        assert BODY == (await asked.read())[1]
        assert not asked.is_kept

    run(work)


def test_who_reads_slowly_holds_the_engine_up() -> None:
    """It goes on when what was kept has been read, and a connection is kept only as one that reads."""

    async def work() -> None:
        asked = Asked()
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        asked.send(CHUNKED, *[piece] * 5)
        answer = await asked.begun
        assert [False] == asked.wire.reading
        assert 5 * 65536 == len(await answer.piece())
        assert [False, True] == asked.wire.reading
        answer.hold_up()
        asked.send(b"0\r\n\r\n")

        assert [False, True, False, True] == asked.wire.reading
        assert asked.is_kept

    run(work)


def test_who_leaves_hears_nothing_more() -> None:
    """The connection is closed at once, and whatever still comes of it is nobody's."""

    async def work() -> None:
        asked, taken = Asked(), Taken()
        asked.send(CHUNKED, b"1\r\na\r\n")
        answer = await asked.begun
        answer.hand_over(taken)
        answer.close()
        asked.send(b"1\r\nb\r\n")
        asked.connection.connection_lost(None)

        assert asked.wire.is_aborted
        assert ([b"a"], []) == (taken.data, taken.ends)

    run(work)


def test_the_formal_end_may_come_later() -> None:
    """Nobody waits for it, and the connection serves another when it has come; or is closed after a while."""

    async def work() -> None:
        early, late = Asked(), Asked()
        for asked in (early, late):
            asked.send(CHUNKED, b"1\r\na\r\n")
            answer = await asked.begun
            answer.leave()
            # As at the end of every request.
            answer.close()
            assert not asked.wire.is_aborted
        early.send(b"0\r\n\r\n")
        assert early.is_kept
        while not late.wire.is_aborted:
            await asyncio.sleep(0.01)
        assert early.is_kept

    run(work)
