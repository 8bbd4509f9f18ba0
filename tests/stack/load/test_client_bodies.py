"""What requests say in each API, and what is read of answers that come in one piece."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmstack.load.apis import Api, Prompt, Question
from llmstack.load.outcome import Failure, Outcome
from llmstack.load.planned import Planned
from llmstack.load.reading import BadAnswerError

EXACT = {"ignore_eos": True, "min_tokens": 9}


def asked(question: Question, prompt: Prompt) -> Any:
    return json.loads(question.body(prompt, 9))


def answered(api: Api, told: object, prompt: Prompt = "inn") -> Outcome:
    found = Outcome(Planned(0.0, 3, 9), 0.0)
    reading = Question(api, "m", is_stream=False).reading(found, prompt)
    reading.feed(told if isinstance(told, bytes) else json.dumps(told).encode(), 1.0)
    reading.finish()
    return found


def test_a_stream_asks_for_all_counts() -> None:
    """At the end, and in each event, where the server knows how."""
    chat = asked(Question(Api.CHAT, "m"), "inn")
    plain = asked(Question(Api.COMPLETIONS, "m", counts_each=False, is_exact=False, more={"top_k": 1}), [5, 6])  # fmt: skip

    assert {"model": "m", "messages": [{"role": "user", "content": "inn"}], "max_tokens": 9, "stream": True, "stream_options": {"include_usage": True, "continuous_usage_stats": True}, **EXACT} == chat  # fmt: skip
    assert {"model": "m", "prompt": [5, 6], "max_tokens": 9, "stream": True, "stream_options": {"include_usage": True}, "top_k": 1} == plain  # fmt: skip


def test_what_is_no_stream_has_no_options_of_one() -> None:
    """Servers refuse them."""
    assert "stream_options" not in asked(Question(Api.CHAT, "m", is_stream=False), "inn")


def test_triton_is_asked_as_its_backends_want() -> None:
    """vLLM's backend takes its parameters as a text, TensorRT-LLM text and token ids as tensors."""
    generate = asked(Question(Api.GENERATE, "m"), "inn")
    infer = {each["name"]: each for each in asked(Question(Api.INFER, "m"), "inn")["inputs"]}
    tokens = {each["name"]: each for each in asked(Question(Api.TOKENS, "m", is_stream=False), [5, 6])["inputs"]}  # fmt: skip
    stream = asked(Question(Api.TOKENS, "m"), [5, 6])

    assert ("inn", True, {"max_tokens": 9, **EXACT}) == (generate["text_input"], generate["stream"], json.loads(generate["sampling_parameters"]))  # fmt: skip
    assert 9 == generate["max_tokens"]
    assert {"text_input": ("BYTES", [1, 1], [["inn"]]), "max_tokens": ("INT32", [1, 1], [[9]])} == {name: (each["datatype"], each["shape"], each["data"]) for name, each in infer.items()}  # fmt: skip
    assert [("INT32", [1, 2], [[5, 6]]), ("INT32", [1, 1], [[2]]), ("INT32", [1, 1], [[9]])] == [(each["datatype"], each["shape"], each["data"]) for each in tokens.values()]  # fmt: skip
    assert {"input_ids": [5, 6], "input_lengths": 2, "request_output_len": 9, "streaming": True} == stream  # fmt: skip


@pytest.mark.parametrize(
    ("question", "path"),
    [
        (Question(Api.CHAT, "m"), "/v1/chat/completions"),
        (Question(Api.COMPLETIONS, "m"), "/v1/completions"),
        (Question(Api.GENERATE, "m"), "/v2/models/m/generate_stream"),
        (Question(Api.GENERATE, "m", is_stream=False), "/v2/models/m/generate"),
        (Question(Api.INFER, "m"), "/v2/models/m/infer"),
        (Question(Api.TOKENS, "m"), "/v2/models/m/generate_stream"),
        (Question(Api.TOKENS, "m", is_stream=False), "/v2/models/m/infer"),
    ],
)
def test_each_api_has_its_path(question: Question, path: str) -> None:
    """Streams of Triton have another than whole answers."""
    assert path == question.path


def test_whole_answers_are_counted_by_the_server() -> None:
    """In `usage`, in a field, or as the token ids that came."""
    chat = answered(Api.CHAT, {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 5, "completion_tokens": 8}})  # fmt: skip
    generate = answered(Api.GENERATE, {"text_output": "a b", "num_output_tokens": 2})
    infer = answered(Api.TOKENS, {"outputs": [{"name": "output_ids", "data": [[[7, 8, 9, 0]]]}, {"name": "sequence_length", "data": [[3]]}]}, [1, 2])  # fmt: skip

    assert (5, 8, "stop") == (chat.prompt_tokens, chat.tokens, chat.finish_reason)
    assert (2, 3) == (generate.tokens, infer.tokens)


def test_a_prompt_that_is_repeated_is_not_counted() -> None:
    """TensorRT-LLM puts it before the answer where it is not told otherwise."""
    outputs = [{"name": "output_ids", "data": [5, 6, 7]}, {"name": "sequence_length", "data": [3]}]

    assert 1 == answered(Api.TOKENS, {"outputs": outputs}, [5, 6]).tokens


@pytest.mark.parametrize(
    ("api", "told", "failure"),
    [
        (Api.CHAT, b"  ", Failure.EMPTY),
        (Api.CHAT, b"{", Failure.INVALID_JSON),
        (Api.CHAT, b"[]", Failure.INVALID_JSON),
        (Api.CHAT, {"choices": [{"message": {"content": ""}}]}, Failure.EMPTY),
        (Api.COMPLETIONS, {"choices": 3}, Failure.EMPTY),
        (Api.GENERATE, {"error": "no model"}, Failure.IN_STREAM),
        (Api.GENERATE, {"text_output": ""}, Failure.EMPTY),
        (Api.INFER, {"outputs": [{"name": "text_output", "data": [""]}]}, Failure.EMPTY),
        (Api.TOKENS, {"outputs": []}, Failure.EMPTY),
    ],
)
def test_what_holds_no_answer_is_a_failure(api: Api, told: object, failure: Failure) -> None:
    """Also what is JSON, and has a status of 200."""
    with pytest.raises(BadAnswerError) as error:
        answered(api, told)

    assert failure == error.value.failure
