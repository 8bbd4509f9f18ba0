"""The OpenAI-compatible server: answers, events, counts and refusals as vLLM words them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from llmstack.simulator.incidents import Incident
from tests.stack.simulator.served import (  # fmt: skip
    MESSAGES,
    STUCK,
    Client,
    character,
    fleet,
    until,
    with_client,
)

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"


def asked(path: str, body: object, **kind: Any) -> tuple[int, Any]:
    found: tuple[int, Any] = with_client(character(**kind), lambda client: client.post(path, body))
    return found


def streamed(path: str, body: dict[str, Any]) -> list[Any]:
    """The events of a stream, read; the last is its end."""
    events = with_client(character(), lambda client: client.events(path, {**body, "stream": True}))
    assert "[DONE]" == events[-1]
    return [json.loads(event) for event in events[:-1]]


def test_a_chat_is_answered_whole() -> None:
    """With its tokens counted, and as long as it may be where the end is ignored."""
    status, found = asked(CHAT, {"messages": MESSAGES, "max_tokens": 7, "ignore_eos": True})
    (choice,) = found["choices"]

    assert (200, "chat.completion", "inn") == (status, found["object"], found["model"])
    assert ("assistant", 7, "length") == (choice["message"]["role"], len(choice["message"]["content"].split()), choice["finish_reason"])  # fmt: skip
    assert {"prompt_tokens": 17, "completion_tokens": 7, "total_tokens": 24, "prompt_tokens_details": None} == found["usage"]  # fmt: skip


def test_a_completion_of_token_ids_is_counted_exactly() -> None:
    """Sixteen tokens are written where nobody says how many."""
    _, found = asked(COMPLETIONS, {"prompt": list(range(33)), "ignore_eos": True})

    assert ("text_completion", "length") == (found["object"], found["choices"][0]["finish_reason"])
    assert (33, 16) == (found["usage"]["prompt_tokens"], found["usage"]["completion_tokens"])


def test_a_model_ends_most_answers_itself() -> None:
    """Without a limit the answer is as long as one of a conversation, and stops."""
    _, found = asked(CHAT, {"messages": MESSAGES})

    assert "stop" == found["choices"][0]["finish_reason"]
    assert 1 <= found["usage"]["completion_tokens"] < 1000


def test_a_stream_has_an_event_for_each_token() -> None:
    """The role first, then the tokens, the reason with the last of them, and no count unasked."""
    events = streamed(CHAT, {"messages": MESSAGES, "max_completion_tokens": 5, "ignore_eos": True})
    deltas = [event["choices"][0]["delta"] for event in events]
    reasons = [event["choices"][0]["finish_reason"] for event in events]

    assert {"role": "assistant", "content": ""} == deltas[0]
    assert 5 == len([delta["content"] for delta in deltas if delta["content"]])
    assert [None] * 5 + ["length"] == reasons
    assert all("usage" not in event for event in events)


def test_whole_and_streamed_answers_are_alike() -> None:
    """The same request to the same seed has the same text."""
    body = {"messages": MESSAGES, "max_tokens": 40, "ignore_eos": True}
    _, whole = asked(CHAT, body)
    pieces = [event["choices"][0]["delta"].get("content", "") for event in streamed(CHAT, body)]

    assert whole["choices"][0]["message"]["content"] == "".join(pieces)


def test_a_stream_counts_its_tokens_where_asked() -> None:
    """At its end, without a choice."""
    options = {"include_usage": True}
    *_, last = streamed(COMPLETIONS, {"prompt": "Hello", "max_tokens": 3, "ignore_eos": True, "stream_options": options})  # fmt: skip

    assert ([], 3, 2) == (last["choices"], last["usage"]["completion_tokens"], last["usage"]["prompt_tokens"])  # fmt: skip


def test_a_stream_counts_as_it_goes_where_asked() -> None:
    """Each event says how many tokens there are by now."""
    options = {"include_usage": True, "continuous_usage_stats": True}
    events = streamed(COMPLETIONS, {"prompt": "Hello", "max_tokens": 3, "ignore_eos": True, "stream_options": options})  # fmt: skip

    assert [1, 2, 3, 3] == [event["usage"]["completion_tokens"] for event in events]


def test_a_least_length_is_kept() -> None:
    """As traces need it, whose answers have lengths of their own."""
    _, found = asked(COMPLETIONS, {"prompt": [1], "max_tokens": 900, "min_tokens": 900})

    assert 900 == found["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    ("path", "body", "status", "kind", "said"),
    [
        (CHAT, {"model": "barn", "messages": MESSAGES}, 404, "NotFoundError", "The model `barn` does not exist. Valid aliases: inn."),
        (CHAT, {"messages": [{"role": "user", "content": "x" * 5000}]}, 400, "BadRequestError", "This model's maximum context length is 1024 tokens. However, your prompt contains at least 1025 input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=1025)"),
        (CHAT, {"messages": MESSAGES, "max_tokens": 0}, 400, "BadRequestError", "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)"),
        (CHAT, {"messages": MESSAGES, "max_tokens": 1.5}, 400, "Bad Request", "1 validation error:\n  {'type': 'int_from_float', 'loc': 'body.max_tokens', 'msg': 'Input should be a valid integer, got a number with a fractional part', 'input': '1.5'}"),
        (CHAT, {}, 400, "Bad Request", "1 validation error:\n  {'type': 'missing', 'loc': 'body.messages', 'msg': 'Field required', 'input': '<dict of 0 items>'}"),
        (COMPLETIONS, {"prompt": "x", "n": 2}, 400, "BadRequestError", "n: the simulator gives one answer to a request"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused(
    path: str, body: object, status: int, kind: str, said: str
) -> None:
    """As vLLM words it."""
    found = asked(path, body)

    assert (status, kind, said) == (found[0], found[1]["error"]["type"], found[1]["error"]["message"])  # fmt: skip


def test_an_answer_ends_where_the_context_does() -> None:
    """However many tokens are asked for."""
    _, found = asked(COMPLETIONS, {"prompt": [5] * 1000, "max_tokens": 100, "ignore_eos": True})

    assert (24, "length") == (found["usage"]["completion_tokens"], found["choices"][0]["finish_reason"])  # fmt: skip


def test_a_body_that_is_no_json_is_refused() -> None:
    """With 400, and an error as others have it."""
    status, found = asked(CHAT, b'{"messages":')

    assert (400, 400) == (status, found["error"]["code"])


def test_a_server_says_what_it_is() -> None:
    """Models, version and health; another path is an error of its kind."""

    async def tell(client: Client) -> list[tuple[int, str]]:
        return [await client.get(path) for path in ("/v1/models", "/version", "/health", "/inn")]

    models, version, health, nowhere = with_client(character(version="0.12"), tell)
    (model,) = json.loads(models[1])["data"]

    assert ("inn", 1024, "vllm") == (model["id"], model["max_model_len"], model["owned_by"])
    assert {"version": "0.12.0"} == json.loads(version[1])
    assert (200, 404) == (health[0], nowhere[0])
    assert "Not Found" == json.loads(nowhere[1])["detail"]


def test_what_was_answered_is_counted() -> None:
    """By the engine and by the web server, which leaves out what looks at it."""

    async def tell(client: Client) -> dict[str, float]:
        await client.post(CHAT, {"messages": MESSAGES, "max_tokens": 4, "ignore_eos": True})
        await client.post(CHAT, {"messages": MESSAGES, "model": "barn"})
        await client.get("/health")
        return {
            "tokens": await client.total("vllm:generation_tokens_total"),
            "whole": await client.total("vllm:request_success_total", finished_reason="length"),
            "2xx": await client.total("http_requests_total", status="2xx"),
            "4xx": await client.total("http_requests_total", status="4xx", handler=CHAT),
        }

    assert {"tokens": 4, "whole": 1, "2xx": 1, "4xx": 1} == with_client(character(), tell)


@pytest.mark.parametrize("is_stream", [False, True])
def test_who_leaves_is_not_worked_for(is_stream: bool) -> None:
    """A client that goes away takes its request out of the engine."""

    async def tell() -> tuple[bool, float]:
        async with fleet(character(rates=STUCK)) as made, aiohttp.ClientSession() as session:
            client = Client(made, session)
            replica = client.house.replica
            assert replica is not None
            asking = asyncio.create_task(client.post(CHAT, {"messages": MESSAGES, "stream": is_stream}))  # fmt: skip
            await until(lambda: replica.engine.running == 1)
            (request,) = replica.engine.batch.requests
            asking.cancel()
            await until(lambda: request.is_aborted)
            return request.is_aborted, await client.total("vllm:request_success_total")

    assert (True, 0.0) == asyncio.run(tell())


def test_errors_come_by_the_incident() -> None:
    """About every second request fails with 500, and newer releases count it."""

    async def tell(client: Client) -> tuple[list[int], str, float]:
        found = [await client.post(COMPLETIONS, {"prompt": [1], "max_tokens": 1}) for _ in range(40)]  # fmt: skip
        statuses = [status for status, _ in found]
        said = next(answer["error"]["message"] for status, answer in found if status == 500)
        return statuses, said, await client.total("vllm:request_success_total", finished_reason="error")  # fmt: skip

    incidents = [Incident("errors", 0.0, 1000.0)]
    statuses, said, counted = with_client(character(), tell, incidents)

    assert {200, 500} == set(statuses)
    assert statuses.count(500) == counted
    assert said.startswith("EngineCore encountered an issue")
