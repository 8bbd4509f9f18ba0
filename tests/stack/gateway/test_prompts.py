"""What a request asks for, and what it may cost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.errors import RequestError
from llmstack.gateway.dialects import DIALECTS
from llmstack.gateway.prompts import read_request

BY_PATH = {dialect.path.removeprefix("/v1/"): dialect for dialect in DIALECTS}
CHAT = BY_PATH["chat/completions"]


def read(path: str = "chat/completions", **body: Any) -> Any:
    return read_request(json.dumps(body).encode(), BY_PATH[path])


def chat(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize(
    ("path", "body", "tokens"),
    [
        ("chat/completions", {"messages": chat("x" * 400)}, 104),
        ("chat/completions", {"messages": chat("x" * 400) * 2}, 208),
        ("chat/completions", {"messages": [{"role": "user", "content": [{"type": "text", "text": "x" * 40}, {"type": "image_url", "image_url": {"url": "data:" + "x" * 9999}}]}]}, 14),
        ("chat/completions", {"messages": []}, 0),
        ("chat/completions", {}, 0),
        ("chat/completions", {"prompt": "x" * 400}, 0),
        ("chat/completions", {"messages": [None, 7, {"content": None}]}, 12),
        ("completions", {"prompt": "x" * 400}, 100),
        ("completions", {"prompt": ["x" * 400, "x" * 400]}, 200),
        ("completions", {"prompt": list(range(77))}, 77),
        ("completions", {"prompt": [[1, 2, 3], [4, 5]]}, 5),
        ("embeddings", {"input": "x" * 40}, 10),
        ("messages", {"system": "x" * 40, "messages": chat("x" * 400)}, 114),
        ("messages", {"system": [{"type": "text", "text": "x" * 40}], "messages": []}, 14),
        ("responses", {"instructions": "x" * 40, "input": "x" * 400}, 110),
        ("responses", {"input": [{"role": "user", "content": [{"type": "input_text", "text": "x" * 40}]}, {"type": "function_call_output", "output": "x" * 40}]}, 28),
    ],
)  # fmt: skip
def test_tokens_of_a_prompt(path: str, body: dict[str, Any], tokens: int) -> None:
    """Four bytes each, and some for each message; tokens that are given are counted."""
    assert tokens == read(path, **body).prompt_tokens


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(512, "small"), (513, "medium"), (4096, "medium"), (4097, "large")],
)
def test_classes(tokens: int, expected: str) -> None:
    """Up to 512 tokens a prompt is small, up to 4,096 medium."""
    assert expected == read("completions", prompt=list(range(tokens))).prompt_class


@pytest.mark.parametrize(
    ("path", "body", "tokens"),
    [
        ("chat/completions", {}, 1024),
        ("chat/completions", {"max_tokens": 7}, 7),
        ("chat/completions", {"max_completion_tokens": 9, "max_tokens": 7}, 9),
        ("chat/completions", {"max_tokens": 7, "n": 3}, 21),
        ("chat/completions", {"max_tokens": None}, 1024),
        ("responses", {"max_output_tokens": 7, "max_tokens": 9}, 7),
        ("messages", {"max_tokens": 7}, 7),
        ("embeddings", {"max_tokens": 7}, 0),
    ],
)
def test_tokens_of_an_answer(path: str, body: dict[str, Any], tokens: int) -> None:
    """As many as are allowed, for each of the answers."""
    assert tokens == read(path, **body).answer_tokens


def test_what_is_only_counted_costs_nothing() -> None:
    """No model runs for it, however long it is."""
    found = read("messages/count_tokens", messages=chat("x" * 4000), max_tokens=9)

    assert (1004, 0) == (found.prompt_tokens, found.most_tokens)
    assert 1013 == read("messages", messages=chat("x" * 4000), max_tokens=9).most_tokens


def test_a_stream_is_asked_to_count() -> None:
    """Unless the client asked itself; all else is sent as it came, byte for byte."""
    asked = read(model="m", stream=True, stream_options={"other": 1})
    sent = json.loads(asked.sent())

    assert {"other": 1, "include_usage": True} == sent["stream_options"]
    assert ("m", True) == (sent["model"], sent["stream"])
    for data in (b'{"model" : "m"}', b'{"stream":true,  "stream_options":{"include_usage":true}}'):
        assert data == read_request(data, CHAT).sent()


@pytest.mark.parametrize("path", ["responses", "messages"])
def test_others_count_unasked(path: str) -> None:
    """So nothing is changed of what is sent."""
    data = b'{"model" : "m", "stream":true}'
    asked = read_request(data, BY_PATH[path])

    assert (data, False) == (asked.sent(), asked.hides_usage)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the body is no JSON"),
        (b"{", "the body is no JSON"),
        (b"\xff\xfe", "the body is no JSON"),
        (b"[" * 100_000, "the body is no JSON"),
        (b"[]", "the body is no JSON object"),
        (b'{"model": 7}', "model: expected a text"),
        (b'{"stream": "yes"}', "stream: expected true or false"),
        (b'{"stream_options": []}', None),
        (b'{"stream_options": [1]}', "stream_options: expected an object"),
        (b'{"max_tokens": -1}', "max_tokens: expected a whole number from 0"),
        (b'{"max_tokens": true}', "max_tokens: expected a whole number from 0"),
        (b'{"n": 1.5}', "n: expected a whole number from 0"),
    ],
)
def test_what_nobody_can_answer(data: bytes, expected: str | None) -> None:
    """Said without repeating what was sent."""
    if expected is None:
        read_request(data, CHAT)
        return
    with pytest.raises(RequestError) as found:
        read_request(data, CHAT)

    assert expected == str(found.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("ab \u00e9\U0001f600\ud800", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["content", "text", "role", "x"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
BODIES = st.dictionaries(
    st.sampled_from(["model", "messages", "prompt", "input", "system", "stream", "stream_options", "n", "max_tokens"]), JSON, max_size=5
)  # fmt: skip


@given(st.sampled_from(sorted(BY_PATH)), BODIES)
def test_whatever_is_sent_is_read_or_refused(path: str, body: dict[str, Any]) -> None:
    """Nothing else is raised, and nothing of the prompt is in what may be logged."""
    try:
        found = read(path, **body)
    except RequestError:
        return

    assert found.prompt_tokens >= 0
    assert "data=" not in repr(found)
    assert "body=" not in repr(found)
