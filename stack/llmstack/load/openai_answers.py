"""Answers as OpenAI's API words them: chats and completions, in events and whole.

The first token is the first text, reasoning or call of a tool. A chunk that tells a role, or whose
text is empty, is none: vLLM sends "" for half a character. Where every event counts the tokens so
far (`continuous_usage_stats`) that count is taken, and it tells of such a token too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmstack.load.alike import Alike, learnt
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
#: Where a model's words stand: https://docs.vllm.ai/en/latest/features/reasoning_outputs/ has
#: `reasoning`, older versions and SGLang `reasoning_content`.
_WORDS = ("content", "text", "reasoning_content", "reasoning", "tool_calls", "function_call")


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
        #: What nearly all events of this stream are like.
        self._alike: Alike | None = None

    def feed_alike(self, pieces: Sequence[bytes], times: Sequence[float]) -> int:
        """Take pieces that are alike; a glance at each is enough."""
        alike = self._alike
        if alike is None or not self._events.is_between:
            return 0
        found = alike.read(pieces)
        if alike.counts:
            for total, now in zip(found, times, strict=False):
                self._count(total, now)
        elif found:
            self._outcome.came_each(times[: len(found)])
        return len(found)

    def _take(self, event: bytes, now: float) -> None:
        alike = self._alike
        total = None if alike is None else alike.glance(event)
        if alike and total is not None:
            if alike.counts:
                self._count(total, now)
            else:
                self._outcome.came(1, now)
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
        is_counted = outcome.counted is Counted.EACH_EVENT
        if is_counted and count is not None:
            self._count(count, now)
        elif has_words and not is_counted:
            outcome.came(1, now)
        if has_words and is_counted == (count is not None) and not any(map(_has_ended, choices)):
            self._learn(event, is_counted=is_counted)

    def _learn(self, event: bytes, *, is_counted: bool) -> None:
        """Remember what an event is like that brings one token and tells nothing else."""
        if not self._reads_all:
            self._alike = learnt(event, is_counted=is_counted) or self._alike
            self.knows_alike = self._alike is not None

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


def _has_ended(choice: dict[str, Any]) -> bool:
    return bool(choice.get("finish_reason"))


def _has_words(choice: dict[str, Any]) -> bool:
    delta = choice.get("delta") or choice.get("message")
    said = delta if isinstance(delta, dict) else choice
    return any(said.get(name) for name in _WORDS)
