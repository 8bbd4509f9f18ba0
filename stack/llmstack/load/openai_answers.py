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
_WORDS = frozenset(
    ("content", "text", "reasoning_content", "reasoning", "tool_calls", "function_call")
)


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
        self._learnt: Alike | None = None

    @property
    def alike(self) -> Alike | None:
        """What events are like of which a glance is enough."""
        return self._learnt if self.takes_events else None

    def came_alike(self, times: Sequence[float], totals: Sequence[int]) -> None:
        """Take events that are alike."""
        if totals:
            for total, now in zip(totals, times, strict=True):
                self._count(total, now)
        else:
            self._outcome.came_each(times)

    def _take(self, event: bytes, now: float) -> None:
        total = None if self._learnt is None else self._learnt.event(event)
        if total:
            self._count(total, now)
        elif total == 0:
            self._outcome.came(1, now)
        elif event == _DONE:
            self._is_done = True
        else:
            self._read(event, now)

    def _count(self, total: int, now: float) -> None:
        outcome = self._outcome
        outcome.told_tokens = total
        if total > outcome.seen_tokens:
            outcome.came(total - outcome.seen_tokens, now)

    def _read(self, event: bytes, now: float) -> None:
        outcome, told = self._outcome, read_object(event)
        choices = objects_of(told.get("choices"))
        has_words, has_ended = _choices(choices, outcome)
        count = _usage(told, outcome)
        if not outcome.seen_tokens and choices and count:
            # The first tokens are counted in their own event, and so are all others.
            outcome.counted = Counted.EACH_EVENT
        is_counted = outcome.counted is Counted.EACH_EVENT
        if is_counted and count is not None:
            self._count(count, now)
        elif has_words and not is_counted:
            outcome.came(1, now)
        if has_words and is_counted == (count is not None) and not has_ended:
            self._learn(event, is_counted=is_counted)

    def _learn(self, event: bytes, *, is_counted: bool) -> None:
        """Remember what an event is like that brings one token and tells nothing else."""
        if not self._reads_all:
            self._learnt = learnt(event, is_counted=is_counted) or self._learnt

    def _see_it_is_whole(self) -> None:
        if not self._is_done and not self._outcome.finish_reason:
            told = "the stream ended without a finish_reason and without [DONE]"
            raise BadAnswerError(Failure.BROKEN, told)


class OpenAiWhole(WholeReading):
    """An answer in one piece."""

    def _read(self, told: dict[str, Any]) -> None:
        outcome = self._outcome
        has_words, _ = _choices(objects_of(told.get("choices")), outcome)
        _usage(told, outcome)
        if not has_words and not outcome.told_tokens:
            raise BadAnswerError(Failure.EMPTY, "no choice has a text")


def _choices(choices: Sequence[dict[str, Any]], outcome: Outcome) -> tuple[bool, bool]:
    """Keep why a choice has ended; return whether one has words, and whether one has ended."""
    has_words = has_ended = False
    for choice in choices:
        has_words = has_words or _has_words(choice)
        if reason := choice.get("finish_reason"):
            outcome.finish_reason, has_ended = str(reason), True
    return has_words, has_ended


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


def _has_words(choice: dict[str, Any]) -> bool:
    delta = choice.get("delta") or choice.get("message")
    said = delta if isinstance(delta, dict) else choice
    return any(map(said.get, _WORDS))
