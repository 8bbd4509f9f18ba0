"""Events of messages and of responses, cut at every byte."""

from __future__ import annotations

from typing import Any

import pytest

from llmstack.gateway.events import Stream, Usage
from llmstack.gateway.streams import MessageStream, ResponseStream
from tests.stack.gateway.dialect_answers import message_events, named, response_events

MESSAGE = message_events({"model": "tiny", "max_tokens": 3})
RESPONSE = response_events({"model": "tiny", "max_output_tokens": 3})


def read(stream: Stream, chunks: list[bytes]) -> Stream:
    """What is known after these, all of which have passed."""
    assert b"".join(chunks) == b"".join(stream.feed(chunk)[0] for chunk in chunks)
    return stream


@pytest.mark.parametrize(
    ("make", "whole"),
    [(MessageStream, b"".join(MESSAGE)), (ResponseStream, b"".join(RESPONSE))],
)
def test_cut_anywhere_it_is_the_same(make: type[Stream], whole: bytes) -> None:
    """Text, tokens and the end of it, in two pieces of any size."""
    for cut in range(len(whole)):
        stream = read(make(), [whole[:cut], whole[cut:]])

        assert (3, Usage(32, 3)) == (stream.pieces, stream.usage())
        assert (True, False) == (stream.is_done, stream.has_error)


@pytest.mark.parametrize(("make", "events"), [(MessageStream, MESSAGE), (ResponseStream, RESPONSE)])
def test_what_is_cut_off_has_not_ended(make: type[Stream], events: list[bytes]) -> None:
    """However much of it has come; what was passed on is counted."""
    for count in range(len(events)):
        stream = read(make(), events[:count])

        assert not stream.is_done
        assert stream.pieces == sum(
            b'delta"' in each and b'" a"' in each for each in events[:count]
        )


def test_a_message_that_is_cut_off_tells_its_prompt() -> None:
    """Its tokens are counted at the start, and of the answer those that have passed."""
    stream = read(MessageStream(), MESSAGE[:4])

    assert Usage(32, 2) == stream.usage()
    assert MessageStream().usage() is None


def test_tokens_that_were_found_in_a_cache_are_tokens_of_the_prompt() -> None:
    """They are told apart in messages; at the end they may be left out."""
    usage = {"input_tokens": 2, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 5, "output_tokens": 1}  # fmt: skip
    start, end = named("message_start", message={"usage": usage}), named("message_delta", usage={"output_tokens": 9})  # fmt: skip

    assert Usage(37, 9) == read(MessageStream(), [start, end]).usage()


@pytest.mark.parametrize(
    ("make", "event", "expected"),
    [
        (MessageStream, named("content_block_delta", delta={"type": "thinking_delta", "thinking": "a"}), 1),
        (MessageStream, named("content_block_delta", delta={"type": "input_json_delta", "partial_json": "{"}), 1),
        (MessageStream, named("content_block_delta", delta={"type": "text_delta", "text": ""}), 0),
        (MessageStream, named("content_block_delta", delta=None), 0),
        (MessageStream, named("ping"), 0),
        (ResponseStream, named("response.reasoning_text.delta", delta="a"), 1),
        (ResponseStream, named("response.function_call_arguments.delta", delta="{"), 1),
        (ResponseStream, named("response.output_text.delta", delta=""), 0),
        (ResponseStream, named("response.output_text.done", text="a"), 0),
        (ResponseStream, b": keep-alive\n\n", 0),
    ],
)  # fmt: skip
def test_what_is_text(make: type[Stream], event: bytes, expected: int) -> None:
    """Of what is said, thought, and asked of tools."""
    assert expected == read(make(), [event]).pieces


@pytest.mark.parametrize(
    ("make", "event"),
    [
        (MessageStream, named("error", error={"type": "overloaded_error", "message": "busy"})),
        (ResponseStream, named("error", message="busy")),
        (ResponseStream, response_events({"model": "tiny", "max_output_tokens": 1}, "failed")[-1]),
    ],
)
def test_errors_inside(make: type[Stream], event: bytes) -> None:
    """An event of its own; a response that failed says so at its end."""
    assert read(make(), [event]).has_error


def test_a_response_that_was_cut_short_has_ended_well() -> None:
    """It had as many tokens as it was allowed."""
    stream = read(ResponseStream(), response_events({"model": "tiny", "max_output_tokens": 2}, "incomplete"))  # fmt: skip

    assert (True, False, Usage(32, 2)) == (stream.is_done, stream.has_error, stream.usage())


@pytest.mark.parametrize("usage", [None, {}, [], {"input_tokens": -1}, {"input_tokens": "a"}])
@pytest.mark.parametrize("make", [MessageStream, ResponseStream])
def test_counts_that_are_none(make: type[Stream], usage: Any) -> None:
    """Nobody is charged for what cannot be read."""
    events = [
        named("message_start", message={"usage": usage}),
        named("message_delta", usage=usage),
        named("response.completed", response={"usage": usage}),
        named("response.completed", response=None),
    ]

    assert read(make(), events).usage() is None
