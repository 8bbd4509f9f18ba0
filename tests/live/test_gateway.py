"""The gateway in front of the real vLLM, asked by OpenAI's own client: both count the same."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from llmdash.metrics import gateway as metrics
from llmdash.metrics.metric import Counter, Histogram
from tests.live.environment import MODEL
from tests.live.exposition import Exposition, fetch_exposition
from tests.live.gateway_traffic import ENDLESS, client_of, gateway_traffic, messages
from tests.live.process import wait_until
from tests.live.stack_programs import Program
from tests.live.two_sides import TwoSides


@pytest.fixture
def client(gateway: Program) -> Iterator[openai.OpenAI]:
    with client_of(gateway.base_url) as made:
        yield made


def test_answers_in_one_piece(sides: TwoSides, client: openai.OpenAI) -> None:
    """Chat and completion: tokens are those that vLLM told the client, and those it counted."""
    chat = client.chat.completions.create(
        model=MODEL, messages=messages("Whole?"), max_completion_tokens=24, extra_body=ENDLESS
    )
    completion = client.completions.create(
        model=MODEL, prompt="One is", max_tokens=8, extra_body=ENDLESS
    )
    sides.ended(2)

    assert chat.usage is not None
    assert completion.usage is not None
    assert (24, 8) == (chat.usage.completion_tokens, completion.usage.completion_tokens)
    tokens = (chat.usage.prompt_tokens + completion.usage.prompt_tokens, 32)
    assert tokens == sides.tokens_at_the_gateway()
    assert tokens == sides.tokens_at_the_engine()
    labels = {"model": MODEL, "method": "POST", "status_code": "200", "stream": "false", "outcome": "ok"}  # fmt: skip
    for endpoint in ("/v1/chat/completions", "/v1/completions"):
        assert 1 == sides.counted("gateway_requests_total", endpoint=endpoint, **labels)
    assert 2 == sides.counted("gateway_request_duration_seconds_count", model=MODEL)
    assert 0 == sides.counted("gateway_time_to_first_token_seconds_count")


def test_streams(sides: TwoSides, client: openai.OpenAI) -> None:
    """Tokens are counted whether the client asked for them or not; each stream has one first token."""
    pieces = []
    for number, counted in enumerate((False, True, False)):
        given = {"stream_options": {"include_usage": True}} if counted else {}
        with client.chat.completions.create(
            model=MODEL,
            messages=messages(f"Stream {number}?"),
            max_completion_tokens=32,
            extra_body={**ENDLESS, **given},
            stream=True,
        ) as stream:
            pieces.append(list(stream))
    sides.ended(3)

    usages = [[piece.usage for piece in each if piece.usage is not None] for each in pieces]
    assert [0, 1, 0] == [len(told) for told in usages]
    assert 32 == usages[1][0].completion_tokens
    # The question is as long each time.
    tokens = (3 * usages[1][0].prompt_tokens, 96)
    assert tokens == sides.tokens_at_the_gateway()
    assert tokens == sides.tokens_at_the_engine()
    assert 3 == sides.counted("gateway_requests_total", stream="true", outcome="ok")
    assert 3 == sides.counted("gateway_time_to_first_token_seconds_count", model=MODEL)
    assert 3 == sides.told("vllm:time_to_first_token_seconds_count")
    assert 0 < sides.counted("gateway_inter_token_latency_seconds_count", model=MODEL) < 96


def test_a_client_that_leaves_stops_the_engine(sides: TwoSides, client: openai.OpenAI) -> None:
    """What nobody reads is not written to its end; the gateway alone tells of it, as cancelled."""

    def leave(tokens: int) -> None:
        with client.chat.completions.create(
            model=MODEL,
            messages=messages("Leave?"),
            max_completion_tokens=tokens,
            extra_body=ENDLESS,
            stream=True,
        ) as stream:
            # The first pieces have no text: half a character is none.
            next(piece for piece in stream if piece.choices[0].delta.content)

    times = sides.left(leave)

    cancelled = sides.counted("gateway_requests_total", stream="true", outcome="cancelled")
    assert 1 <= cancelled <= times
    assert times - cancelled == sides.counted("gateway_request_duration_seconds_count")
    assert times > sides.told("vllm:request_success_total")
    assert 0 < sides.told("vllm:generation_tokens_total")


def test_what_the_engine_refuses(sides: TwoSides, client: openai.OpenAI) -> None:
    """Its own status and words reach the client, who is no other than at the engine itself."""
    with client_of(sides.engine.base_url) as directly:
        for asking in (client, directly):
            with pytest.raises(openai.BadRequestError, match="temperature must be non-negative"):
                asking.chat.completions.create(
                    model=MODEL, messages=messages("Hot?"), temperature=-1
                )
            with pytest.raises(openai.NotFoundError, match="The model `other-one` does not exist"):
                asking.chat.completions.create(
                    model="other-one", messages=messages("You?"), stream=True
                )
    sides.ended(2)

    errors = {"outcome": "error", "endpoint": "/v1/chat/completions"}
    assert 1 == sides.counted("gateway_requests_total", status_code="400", model=MODEL, **errors)
    # The names of models that nobody serves are no labels.
    assert 1 == sides.counted("gateway_requests_total", status_code="404", model="other", **errors)
    assert 0 == sides.counted("gateway_upstream_errors_total")
    assert 0 == sides.told("vllm:generation_tokens_total")


def test_a_wrong_key(sides: TwoSides) -> None:
    """The engine hears nothing of it."""
    with (
        client_of(sides.gateway.base_url, "sk-wrong-0123456789") as stranger,
        pytest.raises(openai.AuthenticationError, match="a key is needed"),
    ):
        stranger.chat.completions.create(model=MODEL, messages=messages("Me?"))
    sides.ended(1)

    assert 1 == sides.counted("gateway_auth_failures_total", reason="invalid")
    assert 0 == sides.told("vllm:prompt_tokens_total")


def test_models(client: openai.OpenAI) -> None:
    """The list is the engine's."""
    assert [MODEL] == [model.id for model in client.models.list()]


def series() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what must rise: each counter, and each of its labels' closed values."""
    for metric in metrics.METRICS:
        if not isinstance(metric, Counter | Histogram):
            continue
        name = f"{metric.name}_count" if isinstance(metric, Histogram) else metric.name
        yield name, {}
        for label, values in metric.labels.values:
            # The tiny model has no room for a large prompt.
            yield from ((name, {label: value}) for value in values if value != "large")


COUNTERS = tuple(series())


@pytest.fixture(scope="module")
def troubled(troubled_gateway: Program) -> tuple[Exposition, Exposition]:
    """The page before and after enough traffic to drive every counter."""
    url = troubled_gateway.metrics_url
    before = fetch_exposition(url)

    def all_rose() -> bool:
        now = fetch_exposition(url)
        return all(now.total(name, **own) > before.total(name, **own) for name, own in COUNTERS)

    with gateway_traffic(troubled_gateway.base_url) as traffic:
        wait_until(
            lambda: all_rose() or traffic.sent.errors, within=400, what="every counter rises"
        )
    assert [] == traffic.sent.errors
    return before, fetch_exposition(url)


@pytest.mark.parametrize(("name", "labels"), COUNTERS)
def test_traffic_drives_every_counter(
    troubled: tuple[Exposition, Exposition], name: str, labels: dict[str, str]
) -> None:
    """Every outcome, every kind of error of the engine, every reason and scope of a refusal."""
    before, after = troubled

    assert before.total(name, **labels) < after.total(name, **labels)
