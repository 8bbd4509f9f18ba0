"""Anthropic's own client and OpenAI's newer endpoint, through the gateway to the real vLLM."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import openai
import pytest

from tests.live.environment import MODEL
from tests.live.gateway_traffic import ENDLESS, client_of
from tests.live.stack_programs import KEY, Program
from tests.live.traffic import REQUEST_SECONDS
from tests.live.two_sides import TwoSides

MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"
#: The likeliest word each time: the tiny model then repeats itself, and knows no end.
GREEDY = {"temperature": 0}


def anthropics(base_url: str, key: str = KEY) -> anthropic.Anthropic:
    """Return Anthropic's client for a gateway; it asks once, and takes no proxy from the environment."""
    return anthropic.Anthropic(
        api_key=key,
        base_url=base_url,
        max_retries=0,
        timeout=REQUEST_SECONDS,
        http_client=anthropic.DefaultHttpxClient(trust_env=False),
    )


def said(text: str) -> list[anthropic.types.MessageParam]:
    return [{"role": "user", "content": text}]


@pytest.fixture
def claudes(gateway: Program) -> Iterator[anthropic.Anthropic]:
    with anthropics(gateway.base_url) as made:
        yield made


@pytest.fixture
def openais(gateway: Program) -> Iterator[openai.OpenAI]:
    with client_of(gateway.base_url) as made:
        yield made


def test_a_message_in_one_piece(sides: TwoSides, claudes: anthropic.Anthropic) -> None:
    """Its tokens are those that vLLM told the client, and those it counted."""
    answer = claudes.messages.create(
        model=MODEL, max_tokens=24, extra_body=GREEDY, messages=said("Whole?")
    )
    sides.ended(1)

    tokens = (answer.usage.input_tokens, answer.usage.output_tokens)
    assert 24 == tokens[1]
    assert tokens == sides.tokens_at_the_gateway() == sides.tokens_at_the_engine()
    labels = {"endpoint": MESSAGES, "status_code": "200", "stream": "false", "outcome": "ok"}
    assert 1 == sides.counted("gateway_requests_total", model=MODEL, **labels)
    assert 1 == sides.counted("gateway_request_duration_seconds_count", model=MODEL)
    assert 0 == sides.counted("gateway_time_to_first_token_seconds_count")


def test_a_streamed_message(sides: TwoSides, claudes: anthropic.Anthropic) -> None:
    """The prompt is counted at its start and the answer at its end; it has one first token."""
    with claudes.messages.create(
        model=MODEL,
        max_tokens=32,
        extra_body=GREEDY,
        messages=said("Stream?"),
        stream=True,
    ) as stream:
        events = list(stream)
    sides.ended(1)

    told = [
        (e.usage.input_tokens, e.usage.output_tokens) for e in events if e.type == "message_delta"
    ]
    assert "message_stop" == events[-1].type
    assert told == [sides.tokens_at_the_gateway()] == [sides.tokens_at_the_engine()]
    labels = {"endpoint": MESSAGES, "status_code": "200", "stream": "true", "outcome": "ok"}
    assert 1 == sides.counted("gateway_requests_total", model=MODEL, **labels)
    assert 1 == sides.counted("gateway_time_to_first_token_seconds_count", model=MODEL)


def test_a_client_that_leaves_a_message(sides: TwoSides, claudes: anthropic.Anthropic) -> None:
    """The engine stops, and the gateway counts it as cancelled."""

    def leave(tokens: int) -> None:
        with claudes.messages.create(
            model=MODEL,
            max_tokens=tokens,
            extra_body=GREEDY,
            messages=said("Leave?"),
            stream=True,
        ) as stream:
            next(event for event in stream if event.type == "content_block_delta")

    times = sides.left(leave)

    labels = {"endpoint": MESSAGES, "stream": "true", "outcome": "cancelled"}
    assert 1 <= sides.counted("gateway_requests_total", model=MODEL, **labels) <= times


