"""Requests through the gateway: what passes, what is counted, who is let in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import openai
import pytest
import requests
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from llmdash.metrics import gateway as catalogue
from tests.stack.gateway.conftest import KEY, Make, Setup
from tests.stack.gateway.engine import FakeEngine, whole

ASK = {"model": "tiny", "messages": [{"role": "user", "content": "Hello."}]}


def test_an_answer_passes(setup: Setup) -> None:
    """As the engine gave it, counted once, with its tokens and its time."""
    answer = setup.post(ASK)

    assert (200, " a a a") == (
        answer.status_code,
        answer.json()["choices"][0]["message"]["content"],
    )
    setup.ended(ok=1)
    labels = {"model": "tiny", "endpoint": "/v1/chat/completions", "method": "POST", "status_code": "200", "stream": "false", "outcome": "ok", "prompt_class": "small"}  # fmt: skip
    assert 1 == setup.value("gateway_requests_total", **labels)
    assert (5, 3) == (setup.value("gateway_tokens_prompted_total", model="tiny"), setup.value("gateway_tokens_generated_total", model="tiny"))  # fmt: skip
    assert 1 == setup.value("gateway_request_duration_seconds_count", prompt_class="small")
    assert 0 == setup.value("gateway_time_to_first_token_seconds_count")
    assert 0 == setup.value("gateway_active_requests")


def test_a_stream_passes_byte_for_byte(setup: Setup) -> None:
    """What the client asked for and nothing else; first text and gaps are timed, tokens are counted."""
    plain = setup.post({**ASK, "stream": True, "max_tokens": 4}).text
    counted = setup.post({**ASK, "stream": True, "stream_options": {"include_usage": True}}).text

    assert 4 == plain.count('"content": " a"')
    assert '"usage"' not in plain
    assert '"usage"' in counted
    assert plain.endswith("data: [DONE]\n\n")
    setup.ended(ok=2)
    assert 2 == setup.value("gateway_time_to_first_token_seconds_count")
    assert 3 + 2 == setup.value("gateway_inter_token_latency_seconds_count")
    assert 4 + 3 == setup.value("gateway_tokens_generated_total")
    assert [True, True] == [
        body["stream_options"]["include_usage"] for body in setup.engines[0].bodies
    ]


def test_an_answer_in_one_piece_may_take_its_time(make: Make) -> None:
    """Nothing comes of it until its end: only the pieces of a stream may not be too far apart."""
    setup = make(idle_timeout=0.05)

    async def thinks(
        engine: FakeEngine, request: web.Request, body: dict[str, Any]
    ) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return await whole(engine, request, body)

    setup.engines[0].answer = thinks

    assert 200 == setup.post(ASK).status_code
    setup.ended(ok=1)


def test_openais_client_works(setup: Setup) -> None:
    """The real package: whole and in a stream, its errors, and the list of models."""
    client = openai.OpenAI(api_key=KEY, base_url=f"{setup.url}/v1", max_retries=0)
    whole = client.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": "Hi"}]
    )
    pieces = list(
        client.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    wrong = openai.OpenAI(api_key="sk-wrong-0123456789", base_url=f"{setup.url}/v1", max_retries=0)
    with pytest.raises(openai.AuthenticationError, match="a key is needed"):
        wrong.models.list()

    assert " a a a" == whole.choices[0].message.content
    assert " a a a" == "".join(p.choices[0].delta.content or "" for p in pieces if p.choices)
    assert pieces[-1].usage is not None
    assert 3 == pieces[-1].usage.completion_tokens
    assert ["tiny"] == [model.id for model in client.models.list()]


def test_openais_client_gets_responses(setup: Setup) -> None:
    """The newer of its two ways, whole and in a stream; tokens are counted from either."""
    client = openai.OpenAI(api_key=KEY, base_url=f"{setup.url}/v1", max_retries=0)
    given: Any = {"model": "tiny", "input": "Hi", "max_output_tokens": 4}
    whole = client.responses.create(**given)
    events = list(client.responses.create(**given, stream=True))

    assert (" a a a a", " a a a a") == (
        whole.output_text,
        "".join(each.delta for each in events if each.type == "response.output_text.delta"),
    )
    setup.ended(ok=2)
    assert 2 == setup.value("gateway_requests_total", endpoint="/v1/responses", model="tiny")
    assert (64, 8) == tokens(setup)
    assert 1 == setup.value("gateway_time_to_first_token_seconds_count")
    assert 3 == setup.value("gateway_inter_token_latency_seconds_count")


def test_anthropics_client_works(make: Make) -> None:
    """The real package: whole and in a stream, tokens counted ahead, its errors and its limits."""
    setup = make(tokens_per_minute=5000.0)
    client = anthropic.Anthropic(api_key=KEY, base_url=setup.url, max_retries=0)
    given: Any = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4}
    whole = client.messages.create(**given)
    with client.messages.stream(**given) as stream:
        text, final = "".join(stream.text_stream), stream.get_final_message()
    ahead = client.messages.count_tokens(model="tiny", messages=given["messages"])

    assert (" a a a a", " a a a a") == (getattr(whole.content[0], "text", ""), text)
    assert (32, 4, 32) == (final.usage.input_tokens, final.usage.output_tokens, ahead.input_tokens)
    setup.ended(ok=3)
    # What is only counted has cost nothing.
    assert (64, 8) == tokens(setup)
    assert 1 == setup.value("gateway_time_to_first_token_seconds_count")
    wrong = anthropic.Anthropic(api_key="wrong-0123456789abcd", base_url=setup.url, max_retries=0)
    with pytest.raises(anthropic.AuthenticationError, match="a key is needed"):
        wrong.messages.create(**given)
    with pytest.raises(anthropic.RateLimitError, match="more tokens of this key"):
        client.messages.create(**{**given, "max_tokens": 10_000})


def tokens(setup: Setup) -> tuple[float, float]:
    """Of prompts and of answers, as counted."""
    names = ("gateway_tokens_prompted_total", "gateway_tokens_generated_total")
    prompted, generated = (setup.value(name) for name in names)
    return prompted, generated


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"Authorization": f"Bearer {KEY}"}, 200, ""),
        ({"Authorization": "", "X-API-Key": KEY}, 200, ""),
        ({"Authorization": "Bearer sk-wrong"}, 401, "invalid"),
        ({"Authorization": ""}, 401, "missing"),
    ],
)
def test_keys(setup: Setup, headers: dict[str, str], status: int, reason: str) -> None:
    """A missing and a wrong one are told alike; the engine hears of neither."""
    answer = setup.post(ASK, headers=headers)

    assert status == answer.status_code
    if status == 401:
        assert "authentication_error" == answer.json()["error"]["type"]
        assert 1 == setup.value("gateway_auth_failures_total", reason=reason)
        assert [] == setup.engines[0].bodies
        setup.ended(error=1)


def test_headers_are_clean_both_ways(make: Make) -> None:
    """The engine gets its own key and the request's id, none of the client's secrets; nor back."""
    setup = make(upstream_key="engine-key")
    headers = {"X-API-Key": KEY, "Cookie": "a=1", "X-Forwarded-For": "6.6.6.6", "Connection": "keep-alive, X-Hop", "X-Hop": "1", "X-Request-Id": "mine-1", "X-Custom": "kept"}  # fmt: skip
    answer = setup.post(ASK, headers=headers)
    sent = setup.engines[0].headers[-1]

    assert "Bearer engine-key" == sent["authorization"]
    assert ("mine-1", "kept") == (sent["x-request-id"], sent["x-custom"])
    assert [] == [
        name for name in ("cookie", "x-api-key", "x-forwarded-for", "x-hop") if name in sent
    ]
    assert KEY not in json.dumps(sent)
    assert ("mine-1", "fake") == (answer.headers["X-Request-Id"], answer.headers["X-Engine"])
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "ü"])
def test_ids_that_nobody_can_write_down_are_replaced(setup: Setup, given: str) -> None:
    """With one of our own."""
    headers = {"X-Request-Id": given.encode()} if given else {}
    found = setup.post(ASK, headers=headers).headers["X-Request-Id"]

    assert 32 == len(found)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"stream": 1.5}', 400),
        (b'{"model": 1}', 400),
        (b"x" * 2000, 413),
    ],
)
def test_bodies_that_nobody_can_answer(make: Make, body: bytes, status: int) -> None:
    """Refused before an engine hears of them."""
    setup = make(longest_body=1000)
    answer = setup.post(body)

    assert status == answer.status_code
    assert "invalid_request_error" == answer.json()["error"]["type"]
    assert [] == setup.engines[0].bodies


def test_a_body_in_pieces_is_no_longer_than_another(make: Make) -> None:
    """What is not announced is counted as it comes."""
    setup = make(longest_body=1000)
    answer = requests.post(
        f"{setup.url}/v1/completions",
        data=(b"x" * 100 for _ in range(100)),
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=20,
    )

    assert 413 == answer.status_code


def test_unknown_models_are_one_label(setup: Setup) -> None:
    """Names of strangers would fill the memory of every Prometheus."""
    for number in range(5):
        setup.post({**ASK, "model": f"made-up-{number}"})

    setup.ended(ok=5)
    assert 5 == setup.value("gateway_requests_total", model="other")
    assert 0 == setup.value("gateway_requests_total", model="tiny")


def test_other_paths_are_not_passed(setup: Setup) -> None:
    """An engine's own doors stay shut."""
    for path in ("/tokenize", "/invocations", "/pause", "/v1/chat/completions/x"):
        assert 404 == setup.post(ASK, path).status_code
    assert [] == setup.engines[0].bodies


