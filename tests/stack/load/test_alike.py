"""Chunks that are alike, of which a glance is enough: they tell what reading each would."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from llmstack.load.alike import learnt
from llmstack.load.connection import Connection, Exchange, Traffic
from llmstack.load.openai_answers import OpenAiStream
from llmstack.load.outcome import Failure, Outcome
from llmstack.load.planned import Planned
from tests.stack.gateway.raw_engine import END, HANG, STREAM, chunked
from tests.stack.load.asking import ask
from tests.stack.load.golden import CHATS, DONE, ROLE, STOP, event, said, usage
from tests.stack.load.received import Transport, piece, received


def data_of(told: bytes) -> bytes:
    return told.removeprefix(b"data: ").removesuffix(b"\n\n")


PLAIN_STREAM = (STREAM, piece(ROLE), piece(said("a")))
COUNTED_STREAM = (STREAM, piece(ROLE), piece(said("a", **usage(3))))


def told_after(stream: tuple[bytes, ...], *chunks: bytes, reads_all: bool = False) -> object:
    """What is known when chunks have come after the first token, twice, and the end."""
    return received([*stream, *chunks, *chunks, END], reads_all=reads_all)


PLAIN = learnt(data_of(said("a")), is_counted=False)
COUNTED = learnt(data_of(said("a", **usage(3))), is_counted=True)


@pytest.mark.parametrize(
    ("came", "found"),
    [
        (said("b"), 0),
        (said("back\\"), 0),
        (said("line\n"), 0),
        (said('quote"'), None),
        (said(""), None),
        (STOP, None),
        (DONE, None),
        (said("b") + said("c"), None),
        (said("b")[:-1] + b"\r\n\n", None),
        (said("b")[:-1], None),
        (said("b").replace(b"b", b"b\n"), None),
        (b": kept\n\n", None),
    ],
)  # fmt: skip
def test_of_text_that_is_alike(came: bytes, found: int | None) -> None:
    """Not: one with a quote, empty, the last, two in one, another line, half, a comment."""
    assert PLAIN is not None
    assert found == PLAIN.event(data_of(came))
    assert told_after(PLAIN_STREAM, piece(came)) == told_after(
        PLAIN_STREAM, piece(came), reads_all=True
    )


@pytest.mark.parametrize(
    ("came", "found"),
    [
        (said("b", **usage(4)), 4),
        (said("", **usage(5)), 5),
        (said("cd", **usage(17)), 17),
        (said("b", **usage(0)), None),
        (said("b", **usage(4, prompt=9)), 4),
        (said("b"), None),
        (said("b", usage=None), None),
    ],
)
def test_of_counts_that_are_alike(came: bytes, found: int | None) -> None:
    """An empty text is a token where the event counts it."""
    assert COUNTED is not None
    assert found == COUNTED.event(data_of(came))
    assert told_after(COUNTED_STREAM, piece(came)) == told_after(
        COUNTED_STREAM, piece(came), reads_all=True
    )


def test_a_length_has_to_be_that_of_the_event() -> None:
    """A chunk may hold more than what came, or is none at all."""
    good = piece(said("b"))
    long = piece(said("b" * 5000))
    for bad in (b"1" + good, b"zz\r\n" + said("b") + b"\r\n", said("b") + b"\r\n", b"\r\n" + good, long):  # fmt: skip
        assert told_after(PLAIN_STREAM, good, bad, good) == told_after(PLAIN_STREAM, good, bad, good, reads_all=True)  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [{"choices": []}, {"choices": [{"delta": {"content": ""}}]}, {"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]}],
)  # fmt: skip
def test_nothing_is_learnt_where_there_is_no_text(told: object) -> None:
    assert learnt(data_of(event(told)), is_counted=False) is None


def test_nothing_is_learnt_where_the_counts_cannot_be_told_apart() -> None:
    """Without a count, or with two."""
    twice = said("a", **usage(3), also=usage(3)["usage"])

    assert learnt(data_of(said("a")), is_counted=True) is None
    assert learnt(data_of(twice), is_counted=True) is None


@pytest.mark.parametrize("name", CHATS)
@pytest.mark.parametrize("ways", range(4))
def test_a_glance_tells_what_reading_each_would(name: str, ways: int) -> None:
    """However events are put into chunks and pieces, and wherever the stream ends."""
    events = [part + b"\n\n" for _, data in CHATS[name].came for part in data.split(b"\n\n") if part]  # fmt: skip
    together = [b"".join(events[place : place + 1 + ways // 2]) for place in range(0, len(events), 1 + ways // 2)]  # fmt: skip
    pieces = [STREAM, *map(piece, together), END]
    if ways % 2:
        pieces = [b"".join(pieces[place : place + 2]) for place in range(0, len(pieces), 2)]

    assert received(pieces, reads_all=True) == received(pieces, reads_all=False)


def test_what_looks_like_a_chunk_within_another_is_none() -> None:
    """The parser stands in the middle of a longer one then, and has to see all of it."""
    inner = piece(said("c"))
    outer = said("b") + inner
    begin = b"%x\r\n" % len(outer) + said("b")
    pieces = [STREAM, piece(ROLE), piece(said("a")), begin, inner, b"\r\n", piece(STOP + DONE), END]

    assert received(pieces, reads_all=True) == received(pieces, reads_all=False)
    assert (True, False, 200, None) == received(pieces, reads_all=False)[:4]


KINDS = some.sampled_from(["text", "empty", "role", "stop", "done", "comment", "error", "half", "oops"])  # fmt: skip


@given(some.lists(some.tuples(KINDS, some.text(max_size=4)), max_size=80), some.booleans())
def test_any_stream_tells_the_same(told: list[tuple[str, str]], counts: bool) -> None:
    """Whatever comes between events that are alike, and with whatever text."""
    tokens, pieces = 0, [STREAM, piece(ROLE), piece(said("a", **(usage(1) if counts else {})))]
    for kind, text in told:
        more: dict[str, Any] = usage(tokens := tokens + 1) if counts else {}
        written = {"text": said(text or "x", **more), "empty": said("", **more), "role": ROLE, "stop": STOP, "done": DONE, "comment": b": kept\n\n", "error": event({"error": text or "x"}), "half": said(text or "x")[:-3], "oops": b"data: {oops}\n\n"}[kind]  # fmt: skip
        pieces.append(piece(written))
    pieces.append(END)

    assert received(pieces, reads_all=True) == received(pieces, reads_all=False)


def test_what_goes_wrong_among_what_is_alike_is_told() -> None:
    """A server that then hangs does not hide it."""
    oops = b"data: {oops}\n\n"
    (found,) = ask([STREAM, chunked(ROLE, said("a"), said("b"), said("c"), oops), HANG])

    assert (Failure.INVALID_JSON, "{oops}", 3) == (found.failure, found.detail, found.seen_tokens)


def test_what_was_glanced_at_counts_when_an_answer_is_left() -> None:
    """Its tokens came before."""

    async def run() -> Outcome:
        outcome = Outcome(Planned(0.0, 7, 3), 0.5)
        exchange = Exchange(b"", outcome, OpenAiStream(outcome))
        connection = Connection(Traffic())
        connection.connection_made(Transport())
        connection.send(exchange)
        for data in (STREAM, *[piece(said("a"))] * 5):
            connection.data_received(data)
        assert 1 == outcome.seen_tokens
        exchange.leave()
        return outcome

    found = asyncio.run(run())

    assert (True, 5, 4) == (found.is_unfinished, found.seen_tokens, len(found.gaps))


def test_numbers_of_python_are_read() -> None:
    """NaN, which is no JSON, is written by servers in Python; it does not fail an answer."""
    told = said("a", score=1).replace(b'"score":1', b'"score":NaN')
    (found,) = ask([STREAM, chunked(ROLE, told, STOP, DONE), END])

    assert (None, 1) == (found.failure, found.seen_tokens)
