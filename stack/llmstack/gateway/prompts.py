"""What a request asks for: model, stream, and how many tokens it may cost, estimated on arrival."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from llmdash.metrics.gateway import PROMPT_CLASSES
from llmstack.errors import RequestError
from llmstack.gateway.dialects import Dialect
from llmstack.token_size import BYTES_OF_A_TOKEN

#: Up to so many tokens a prompt is small, and medium; the promise is stated for small ones.
CLASS_LIMITS = (512, 4096)
#: What a chat adds to each message: its role and marks.
TOKENS_OF_A_MESSAGE = 4
#: What is reserved where a request does not say how long its answer may be.
USUAL_ANSWER = 1024


@dataclass(frozen=True)
class Asked:
    """A request, as far as the gateway has to understand it."""

    dialect: Dialect
    model: str
    is_stream: bool
    #: Whether a stream must be asked to count its tokens, which the client did not want to see.
    hides_usage: bool
    prompt_tokens: int
    answer_tokens: int
    #: What came, and what it says; neither is ever logged.
    data: bytes = field(repr=False)
    body: dict[str, Any] = field(repr=False)

    @property
    def most_tokens(self) -> int:
        """What it may cost at most."""
        return self.prompt_tokens + self.answer_tokens if self.dialect.costs_tokens else 0

    @property
    def prompt_class(self) -> str:
        """How long the prompt is, by the classes of the catalogue."""
        for limit, name in zip(CLASS_LIMITS, PROMPT_CLASSES, strict=False):
            if self.prompt_tokens <= limit:
                return name
        return PROMPT_CLASSES[-1]

    def sent(self) -> bytes:
        """Return the body for the engine: a stream is asked to count its tokens."""
        if not self.hides_usage:
            return self.data
        options = {**(self.body.get("stream_options") or {}), "include_usage": True}
        return json.dumps({**self.body, "stream_options": options}).encode()


def read_request(data: bytes, dialect: Dialect) -> Asked:
    """Return what the body of a request asks for.

    Raises:
        RequestError: it is no JSON object, or what it says of itself is of the wrong kind.
    """
    try:
        body = json.loads(data)
        if not isinstance(body, dict):
            raise RequestError("the body is no JSON object")
        prompt = _prompt_tokens(body, dialect)
    except (ValueError, RecursionError) as error:
        raise RequestError("the body is no JSON") from error
    model, stream = body.get("model", ""), body.get("stream", False)
    if not isinstance(model, str):
        raise RequestError("model: expected a text")
    if not isinstance(stream, bool | None):
        raise RequestError("stream: expected true or false")
    options = body.get("stream_options") or {}
    if not isinstance(options, dict):
        raise RequestError("stream_options: expected an object")
    hides_usage = bool(stream) and dialect.must_ask_for_usage and not options.get("include_usage")
    answers = _answer_tokens(body, dialect)
    return Asked(dialect, model, bool(stream), hides_usage, prompt, answers, data, body)


def _answer_tokens(body: dict[str, Any], dialect: Dialect) -> int:
    if not dialect.answer:
        return 0
    most = next((n for name in dialect.answer if (n := _number(body, name, 0))), USUAL_ANSWER)
    return _number(body, "n", 1) * most


def _number(body: dict[str, Any], name: str, otherwise: int) -> int:
    value = body.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RequestError(f"{name}: expected a whole number from 0")
    return value


def _prompt_tokens(body: dict[str, Any], dialect: Dialect) -> int:
    return sum(_tokens_of(body[name]) for name in dialect.prompt if name in body)


def _tokens_of(prompt: Any) -> int:
    """Estimate the tokens of a text, of messages, or of prompts; those that are given count."""
    if not isinstance(prompt, list):
        return int(_size(prompt) / BYTES_OF_A_TOKEN)
    if prompt and all(isinstance(each, int) for each in prompt):
        return len(prompt)
    given = sum(len(each) for each in prompt if isinstance(each, list))
    messages = sum(not isinstance(each, str | list) for each in prompt)
    return given + int(_size(prompt) / BYTES_OF_A_TOKEN) + TOKENS_OF_A_MESSAGE * messages


def _size(value: Any) -> int:
    """Return how many bytes of UTF-8 a value's texts have."""
    return sum(len(text.encode("utf-8", "replace")) for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts that a model reads; an image is no text, however long its address."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        # Of a chat, of a message, and of what a tool has answered in a response.
        for name in ("content", "text", "output"):
            if name in value:
                yield from _texts(value[name])