# --- limits -------------------------------------------------------------------------------------------


def test_requests_of_a_key(make: Make) -> None:
    """So many in a minute, with OpenAI's headers and when to come again."""
    setup = make(requests_per_minute=2.0)
    answers = [setup.post(ASK) for _ in range(3)]

    assert [200, 200, 429] == [each.status_code for each in answers]
    assert ["1", "0"] == [each.headers["x-ratelimit-remaining-requests"] for each in answers[:2]]
    assert ("2", "30") == (
        answers[2].headers["x-ratelimit-limit-requests"],
        answers[2].headers["Retry-After"],
    )
    assert "rate_limit_error" == answers[2].json()["error"]["type"]
    assert 1 == setup.value("gateway_rate_limited_total", scope="key")


def test_tokens_of_a_key(make: Make) -> None:
    """What a request may cost is reserved, and what it did not use comes back."""
    setup = make(tokens_per_minute=1000.0)
    first = setup.post({**ASK, "max_tokens": 900})
    left = int(first.headers["x-ratelimit-remaining-tokens"])
    second = setup.post({**ASK, "max_tokens": 3})
    third = setup.post({**ASK, "max_tokens": 900})

    # It says what is reserved while it runs; then 905 were used.
    assert 90 <= left <= 100
    assert (200, 200, 429) == (first.status_code, second.status_code, third.status_code)
    assert 1 <= int(third.headers["Retry-After"]) <= 60
    too_much = setup.post({**ASK, "max_tokens": 5000})
    assert (
        "it asks for more tokens of this key than are allowed"
        in too_much.json()["error"]["message"]
    )


