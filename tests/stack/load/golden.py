"""Streams of which is known when each token came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: Seconds, and what came then.
Came = Sequence[tuple[float, bytes]]


def event(told: object) -> bytes:
    return b"data: " + json.dumps(told, separators=(",", ":")).encode() + b"\n\n"


def chat(delta: object, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return event({"id": "c", "object": "chat.completion.chunk", "choices": [choice], **more})


def said(text: str, **more: Any) -> bytes:
    return chat({"content": text}, **more)


def usage(tokens: int, prompt: int = 7) -> dict[str, Any]:
    counted = {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}  # fmt: skip
    return {"usage": counted}


def counted(tokens: int) -> bytes:
    """The event that only counts."""
    return event({"id": "c", "object": "chat.completion.chunk", "choices": [], **usage(tokens)})


ROLE = chat({"role": "assistant", "content": ""})
STOP = chat({}, "stop")
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Golden:
    """A stream, and the truth about it."""

    came: Came
    first_token: float
    #: Seconds between events with tokens, and how many each later one brought.
    gaps: Sequence[float]
    sizes: Sequence[int]
    tokens: int
    is_counted_each: bool = False

    @property
    def last_token(self) -> float:
        return self.first_token + sum(self.gaps)


def call(arguments: str, **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, **more, "function": {"arguments": arguments}}]}


#: Times are unlike each other, so that each shows where it came from.
CHATS = {
    "plain": Golden(
        [(1, ROLE + said("a")), (3, said("b")), (6, said("c")), (10, STOP + counted(3) + DONE)],
        1, [2, 3], [1, 1], 3,
    ),
    "early role": Golden(
        [(1, ROLE), (4, said("a")), (6, said("b")), (9, STOP + counted(2) + DONE)],
        4, [2], [1], 2,
    ),
    "empty text, not counted": Golden(
        [(1, ROLE), (4, said("")), (6, said("é")), (9, said("b")), (11, STOP + counted(3) + DONE)],
        6, [3], [1], 3,
    ),
    "empty text, counted": Golden(
        [(1, chat({"role": "assistant", "content": ""}, **usage(0))), (4, said("", **usage(1))), (6, said("é", **usage(2))), (9, chat({"content": "b"}, "stop", **usage(3))), (9, counted(3) + DONE)],
        4, [2, 3], [1, 1], 3, is_counted_each=True,
    ),
    "empty text in the middle, counted": Golden(
        [(4, said("a", **usage(1))), (6, said("", **usage(2))), (9, said("é", **usage(3))), (13, STOP + DONE)],
        4, [2, 3], [1, 1], 3, is_counted_each=True,
    ),
    "four tokens a chunk, counted": Golden(
        [(2, said("abcd", **usage(4))), (6, said("efgh", **usage(8))), (11, said("ijkl", **usage(12))), (11, STOP + counted(12) + DONE)],
        2, [4, 5], [4, 4], 12, is_counted_each=True,
    ),
    "four tokens a chunk, told at the end": Golden(
        [(2, ROLE + said("abcd")), (6, said("efgh")), (11, said("ijkl")), (11, STOP + counted(12) + DONE)],
        2, [4, 5], [1, 1], 12,
    ),
    "reasoning first": Golden(
        [(1, ROLE), (3, chat({"reasoning": "hm"})), (5, chat({"reasoning_content": "so"})), (8, said("a")), (9, STOP + counted(3) + DONE)],
        3, [2, 3], [1, 1], 3,
    ),
    "reasoning beside no content": Golden(
        [(3, chat({"content": None, "reasoning_content": "hm"})), (5, chat({"content": None, "reasoning_content": "so"})), (8, said("a")), (9, STOP + DONE)],
        3, [2, 3], [1, 1], 3,
    ),
    "only what is counted": Golden(
        [(1, ROLE), (5, counted(0)), (7, said("a")), (8, counted(1)), (9, STOP + DONE)],
        7, [], [], 1,
    ),
    "a call of a tool": Golden(
        [(1, ROLE), (4, chat(call("", id="x", type="function"))), (6, chat(call('{"a":'))), (9, chat(call("1}"))), (9, chat({}, "tool_calls") + counted(3) + DONE)],
        4, [2, 3], [1, 1], 3,
    ),
    "text that quotes an event": Golden(
        [(1, said("a")), (3, said('"completion_tokens":99,"error"')), (6, said('"content":""')), (7, STOP + DONE)],
        1, [2, 3], [1, 1], 3,
    ),
    "comments, names and other ends of lines": Golden(
        [(1, b": keep-alive\r\n\r\n"), (2, b"event: message\r\n" + said("a").replace(b"\n", b"\r\n")), (5, b"id: 3\rdata:" + said("b")[6:].replace(b"\n", b"\r")), (7, b"\n\n\n" + STOP + DONE)],
        2, [3], [1], 2,
    ),
    "no mark at the end": Golden([(2, said("a")), (4, chat({"content": "b"}, "length"))], 2, [2], [1], 2),
    "a mark without its empty line": Golden([(2, said("a")), (4, STOP + b"data: [DONE]\n")], 2, [], [], 1),
    "all at once": Golden([(2, ROLE + said("a") + said("b") + said("c") + STOP + DONE)], 2, [0, 0], [1, 1], 3),
}  # fmt: skip
