"""What clients may ask for, and how each of it is said: by the path that it is asked under."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from llmstack.gateway.events import Stream, Usage
from llmstack.gateway.streams import (
    ChatStream,
    MessageStream,
    ResponseStream,
    chat_usage,
    message_usage,
    response_usage,
)


def openai_error(message: str, kind: str) -> dict[str, Any]:
    """Return an error as OpenAI's clients read it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def anthropic_error(message: str, kind: str) -> dict[str, Any]:
    """Return an error as Anthropic's clients read it."""
    kind = "api_error" if kind == "upstream_error" else kind
    return {"type": "error", "error": {"type": kind, "message": message}}


@dataclass(frozen=True)
class Dialect:
    """How one kind of question is asked and answered."""

    path: str
    #: Where a body has texts (or tokens) of the prompt, and the most tokens of an answer: the first
    #: of these that is there.
    prompt: tuple[str, ...]
    answer: tuple[str, ...] = ()
    #: Reads a stream's events, and the tokens of an answer in one piece.
    stream: Callable[..., Stream] = ChatStream
    usage: Callable[[dict[str, Any]], Usage | None] = chat_usage
    #: Whether a stream counts its tokens only where that is asked for.
    must_ask_for_usage: bool = False
    error: Callable[[str, str], dict[str, Any]] = field(default=openai_error)
    #: Whether a model runs for it, so that it costs tokens.
    costs_tokens: bool = True


DIALECTS = (
    Dialect(
        "/v1/chat/completions",
        prompt=("messages",),
        answer=("max_completion_tokens", "max_tokens"),
        must_ask_for_usage=True,
    ),
    Dialect(
        "/v1/completions",
        prompt=("prompt",),
        answer=("max_tokens",),
        must_ask_for_usage=True,
    ),
    Dialect("/v1/embeddings", prompt=("input", "messages")),
    Dialect(
        "/v1/responses",
        prompt=("instructions", "input"),
        answer=("max_output_tokens",),
        stream=ResponseStream,
        usage=response_usage,
    ),
    Dialect(
        "/v1/messages",
        prompt=("system", "messages"),
        answer=("max_tokens",),
        stream=MessageStream,
        usage=message_usage,
        error=anthropic_error,
    ),
    Dialect(
        "/v1/messages/count_tokens",
        prompt=("system", "messages"),
        error=anthropic_error,
        costs_tokens=False,
    ),
)
