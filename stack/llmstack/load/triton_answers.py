"""Answers of Triton: of `generate_stream` and `generate` as fields, of `infer` as tensors."""

from __future__ import annotations

from collections.abc import Sequence
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


class GenerateStream(StreamReading):
    """Events with `text_output`, or with `output_ids` where the model speaks in token ids."""

    def _take(self, event: bytes, now: float) -> None:
        told = read_object(event)
        outcome = self._outcome
        reason = told.get("finish_reason")
        # The vLLM backend says "None" until it has one.
        if reason and reason != "None":
            outcome.finish_reason = str(reason)
        ids = told.get("output_ids")
        # The vLLM backend counts those of each event where `return_num_output_tokens` asks it to.
        count = told.get("num_output_tokens")
        if is_count(count) or ids is not None:
            outcome.counted = Counted.EACH_EVENT
            # A list of one number is told as the number.
            came = count if is_count(count) else len(ids) if isinstance(ids, list) else 1
            if came:
                outcome.came(came, now)
                outcome.told_tokens = outcome.seen_tokens
        elif told.get("text_output"):
            outcome.came(1, now)


class GenerateWhole(WholeReading):
    """One object with `text_output`; how many tokens that is nobody tells, if not asked to."""

    def _read(self, told: dict[str, Any]) -> None:
        count = told.get("num_output_tokens")
        if is_count(count):
            self._outcome.told_tokens = count
        ids = told.get("output_ids")
        if isinstance(ids, list):
            self._outcome.told_tokens = len(ids)
        if not told.get("text_output") and not self._outcome.told_tokens:
            raise BadAnswerError(Failure.EMPTY, "text_output is empty")


class InferWhole(WholeReading):
    """Tensors: `text_output`, or `output_ids` and `sequence_length` of token ids."""

    def __init__(self, outcome: Outcome, prompt: Sequence[int] = ()) -> None:
        """Write into an outcome.

        Args:
            outcome: what is known so far.
            prompt: its token ids; some servers repeat them before the answer, and count them.
        """
        super().__init__(outcome)
        self._prompt = list(prompt)

    def _read(self, told: dict[str, Any]) -> None:
        outputs = objects_of(told.get("outputs"))
        tensors = {each.get("name"): each.get("data") for each in outputs}
        ids, lengths = tensors.get("output_ids"), tensors.get("sequence_length")
        if isinstance(ids, list):
            ids = _flat(ids)
            lengths = _flat(lengths) if isinstance(lengths, list) else []
            if lengths and is_count(lengths[0]):
                # What is shorter than the longest of a batch is padded.
                ids = ids[: lengths[0]]
            if self._prompt and ids[: len(self._prompt)] == self._prompt:
                # https://github.com/triton-inference-server/client/issues/779
                ids = ids[len(self._prompt) :]
            self._outcome.told_tokens = len(ids)
        texts = tensors.get("text_output")
        has_text = any(texts) if isinstance(texts, list) else bool(texts)
        if not self._outcome.told_tokens and not has_text:
            raise BadAnswerError(Failure.EMPTY, "no tensor holds an answer")


def _flat(data: list[Any]) -> list[Any]:
    return [each for part in data for each in (_flat(part) if isinstance(part, list) else [part])]
