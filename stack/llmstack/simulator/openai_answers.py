"""Answers as vLLM's OpenAI server words them, whole and in events."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from llmstack.simulator.answers import WORDS, text, word
from llmstack.simulator.openai_request import Asked
from llmstack.simulator.request import Request

DONE = b"data: [DONE]\n\n"


def event(told: object) -> bytes:
    """Return something as one event of a stream."""
    return f"data: {_compact(told)}\n\n".encode()


def _compact(told: object) -> str:
    return json.dumps(told, separators=(",", ":"))


@dataclass(frozen=True)
class Wording:
    """How one answer is worded."""

    id: str
    created: int
    model: str
    asked: Asked

    def whole(self, request: Request) -> dict[str, Any]:
        """Return the answer in one piece."""
        said = text(request.id, request.generated)
        ending = request.ending.value
        content: dict[str, Any] = {"text": said}
        if self.asked.is_chat:
            message: dict[str, Any] = {
                "role": "assistant",
                "content": said,
                "refusal": None,
                "tool_calls": [],
            }
            content = {"message": message}
        choice = {
            "index": 0,
            **content,
            "logprobs": None,
            "finish_reason": ending,
            "stop_reason": None,
        }
        kind = "chat.completion" if self.asked.is_chat else "text_completion"
        return {**self._head(kind), "choices": [choice], "usage": usage(request, request.generated)}

    def begin(self) -> bytes:
        """Return what comes before the first token, and together with it."""
        if not self.asked.is_chat:
            return b""
        return event(self._chunk({"role": "assistant", "content": ""}, None))

    def pieces(self) -> tuple[bytes, ...]:
        """Return the event of each word, but for the last of an answer."""
        mark = "\0"
        before, after = event(self._chunk(self._delta(mark), None)).split(b"\\u0000")
        return tuple(before + each.encode() + after for each in WORDS)

    def piece(self, request: Request, number: int, *, is_last: bool) -> bytes:
        """Return the event of one token: the last, or one that counts tokens too."""
        said = self._chunk(
            self._delta(word(request.id, number)), request.ending.value if is_last else None
        )
        if self.asked.has_running_usage:
            said["usage"] = usage(request, number + 1)
        return event(said)

    def end(self, request: Request) -> bytes:
        """Return what comes behind the last token."""
        if not self.asked.has_usage:
            return DONE
        kind = "chat.completion.chunk" if self.asked.is_chat else "text_completion"
        counted = usage(request, request.answer_tokens)
        return event({**self._head(kind), "choices": [], "usage": counted}) + DONE

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _delta(self, said: str) -> dict[str, str]:
        return {"content": said} if self.asked.is_chat else {"text": said}

    def _chunk(self, delta: dict[str, str], ending: str | None) -> dict[str, Any]:
        said: dict[str, Any] = {"delta": delta} if self.asked.is_chat else dict(delta)
        choice = {"index": 0, **said, "logprobs": None, "finish_reason": ending}
        if ending is not None:
            choice["stop_reason"] = None
        kind = "chat.completion.chunk" if self.asked.is_chat else "text_completion"
        return {**self._head(kind), "choices": [choice]}


def usage(request: Request, generated: int) -> dict[str, Any]:
    """Return the tokens of a request so far."""
    return {
        "prompt_tokens": request.prompt_tokens,
        "total_tokens": request.prompt_tokens + generated,
        "completion_tokens": generated,
        "prompt_tokens_details": None,
    }


def error(status: int, message: str, about: str | None = None, kind: str = "") -> dict[str, Any]:
    """Return an error as vLLM words it."""
    kinds = {400: "BadRequestError", 404: "NotFoundError", 500: "InternalServerError"}
    kind = kind or kinds.get(status, "Bad Request")
    return {"error": {"message": message, "type": kind, "param": about, "code": status}}
