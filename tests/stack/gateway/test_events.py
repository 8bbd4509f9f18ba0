"""Events of a stream, cut at every byte: what passes, when text begins, what is counted, what failed."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.gateway.events import LONGEST, Usage
from llmstack.gateway.streams import ChatStream


def event(content: Any) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content)
    return f"data: {text}\n\n".encode()


def delta(**parts: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": parts}]}


ROLE = event(delta(role="assistant", content=""))
WORDS = [event(delta(content=word)) for word in ("Wörter", " zwei", " drei")]
END = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
COUNTED = event({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}})
DONE = event("[DONE]")
WHOLE = b"".join([ROLE, *WORDS, END, COUNTED, DONE])


def passed(chunks: list[bytes], **settings: Any) -> tuple[bytes, ChatStream]:
    stream, out = ChatStream(**settings), b""
    for chunk in chunks:
        out += stream.feed(chunk)[0]
    return out + stream.finish(), stream


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_cut_anywhere_it_is_the_same(cut: int, hides: bool) -> None:
    """Nothing is lost, added or put in another place; only the event that was not asked for goes."""
    out, stream = passed([WHOLE[:cut], WHOLE[cut:]], hides_usage=hides)

    assert (WHOLE.replace(COUNTED, b"") if hides else WHOLE) == out
    assert Usage(5, 3) == stream.usage()
    assert (True, False) == (stream.is_done, stream.has_error)
    assert 3 == stream.pieces


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12), st.booleans())
def test_cut_in_many_places_it_is_the_same(cuts: list[int], hides: bool) -> None:
    """However many bytes come at a time."""
    places = [0, *sorted(cuts), len(WHOLE)]
    chunks = [WHOLE[a:b] for a, b in pairwise(places)]
    out, stream = passed(chunks, hides_usage=hides)

    assert (WHOLE.replace(COUNTED, b"") if hides else WHOLE) == out
    assert (3, Usage(5, 3)) == (stream.pieces, stream.usage())


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_any_bytes_pass(chunks: list[bytes]) -> None:
    """What is no stream of events is passed on as it is, and nothing is raised."""
    assert b"".join(chunks) == passed(chunks)[0]
    assert b"".join(chunks) == passed(chunks, hides_usage=True)[0]


def test_text_begins_after_the_role() -> None:
    """The first events of some engines tell who speaks, and nothing else."""
    stream = ChatStream()

    assert [0, 1, 1] == [stream.feed(chunk)[1] for chunk in (ROLE, *WORDS[:2])]


@pytest.mark.parametrize(
    "content",
    [
        delta(content="a"),
        delta(reasoning_content="a"),
        delta(tool_calls=[{"index": 0}]),
        {"choices": [{"index": 0, "text": "a"}]},
    ],
)
def test_what_is_text(content: dict[str, Any]) -> None:
    """Of chats, of completions, of models that think, and calls of tools."""
    assert 1 == ChatStream().feed(event(content))[1]


@pytest.mark.parametrize(
    "content",
    [delta(role="assistant"), delta(content=""), {"choices": []}, {"choices": [None]}, [], "[DONE]", "no JSON", {"choices": [{"text": ""}]}],
)  # fmt: skip
def test_what_is_no_text(content: Any) -> None:
    """Nor does it end anything."""
    assert 0 == ChatStream().feed(event(content))[1]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (event({"error": {"message": "out of memory"}}), True),
        (b"event: error\ndata: {}\n\n", True),
        (b"event: error\n\n", True),
        (event(delta(content='{"error": 1}')), False),
        (WHOLE, False),
        (b": keep-alive\n\n", False),
    ],
)
def test_errors_inside(data: bytes, expected: bool) -> None:
    """An event of its own, or an object with an error; words about errors are words."""
    assert expected is passed([data])[1].has_error


def test_the_last_count_counts() -> None:
    """Some engines count in each event."""
    counts = [event({**delta(content="a"), "usage": {"prompt_tokens": 5, "completion_tokens": n}}) for n in (1, 2, 3)]  # fmt: skip
    out, stream = passed(counts, hides_usage=True)

    assert b"".join(counts) == out
    assert (3, Usage(5, 3)) == (stream.pieces, stream.usage())


@pytest.mark.parametrize(
    "found",
    [None, {}, {"prompt_tokens": "5"}, {"prompt_tokens": 5, "completion_tokens": None}, [], {"prompt_tokens": -1}, {"prompt_tokens": True}, {"prompt_tokens": 10**400}],
)  # fmt: skip
def test_counts_that_are_none(found: Any) -> None:
    """Nobody is charged for what cannot be read, and no counter falls or overflows of it."""
    assert passed([event({"choices": [], "usage": found})])[1].usage() is None


@pytest.mark.parametrize("mark", [b"\r\n", b"\r", b"\n"])
def test_all_ends_of_lines(mark: bytes) -> None:
    """As the standard has them."""
    out, stream = passed([WHOLE.replace(b"\n", mark)], hides_usage=True)

    assert WHOLE.replace(COUNTED, b"").replace(b"\n", mark) == out
    assert (3, True) == (stream.pieces, stream.is_done)


def test_an_event_without_end_fills_no_memory() -> None:
    """It is passed on, and what follows is read again."""
    long = b"data: " + b"x" * (LONGEST + 10)
    stream = ChatStream(hides_usage=True)
    out = stream.feed(long)[0] + stream.feed(b"x\n\n" + WORDS[0])[0]

    assert long + b"x\n\n" + WORDS[0] == out
    assert 1 == stream.pieces


@pytest.mark.parametrize(
    ("data", "expected"),
    [(DONE, True), (END, True), (WORDS[0], False), (COUNTED, False), (event("[DONE"), False)],
)
def test_what_ends_an_answer(data: bytes, expected: bool) -> None:
    """The last event, or the reason why the model has stopped; engines differ."""
    assert expected is passed([data])[1].is_done
