"""The APIs that are spoken: where a request goes, what it says, and how its answer is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from llmstack.load.openai_answers import OpenAiStream, OpenAiWhole
from llmstack.load.outcome import Outcome
from llmstack.load.reading import Reading
from llmstack.load.triton_answers import GenerateStream, GenerateWhole, InferWhole

#: A text, or token ids.
Prompt = str | Sequence[int]


class Api(StrEnum):
    """What a server speaks."""

    CHAT = "openai-chat"
    COMPLETIONS = "openai-completions"
    #: Triton with either backend: fields of text.
    GENERATE = "triton-generate"
    #: Triton with TensorRT-LLM and its steps around it (ensemble): tensors of text. vLLM's backend
    #: always streams, and over HTTP Triton then has no `infer`.
    INFER = "triton-infer"
    #: Triton with TensorRT-LLM: token ids. Streams are those of `generate_stream`.
    TOKENS = "triton-tokens"

    @property
    def takes_tokens(self) -> bool:
        """Whether a prompt can be token ids."""
        return self in (Api.COMPLETIONS, Api.TOKENS)

    @property
    def usual_model(self) -> str:
        """What the model is called where nobody says; empty where it has to be asked for."""
        return {Api.TOKENS: "tensorrt_llm", Api.INFER: "ensemble"}.get(self, "")


@dataclass(frozen=True)
class Question:
    """How every request of a run asks."""

    api: Api
    model: str
    is_stream: bool = True
    #: Answers are as long as planned (`ignore_eos`), which engines know and OpenAI does not.
    is_exact: bool = True
    #: Each event is to count its tokens (`continuous_usage_stats`), which vLLM and SGLang know.
    counts_each: bool = True
    #: Fields that are put into each body as they are.
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where it goes."""
        match self.api:
            case Api.CHAT:
                return "/v1/chat/completions"
            case Api.COMPLETIONS:
                return "/v1/completions"
            case Api.GENERATE:
                verb = "generate_stream" if self.is_stream else "generate"
            case Api.TOKENS:
                verb = "generate_stream" if self.is_stream else "infer"
            case Api.INFER:
                verb = "infer"
        return f"/v2/models/{self.model}/{verb}"

    def body(self, prompt: Prompt, tokens: int) -> bytes:
        """Return what one request says.

        Args:
            prompt: what is asked.
            tokens: the most of the answer.
        """
        match self.api:
            case Api.CHAT:
                asked = self._openai({"messages": [{"role": "user", "content": prompt}]}, tokens)
            case Api.COMPLETIONS:
                asked = self._openai({"prompt": prompt}, tokens)
            case Api.GENERATE:
                asked = self._generate(prompt, tokens)
            case Api.INFER:
                asked = self._infer(prompt, tokens)
            case Api.TOKENS:
                asked = self._tokens(prompt, tokens)
        return _worded({**asked, **self.more})

    def reading(self, outcome: Outcome, prompt: Prompt) -> Reading:
        """Return what reads the answer."""
        if self.api in (Api.CHAT, Api.COMPLETIONS):
            return OpenAiStream(outcome) if self.is_stream else OpenAiWhole(outcome)
        if self.is_stream and self.api is not Api.INFER:
            return GenerateStream(outcome)
        if self.api is Api.GENERATE:
            return GenerateWhole(outcome)
        return InferWhole(outcome, () if isinstance(prompt, str) else prompt)

    def _openai(self, asked: dict[str, Any], tokens: int) -> dict[str, Any]:
        asked = {"model": self.model, **asked, "max_tokens": tokens, "stream": self.is_stream}
        if self.is_stream:
            options = {"include_usage": True}
            asked["stream_options"] = (
                {**options, "continuous_usage_stats": True} if self.counts_each else options
            )
        if self.is_exact:
            asked |= {"ignore_eos": True, "min_tokens": tokens}
        return asked

    def _sampling(self, tokens: int) -> dict[str, Any]:
        exact = {"ignore_eos": True, "min_tokens": tokens} if self.is_exact else {}
        return {"max_tokens": tokens, **exact}

    def _generate(self, prompt: Prompt, tokens: int) -> dict[str, Any]:
        # vLLM's backend wants its sampling parameters as a text; TensorRT-LLM reads `max_tokens`.
        # What a model has no input for is a parameter that nobody reads.
        return {
            "text_input": prompt,
            "stream": self.is_stream,
            "max_tokens": tokens,
            "exclude_input_in_output": True,
            "sampling_parameters": json.dumps(self._sampling(tokens)),
        }

    def _infer(self, prompt: Prompt, tokens: int) -> dict[str, Any]:
        return {
            "inputs": [
                _tensor("text_input", "BYTES", [[prompt]], [1, 1]),
                _tensor("max_tokens", "INT32", [[tokens]], [1, 1]),
            ]
        }

    def _tokens(self, prompt: Prompt, tokens: int) -> dict[str, Any]:
        ids = list(prompt)
        if self.is_stream:
            return {
                "input_ids": ids,
                "input_lengths": len(ids),
                "request_output_len": tokens,
                "streaming": True,
            }
        # Without `end_id` an answer is as long as it may be.
        return {
            "inputs": [
                _tensor("input_ids", "INT32", [ids], [1, len(ids)]),
                _tensor("input_lengths", "INT32", [[len(ids)]], [1, 1]),
                _tensor("request_output_len", "INT32", [[tokens]], [1, 1]),
            ]
        }


def _worded(asked: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(asked)
    except TypeError:
        # Halves of characters, and numbers of more than 64 bits.
        return json.dumps(asked, separators=(",", ":")).encode()


def _tensor(name: str, kind: str, data: list[Any], shape: Sequence[int]) -> dict[str, Any]:
    return {"name": name, "datatype": kind, "shape": list(shape), "data": data}
