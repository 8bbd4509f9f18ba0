"""Answers as OpenAI's API words them: chats and completions, in events and whole.

The first token is the first text, reasoning or call of a tool. A chunk that tells a role, or whose
text is empty, is none: vLLM sends "" for half a character. Where every event counts the tokens so
far (`continuous_usage_stats`) that count is taken, and it tells of such a token too.
"""

from __future__ import annotations

import re
from typing import Any

from llmstack.load.outcome import Counted, Failure, Outcome
from llmstack.load.reading import (
    BadAnswerError,
    StreamReading,
    WholeReading,
    is_count,
    objects_of,
    read_object,
)

_DONE = b"[DONE]"
#: Bytes around the data of an event: `data: ` and the empty line.
_FRAME = 8
_COUNT = b'"completion_tokens":'
#: Where a model's words stand: https://docs.vllm.ai/en/latest/features/reasoning_outputs/ has
#: `reasoning`, older versions and SGLang `reasoning_content`.
_WORDS = ("content", "text", "reasoning_content", "reasoning", "tool_calls", "function_call")
#: The text of an event, as it is written in JSON.
_TEXT = re.compile(rb'"(?:content|text)": ?"((?:[^"\\]|\\.)+)"')


class OpenAiStream(StreamReading):
    """An answer in events."""

    def __init__(self, outcome: Outcome, *, reads_all: bool = False) -> None:
        """Write into an outcome.

        Args:
            outcome: what is known so far.
            reads_all: every event is read as JSON, also those of which a glance tells enough.
        """
        super().__init__(outcome)
        self._is_done, self._reads_all = False, reads_all
        #: What stands before and after the text of an event that brought one token and told nothing
        #: else. In one stream nearly all events have both, and are read by them alone.
        self._before, self._after, self._least = b"", b"", 0

    def feed(self, data: bytes, now: float) -> None:
        """Read the events that are whole; of one that is like the others a glance is enough."""
        if (
            len(data) > self._least > 0
            and data.startswith(self._before)
            and data.endswith(self._after)
            and data.find(b"\n") == len(data) - 2
            and self._events.is_between
        ):
            self._outcome.came(1, now)
        else:
            super().feed(data, now)

    def _take(self, event: bytes, now: float) -> None:
        outcome = self._outcome
        if (
            len(event) > self._least - _FRAME > 0
            and event.startswith(self._before[6:])
            and event.endswith(self._after[:-2])
        ):
            outcome.came(1, now)
            return
        if outcome.counted is Counted.EACH_EVENT and not self._reads_all:
            # In the text of an answer the quotes would be written with a backslash before them.
            place = event.find(_COUNT)
            if place >= 0 and b'_reason":"' not in event and b'_reason": "' not in event:
                count = _number(event, place + len(_COUNT))
                if count is not None and b'"error"' not in event:
                    self._count(count, now)
                    return
        if event == _DONE:
            self._is_done = True
            return
        self._read(event, now)

    def _count(self, total: int, now: float) -> None:
        outcome = self._outcome
        outcome.told_tokens = total
        if total > outcome.seen_tokens:
            outcome.came(total - outcome.seen_tokens, now)

    def _read(self, event: bytes, now: float) -> None:
        outcome, told = self._outcome, read_object(event)
        choices = objects_of(told.get("choices"))
        has_words = any(map(_has_words, choices))
        for choice in choices:
            if choice.get("finish_reason"):
                outcome.finish_reason = str(choice["finish_reason"])
        count = _usage(told, outcome)
        if not outcome.seen_tokens and choices and count:
            # The first tokens are counted in their own event, and so are all others.
            outcome.counted = Counted.EACH_EVENT
        if outcome.counted is Counted.EACH_EVENT:
            if count is not None:
                self._count(count, now)
        elif has_words:
            outcome.came(1, now)
            if count is None and not any(map(_has_ended, choices)):
                self._learn(event)

    def _learn(self, event: bytes) -> None:
        """Remember what an event is like that brings one token and tells nothing else."""
        found = _TEXT.search(event)
        if found and not self._reads_all:
            self._before = b"data: " + event[: found.start(1)]
            self._after = event[found.end(1) :] + b"\n\n"
            self._least = len(self._before) + len(self._after)

    def _see_it_is_whole(self) -> None:
        if not self._is_done and not self._outcome.finish_reason:
            told = "the stream ended without a finish_reason and without [DONE]"
            raise BadAnswerError(Failure.BROKEN, told)


class OpenAiWhole(WholeReading):
    """An answer in one piece."""

    def _read(self, told: dict[str, Any]) -> None:
        outcome = self._outcome
        choices = objects_of(told.get("choices"))
        for choice in choices:
            if choice.get("finish_reason"):
                outcome.finish_reason = str(choice["finish_reason"])
        _usage(told, outcome)
        if not any(map(_has_words, choices)) and not outcome.told_tokens:
            raise BadAnswerError(Failure.EMPTY, "no choice has a text")


def _usage(told: dict[str, Any], outcome: Outcome) -> int | None:
    """Keep the tokens that the server has counted; return those of the answer."""
    usage = told.get("usage")
    if not isinstance(usage, dict):
        return None
    if is_count(prompt := usage.get("prompt_tokens")):
        outcome.told_prompt_tokens = prompt
    count = usage.get("completion_tokens")
    if not is_count(count):
        return None
    outcome.told_tokens = count
    return count


def _number(event: bytes, start: int) -> int | None:
    """Return the whole number that begins at a place of JSON; None where none does."""
    ends = [end for mark in (b",", b"}") if (end := event.find(mark, start)) >= 0]
    digits = event[start : min(ends, default=start)].strip()
    return int(digits) if digits.isdigit() else None


def _has_ended(choice: dict[str, Any]) -> bool:
    return bool(choice.get("finish_reason"))


def _has_words(choice: dict[str, Any]) -> bool:
    delta = choice.get("delta") or choice.get("message")
    said = delta if isinstance(delta, dict) else choice
    return any(said.get(name) for name in _WORDS)