def test_messages_that_are_refused(sides: TwoSides, claudes: anthropic.Anthropic) -> None:
    """By the engine in its own words, by the gateway in those that Anthropic's client reads."""
    with pytest.raises(anthropic.BadRequestError, match="cannot be greater than max_model_len"):
        claudes.messages.create(model=MODEL, max_tokens=5000, messages=said("Long?"))
    with pytest.raises(anthropic.NotFoundError, match="The model `other-one` does not exist"):
        claudes.messages.create(model="other-one", max_tokens=8, messages=said("You?"))
    with (
        anthropics(sides.gateway.base_url, "sk-wrong-0123456789") as stranger,
        pytest.raises(anthropic.AuthenticationError, match="a key is needed") as wrong,
    ):
        stranger.messages.create(model=MODEL, max_tokens=8, messages=said("Me?"))
    sides.ended(3)

    assert "authentication_error" == wrong.value.type
    for status, model in (("400", MODEL), ("404", "other"), ("401", "other")):
        labels = {"endpoint": MESSAGES, "status_code": status, "outcome": "error"}
        assert 1 == sides.counted("gateway_requests_total", model=model, **labels)
    assert (0, 0) == sides.tokens_at_the_gateway()


def test_counting_tokens_costs_none(sides: TwoSides, claudes: anthropic.Anthropic) -> None:
    """The engine counts a prompt as it would if it answered, and does not run its model."""
    counted = claudes.messages.count_tokens(model=MODEL, messages=said("Whole?"))
    answer = claudes.messages.create(model=MODEL, max_tokens=8, messages=said("Whole?"))
    sides.ended(2)

    assert answer.usage.input_tokens == counted.input_tokens
    tokens = (answer.usage.input_tokens, answer.usage.output_tokens)
    assert tokens == sides.tokens_at_the_gateway() == sides.tokens_at_the_engine()


def test_a_response_in_one_piece(sides: TwoSides, openais: openai.OpenAI) -> None:
    """Its tokens are those that vLLM told the client, and those it counted."""
    answer = openais.responses.create(
        model=MODEL, max_output_tokens=24, input="Whole?", extra_body=ENDLESS
    )
    sides.ended(1)

    assert answer.usage is not None
    tokens = (answer.usage.input_tokens, answer.usage.output_tokens)
    assert 24 == tokens[1]
    assert tokens == sides.tokens_at_the_gateway() == sides.tokens_at_the_engine()
    labels = {"endpoint": RESPONSES, "status_code": "200", "stream": "false", "outcome": "ok"}
    assert 1 == sides.counted("gateway_requests_total", model=MODEL, **labels)
    assert 0 == sides.counted("gateway_time_to_first_token_seconds_count")


def test_a_streamed_response(sides: TwoSides, openais: openai.OpenAI) -> None:
    """Its last event holds the whole answer and its tokens; it has one first token."""
    with openais.responses.create(
        model=MODEL, max_output_tokens=32, input="Stream?", extra_body=ENDLESS, stream=True
    ) as stream:
        last = list(stream)[-1]
    sides.ended(1)

    assert "response.completed" == last.type
    assert last.response.usage is not None
    tokens = (last.response.usage.input_tokens, last.response.usage.output_tokens)
    assert tokens == sides.tokens_at_the_gateway() == sides.tokens_at_the_engine()
    labels = {"endpoint": RESPONSES, "status_code": "200", "stream": "true", "outcome": "ok"}
    assert 1 == sides.counted("gateway_requests_total", model=MODEL, **labels)
    assert 1 == sides.counted("gateway_time_to_first_token_seconds_count", model=MODEL)


def test_a_client_that_leaves_a_response(sides: TwoSides, openais: openai.OpenAI) -> None:
    """The engine stops, and the gateway counts it as cancelled."""

    def leave(tokens: int) -> None:
        with openais.responses.create(
            model=MODEL, max_output_tokens=tokens, input="Leave?", extra_body=ENDLESS, stream=True
        ) as stream:
            next(event for event in stream if event.type == "response.output_text.delta")

    times = sides.left(leave)

    labels = {"endpoint": RESPONSES, "stream": "true", "outcome": "cancelled"}
    assert 1 <= sides.counted("gateway_requests_total", model=MODEL, **labels) <= times


def test_responses_that_are_refused(sides: TwoSides, openais: openai.OpenAI) -> None:
    """The engine's own words reach the client."""
    with pytest.raises(openai.BadRequestError, match="maximum context length is 1024 tokens"):
        openais.responses.create(model=MODEL, input="x" * 3000)
    with pytest.raises(openai.NotFoundError, match="The model `other-one` does not exist"):
        openais.responses.create(model="other-one", input="You?", stream=True)
    sides.ended(2)

    for status, model in (("400", MODEL), ("404", "other")):
        labels = {"endpoint": RESPONSES, "status_code": status, "outcome": "error"}
        assert 1 == sides.counted("gateway_requests_total", model=model, **labels)
    assert (0, 0) == sides.tokens_at_the_gateway()
