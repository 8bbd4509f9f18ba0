"""What the events of a stream mean, in each dialect that engines speak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmstack.gateway.events import Stream, Usage, is_count, read_object, tokens_of
from llmstack.gateway.forms import Form, form_of

_DONE = b"[DONE]"


def chat_usage(answer: dict[str, Any]) -> Usage | None:
    """Return the tokens of a chat's, a completion's or an embedding's answer."""
    return tokens_of(answer.get("usage"), "prompt_tokens", "completion_tokens")


def message_usage(answer: dict[str, Any]) -> Usage | None:
    """Return the tokens of a message; those that were found in a cache are told apart there."""
    found = tokens_of(answer.get("usage"), "input_tokens", "output_tokens")
    if found is None:
        return None
    cached = ("cache_read_input_tokens", "cache_creation_input_tokens")
    more = [answer["usage"].get(name) for name in cached]
    return Usage(found.prompt + sum(n for n in more if is_count(n)), found.completion)


def response_usage(answer: dict[str, Any]) -> Usage | None:
    """Return the tokens of a response."""
    return tokens_of(answer.get("usage"), "input_tokens", "output_tokens")


@dataclass
class ChatStream(Stream):
    """Of chats and completions: `choices` in each event, tokens in the last, and `[DONE]`."""

    _usage: Usage | None = None
    #: What nearly all events of this stream are like.
    _form: Form | None = None

    def usage(self) -> Usage | None:
        """Return the tokens that the engine counted, or None where it has not told."""
        return self._usage

    def took_next(self, chunk: bytes) -> bool:
        """Tell at a glance whether what came is an event with the next text, and count it."""
        form = self._form
        if form is None or self._rest or self._is_too_long or not form.fits(chunk):
            return False
        self.pieces += 1
        return True

    def _is_one_more(self, event: bytes) -> bool:
        if self._is_too_long or not self.pieces:
            return False
        if self._form is not None and self._form.fits(event):
            return True
        # Between the first text and the end nothing else comes, and reading it would cost.
        return (
            event.startswith(b"data: {")
            and event.endswith(b"}\n\n")
            and event.find(b"\n") == len(event) - 2
            and b"\r" not in event
            and b'"usage"' not in event
            and b'"error"' not in event
            and not _may_end(event)
        )

    def _read(self, name: bytes, data: bytes) -> bool:
        del name
        if data == _DONE:
            self.is_done = self.is_over = True
            return True
        if b'"usage"' in data:
            # Some engines count in each event: the last one counts.
            found = read_object(data)
            if found.get("usage"):
                self._usage = chat_usage(found)
                if not found.get("choices") and "error" not in found:
                    return not self.hides_usage
        if b'"error"' in data:
            self.has_error = self.has_error or bool(read_object(data).get("error"))
        if self.pieces and not _may_end(data):
            self.pieces += 1
            return True
        choices = [each for each in _choices(read_object(data)) if isinstance(each, dict)]
        has_text = any(map(_has_text, choices))
        self.pieces += has_text
        # Engines that do not say so at the end have said so of the answer.
        self.is_done = self.is_done or any(each.get("finish_reason") for each in choices)
        if has_text:
            # What differs from it in its text alone tells nothing else that is new.
            self._form = form_of(data)
        return True


@dataclass
class MessageStream(Stream):
    """Of messages (Anthropic's): the prompt's tokens at the start, the answer's in a late event."""

    _prompt: int | None = None
    _completion: int | None = None

    def usage(self) -> Usage | None:
        """Return the tokens that the engine counted, or None where it has not told."""
        if self._prompt is None:
            return None
        # Cut off before it was told: at least what was passed on.
        return Usage(self._prompt, self.pieces if self._completion is None else self._completion)

    def _read(self, name: bytes, data: bytes) -> bool:
        if name == b"content_block_delta":
            self.pieces += bool(self.pieces) or _is_delta(read_object(data).get("delta"))
        elif name == b"message_start":
            self._count(read_object(data).get("message"), is_end=False)
        elif name == b"message_delta":
            self._count(read_object(data), is_end=True)
        elif name == b"message_stop":
            self.is_done = self.is_over = True
        return True

    def _count(self, told: object, *, is_end: bool) -> None:
        if not isinstance(told, dict):
            return
        found = message_usage(told)
        if found is not None:
            self._prompt = found.prompt
        # Anthropic's own servers count the prompt at the start alone.
        usage = told.get("usage")
        written = usage.get("output_tokens") if isinstance(usage, dict) else None
        if is_end and is_count(written):
            self._completion = written


@dataclass
class ResponseStream(Stream):
    """Of responses (OpenAI's): many kinds of deltas, and the whole answer again at the end."""

    _usage: Usage | None = None

    def usage(self) -> Usage | None:
        """Return the tokens that the engine counted, or None where it has not told."""
        return self._usage

    def _read(self, name: bytes, data: bytes) -> bool:
        if name.endswith(b".delta"):
            self.pieces += bool(self.pieces) or bool(read_object(data).get("delta"))
        elif name in (b"response.completed", b"response.incomplete", b"response.failed"):
            found = read_object(data).get("response")
            self._usage = response_usage(found) if isinstance(found, dict) else None
            self.is_done = self.is_over = True
            self.has_error = self.has_error or name == b"response.failed"
        return True


def _may_end(data: bytes) -> bool:
    """Tell whether an event may say why the model has stopped; reading each of them would cost."""
    return b'_reason":"' in data or b'_reason": "' in data


def _choices(found: dict[str, Any]) -> list[Any]:
    choices = found.get("choices")
    return choices if isinstance(choices, list) else []


def _has_text(choice: dict[str, Any]) -> bool:
    """Tell whether a choice carries what a model has written: the first ones tell a role only."""
    delta = choice.get("delta")
    parts = delta if isinstance(delta, dict) else choice
    names = ("content", "text", "reasoning_content", "reasoning", "tool_calls")
    return any(parts.get(name) for name in names)


def _is_delta(found: object) -> bool:
    """Tell whether a part of a block carries what a model has written or thought."""
    names = ("text", "thinking", "partial_json")
    return isinstance(found, dict) and any(found.get(name) for name in names)
