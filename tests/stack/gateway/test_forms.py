"""What nearly all events of a stream are like: which differ in their text alone, and which do not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.gateway.forms import form_of
from llmstack.gateway.streams import ChatStream


def event(data: Any) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def chunk(content: str, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    return {"id": "x", "choices": [choice], **more}


READ = event(chunk(" a"))
FORM = form_of(READ[6:-2])


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (READ, True),
        (event(chunk("Wörter, \n mehrere")), True),
        (event(chunk('a "quoted" word \\')), True),
        (event(chunk("")), False),
        (event(chunk(" a", usage={"prompt_tokens": 1})), False),
        (event(chunk(" a", id="y")), False),
        (event({"error": {"message": "out of memory"}}), False),
        (event({"choices": [{"index": 0, "delta": {"content": " a"}, "finish_reason": "stop"}]}), False),
        (READ.replace(b" a", b' a", "refusal": "b'), False),
        (READ.replace(b" a", b" a\\"), False),
        (READ.replace(b" a", b" a\n\ndata: b"), False),
        (READ.replace(b" a", b" a\rdata: b"), False),
        (READ.replace(b" a", b" a\\\n"), False),
        (READ.replace(b" a", b" a\\\r"), False),
        (READ + READ, False),
        (READ[:-1], False),
        (b": ping\n\n" + READ, False),
        (b"event: error\n" + READ, False),
    ],
)  # fmt: skip
def test_which_events_are_alike(other: bytes, expected: bool) -> None:
    """Those in which another text stands and nothing else is other."""
    assert FORM is not None
    assert expected is FORM.fits(other)


@given(st.text(min_size=1), st.booleans())
def test_any_text_is_alike_in_json(text: str, is_ascii: bool) -> None:
    """However it is written."""
    assert FORM is not None
    data = f"data: {json.dumps(chunk(text), ensure_ascii=is_ascii)}\n\n"
    assert FORM.fits(data.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=60))
def test_what_is_alike_is_read_alike(text: bytes) -> None:
    """Whatever stands there: one event with one more piece of text, as reading it tells."""
    assert FORM is not None
    other = READ.replace(b" a", text)
    if FORM.fits(other):
        stream = ChatStream()
        stream.feed(READ)

        assert (other, 1) == stream.feed(other)
        assert stream.took_next(other)
        assert 3 == stream.pieces
        assert (False, False, False) == (stream.is_done, stream.is_over, stream.has_error)


@pytest.mark.parametrize(
    "data", [b"{}", b'{"choices": [{"delta": {"tool_calls": [1]}}]}', b'{"content":\n"a"}', b'{"content": ""}']
)  # fmt: skip
def test_what_has_no_form(data: bytes) -> None:
    """No text that could be another."""
    assert form_of(data) is None


@pytest.mark.parametrize(
    "first",
    [
        chunk(" a", usage={"prompt_tokens": 5, "completion_tokens": 1}),
        chunk(" a", error={"message": "busy"}),
        {"choices": [{"delta": {"content": " a"}, "finish_reason": "length"}]},
    ],
)
def test_events_that_tell_more_are_read(first: dict[str, Any]) -> None:
    """Once where the next tell the same, and each that tells another count."""
    stream = ChatStream()
    stream.feed(event(first))
    told = stream.usage(), stream.is_done, stream.has_error
    for _ in range(3):
        stream.feed(event(first))

    assert (4, *told) == (stream.pieces, stream.usage(), stream.is_done, stream.has_error)
    stream.feed(event({**first, "usage": {"prompt_tokens": 7, "completion_tokens": 9}}))
    found = stream.usage()

    assert found is not None
    assert (7, 9) == (found.prompt, found.completion)


def test_a_glance_is_enough_for_whole_events_alone() -> None:
    """Not before the first was read, and not for what may be a part of another."""
    stream = ChatStream()
    assert not stream.took_next(READ)
    stream.feed(READ)
    assert stream.took_next(READ)
    stream.feed(b"data: ")

    assert not stream.took_next(READ)
    assert 2 == stream.pieces


def test_the_end_of_a_long_event_is_none_of_its_own() -> None:
    """Though it may look like one."""
    stream = ChatStream()
    stream.feed(READ)
    stream.feed(b"data: " + b"x" * (1 << 20))
    before = stream.pieces
    assert not stream.took_next(READ)
    stream.feed(READ)

    assert before == stream.pieces
    stream.feed(READ)
    assert before + 1 == stream.pieces
