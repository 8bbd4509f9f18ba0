"""Streams with a known truth: when the first token came, and each after it."""

from __future__ import annotations

import pytest

from llmstack.load.openai_answers import OpenAiStream
from llmstack.load.outcome import Counted, Failure, Outcome
from llmstack.load.planned import Planned
from llmstack.load.reading import BadAnswerError, Reading
from llmstack.load.triton_answers import GenerateStream
from tests.stack.load.golden import CHATS, DONE, ROLE, STOP, Came, Golden, event, said, usage


def outcome() -> Outcome:
    return Outcome(Planned(0.0, 7, 3), scheduled=0.5)


def read(came: Came, *, reads_all: bool = False) -> Outcome:
    found = outcome()
    reading = OpenAiStream(found, reads_all=reads_all)
    for now, data in came:
        reading.feed(data, now)
    reading.finish()
    return found


def times(found: Outcome) -> tuple[float, float, list[float], list[int], int, bool]:
    is_each = found.counted is Counted.EACH_EVENT
    return (found.first_token, found.last_token, list(found.gaps), list(found.sizes), found.tokens, is_each)  # fmt: skip


def truth(golden: Golden) -> tuple[float, float, list[float], list[int], int, bool]:
    return (golden.first_token, golden.last_token, list(golden.gaps), list(golden.sizes), golden.tokens, golden.is_counted_each)  # fmt: skip


@pytest.mark.parametrize("name", CHATS)
def test_each_token_is_timed_when_it_came(name: str) -> None:
    """The first token is the first text, reasoning or call of a tool, and not a role."""
    assert truth(CHATS[name]) == times(read(CHATS[name].came))


@pytest.mark.parametrize("name", CHATS)
def test_a_glance_finds_what_reading_finds(name: str) -> None:
    """Events that are not read as JSON, because nearly all are alike, tell the same."""
    assert times(read(CHATS[name].came, reads_all=True)) == times(read(CHATS[name].came))


@pytest.mark.parametrize("name", CHATS)
def test_an_event_is_timed_by_its_end(name: str) -> None:
    """Cut at every byte, an event counts when its last byte is there, and no cut changes anything."""
    golden = CHATS[name]
    whole = [(now, data) for now, data in golden.came]
    for place, (now, data) in enumerate(whole):
        for cut in range(1, len(data)):
            came = [
                *whole[:place],
                (now - 0.25, data[:cut]),
                (now, data[cut:]),
                *whole[place + 1 :],
            ]
            found = read(came)

            assert golden.tokens == found.tokens
            assert golden.first_token - 0.25 <= found.first_token <= golden.first_token


def test_a_byte_at_a_time() -> None:
    """A token is there when the empty line after it is."""
    data = ROLE + said("a") + said("b") + STOP + DONE
    found = read([(float(place), data[place : place + 1]) for place in range(len(data))])

    assert len(ROLE + said("a")) - 1 == found.first_token
    assert [float(len(said("b")))] == list(found.gaps)


def test_the_pace_leaves_the_first_event_out() -> None:
    """Tokens of 80 ms a four, where events count them: 20 ms each; told at the end, (N-1) share it."""
    each = read([(0.2 + 0.08 * n, said("abcd", **usage(4 * n + 4))) for n in range(16)] + [(1.4, STOP + DONE)])  # fmt: skip
    last = read([(0.2 + 0.08 * n, said("abcd")) for n in range(16)] + [(1.4, STOP + event({"choices": [], **usage(64)}) + DONE)])  # fmt: skip

    assert 0.02 == pytest.approx(each.seconds_a_token)
    assert 1.2 / 63 == pytest.approx(last.seconds_a_token)


@pytest.mark.parametrize(
    ("data", "failure", "detail"),
    [
        (b"", Failure.BROKEN, "the stream ended without a finish_reason and without [DONE]"),
        (said("a"), Failure.BROKEN, "the stream ended without a finish_reason and without [DONE]"),
        (ROLE + STOP + DONE, Failure.EMPTY, "the stream brought no token"),
        (said("a") + said("b")[:-9], Failure.HALF_A_LINE, said("b")[:-9].decode()),
        (said("a") + b"data: {oops}\n\n", Failure.INVALID_JSON, "{oops}"),
        (b"data: 3\n\n", Failure.INVALID_JSON, "no object: 3"),
        (said("a") + event({"error": {"message": "out of memory", "code": 500}}), Failure.IN_STREAM, "out of memory"),
        (b"event: error\n" + event({"error": "gone"}), Failure.IN_STREAM, "gone"),
        (b"x" * ((1 << 20) + 1), Failure.INVALID_JSON, "an event is longer than 1048576 bytes"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_told_by_its_kind(data: bytes, failure: Failure, detail: str) -> None:
    """Each has its own, with the beginning of what came."""
    with pytest.raises(BadAnswerError) as error:
        read([(1.0, data)])

    assert (failure, detail) == (error.value.failure, error.value.detail)


def generate(*came: tuple[float, object]) -> Outcome:
    found = outcome()
    reading: Reading = GenerateStream(found)
    for now, told in came:
        reading.feed(event(told), now)
    reading.finish()
    return found


def test_triton_counts_by_events_of_text() -> None:
    """Without counts an event with text is a token."""
    found = generate((1, {"text_output": ""}), (3, {"text_output": "a"}), (7, {"text_output": "b"}))

    assert (3, 7, [4], [1], 2, False) == times(found)


def test_triton_counts_each_event_where_it_is_asked_to() -> None:
    """`num_output_tokens` are those of the event; a reason of None is none."""
    told = {"text_output": "abc", "num_output_tokens": 3, "finish_reason": "None"}
    found = generate((1, {**told, "num_output_tokens": 0}), (3, told), (7, {**told, "finish_reason": "length"}))  # fmt: skip

    assert (3, 7, [4], [3], 6, True) == times(found)
    assert "length" == found.finish_reason


def test_token_ids_are_tokens() -> None:
    """A list of one number is told as the number."""
    found = generate((2, {"output_ids": 17}), (5, {"output_ids": [18, 19]}))

    assert (2, 5, [3], [2], 3, True) == times(found)
