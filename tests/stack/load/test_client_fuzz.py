"""Whatever a server says, it is an answer or a failure with a kind: nothing else comes out."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from llmstack.load.apis import Api, Question
from llmstack.load.openai_answers import OpenAiStream
from llmstack.load.outcome import Outcome
from llmstack.load.planned import Planned
from llmstack.load.reading import BadAnswerError

NAMES = some.sampled_from(["choices", "delta", "message", "content", "text", "usage", "completion_tokens", "prompt_tokens", "finish_reason", "error", "outputs", "name", "data", "output_ids", "sequence_length", "text_output", "num_output_tokens", "tool_calls"])  # fmt: skip
LEAVES = some.none() | some.booleans() | some.integers(-3, 9) | some.text(max_size=3) | NAMES
ANYTHING = some.recursive(LEAVES, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(NAMES, inner, max_size=4), max_leaves=12)  # fmt: skip
WAYS = [(api, is_stream) for api in Api for is_stream in (True, False)]


@given(some.sampled_from(WAYS), some.lists(ANYTHING | some.binary(max_size=9), max_size=4))
def test_nothing_but_a_bad_answer_comes_out(way: tuple[Api, bool], said: list[Any]) -> None:
    """Objects with the names of answers in every wrong place, and bytes that are no JSON."""
    api, is_stream = way
    outcome = Outcome(Planned(0.0, 3, 3), 0.0)
    reading = Question(api, "m", is_stream).reading(outcome, [1, 2])
    with suppress(BadAnswerError):
        for now, each in enumerate(said):
            data = each if isinstance(each, bytes) else json.dumps(each).encode()
            reading.feed(b"data: " + data + b"\n\n" if is_stream else data, float(now + 1))
        reading.finish()

    assert outcome.tokens >= 0
    assert outcome.seconds_a_token is None or outcome.seconds_a_token >= 0


@given(some.lists(some.tuples(some.text(min_size=1, max_size=12), some.booleans()), min_size=2, max_size=6))  # fmt: skip
def test_a_glance_counts_any_text_as_reading_does(texts: list[tuple[str, bool]]) -> None:
    """Whatever stands in it: quotes, backslashes, the names of an event's own fields."""
    found = []
    for reads_all in (False, True):
        outcome = Outcome(Planned(0.0, 3, 3), 0.0)
        reading = OpenAiStream(outcome, reads_all=reads_all)
        for now, (text, is_quoted) in enumerate(texts):
            said = f'"completion_tokens":7,"finish_reason":"{text}' if is_quoted else text
            told = {"choices": [{"index": 0, "delta": {"content": said}, "finish_reason": None}]}
            data = json.dumps(told, separators=(",", ":"), ensure_ascii=is_quoted)
            reading.feed(f"data: {data}\n\n".encode("utf-8", "surrogatepass"), float(now))
        found.append((outcome.seen_tokens, list(outcome.gaps), outcome.first_token))

    assert found[0] == found[1]
    assert len(texts) == found[0][0]