def test_requests_of_an_address(make: Make) -> None:
    """A proxy that is trusted tells whose they are, and nobody else does."""
    strange = make(client_requests_per_minute=1.0)
    trusting = make(client_requests_per_minute=1.0, trusted_proxies=(_network("127.0.0.0/8"),))

    def codes(setup: Setup) -> list[int]:
        return [
            setup.post(ASK, headers={"X-Forwarded-For": f"9.9.9.{n}"}).status_code
            for n in (1, 2, 2)
        ]

    assert [200, 429, 429] == codes(strange)
    assert [200, 200, 429] == codes(trusting)
    assert 2 == strange.value("gateway_rate_limited_total", scope="client")


def _network(text: str) -> Any:
    import ipaddress

    return ipaddress.ip_network(text)


# --- its own pages ------------------------------------------------------------------------------------


def test_it_is_ready_when_an_engine_is(setup: Setup) -> None:
    """Well it is from its start; ready only while somebody can answer."""
    assert 200 == requests.get(f"{setup.url}/ready", timeout=10).status_code
    setup.engines[0].is_healthy = False
    setup.until(lambda: requests.get(f"{setup.url}/ready", timeout=10).status_code == 503)

    assert 200 == requests.get(f"{setup.url}/health", timeout=10).status_code
    assert 503 == setup.post(ASK).status_code
    setup.engines[0].is_healthy = True
    setup.until(lambda: requests.get(f"{setup.url}/ready", timeout=10).status_code == 200)


def test_its_metrics_are_the_catalogue(setup: Setup) -> None:
    """Every family, of the names, labels and edges that pages and rules ask for."""
    setup.post({**ASK, "stream": True})
    setup.post(ASK, headers={"Authorization": ""})
    text = requests.get(f"{setup.url}/metrics", timeout=10).text
    families = {family.name: family for family in text_string_to_metric_families(text)}

    assert [catalogue.GATEWAY_LIMITS_SHARED] == [m for m in catalogue.METRICS if m.needs]
    for metric in (metric for metric in catalogue.METRICS if not metric.needs):
        family = families[metric.name.removesuffix("_total")]
        used = {name for sample in family.samples for name in sample.labels} - {"le"}
        assert not family.samples or set(metric.labels.names) == used, metric.name
        for name, allowed in metric.labels.values:
            assert {s.labels[name] for s in family.samples if name in s.labels} <= set(allowed)
