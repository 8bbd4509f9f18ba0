"""Bounded traffic for the gateway with OpenAI's own client: what goes well, and all that can go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import openai
import requests
from openai.types import Completion
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from tests.live import faulty_engine
from tests.live.environment import MODEL
from tests.live.stack_programs import KEY, TOKENS_PER_MINUTE
from tests.live.traffic import REQUEST_SECONDS, Exchange, Outcome, Traffic

#: What our clients want of the tiny model, which knows no end.
ENDLESS = {"ignore_eos": True}
#: Tokens of a prompt that is not a small one any more; the tiny model cannot take a large one.
MEDIUM = list(range(97, 122)) * 26
#: An address of those that are kept for documentation, which asks for more than it may.
GREEDY_ADDRESS = "192.0.2.1"
#: How long a client that soon leaves waits.
IMPATIENCE = 0.5


def client_of(base_url: str, key: str = KEY) -> openai.OpenAI:
    """Return OpenAI's client for a gateway; it asks once, and takes no proxy from the environment."""
    return openai.OpenAI(
        api_key=key,
        base_url=f"{base_url}/v1",
        max_retries=0,
        timeout=REQUEST_SECONDS,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    )


def messages(text: str) -> list[ChatCompletionMessageParam]:
    """Return a conversation that begins with a text."""
    return [{"role": "user", "content": text}]


@contextmanager
def gateway_traffic(
    base_url: str, *, workers: int = 8, limit: int = 2000, seconds: float = 180.0
) -> Iterator[Traffic]:
    """Send traffic to a gateway in front of a faulty engine until the block ends."""
    with client_of(base_url) as client, client_of(base_url, "sk-wrong-0123456789") as stranger:
        exchanges = _exchanges(base_url, client, stranger)
        with Traffic(exchanges, workers=workers, limit=limit, seconds=seconds) as traffic:
            yield traffic


def _exchanges(
    base_url: str, client: openai.OpenAI, stranger: openai.OpenAI
) -> dict[str, Exchange]:
    """Return what is sent, by name, in the order of a round: failures stand apart.

    Engines that fail three times in a row are asked no more for a while.
    """

    def chat(number: int, fault: str = "", asking: openai.OpenAI = client, **given: Any) -> Outcome:
        body = {"max_completion_tokens": 16, "extra_body": ENDLESS, **given}
        answer = asking.chat.completions.create(
            model=MODEL,
            messages=messages(f"Question {number}?"),
            extra_headers=_headers(number, fault),
            **body,
        )
        return Outcome(200, answer.choices[0].finish_reason, *_tokens(answer.usage))

    def streamed(number: int, fault: str = "", **given: Any) -> Outcome:
        with _chat_stream(client, number, fault, max_completion_tokens=32, **given) as pieces:
            return _read(pieces)

    def dropped(number: int) -> Outcome:
        with _chat_stream(client, number, max_completion_tokens=400) as pieces:
            next(piece for piece in pieces if piece.choices[0].delta.content)
        return Outcome(200, dropped=True)

    def completion(number: int, prompt: str | list[int]) -> Outcome:
        answer = client.completions.create(
            model=MODEL, prompt=prompt, max_tokens=8, extra_headers=_headers(number)
        )
        return Outcome(200, answer.choices[0].finish_reason, *_tokens(answer.usage))

    def completion_streamed(number: int) -> Outcome:
        with client.completions.create(
            model=MODEL,
            prompt=MEDIUM,
            max_tokens=24,
            extra_body=ENDLESS,
            extra_headers=_headers(number),
            stream=True,
            stream_options={"include_usage": True},
        ) as pieces:
            return _read(pieces)

    def without_key(session: requests.Session, number: int) -> Outcome:
        body = {"model": MODEL, "messages": messages(f"Question {number}?")}
        url = f"{base_url}/v1/chat/completions"
        answer = session.post(url, json=body, headers=_headers(number), timeout=REQUEST_SECONDS)
        return Outcome(answer.status_code)

    def address_limit(number: int) -> Outcome:
        headers = {**_headers(number), "X-Forwarded-For": GREEDY_ADDRESS}
        client.models.list(extra_headers=headers)
        return Outcome(200)

    counted: dict[str, Any] = {"stream_options": {"include_usage": True}}
    return {
        "chat_streamed": _asked(streamed),
        "chat_whole": _asked(chat),
        "status": _asked(lambda number: chat(number, faulty_engine.STATUS)),
        "chat_counted": _asked(lambda number: streamed(number, **counted)),
        "address_limit": _asked(address_limit),
        "completion_whole": _asked(lambda number: completion(number, f"{number} is")),
        "break": _asked(lambda number: streamed(number, faulty_engine.BREAK)),
        "chat_dropped": _asked(dropped),
        "completion_streamed": _asked(completion_streamed),
        "wrong_key": _asked(lambda number: chat(number, asking=stranger)),
        "silence": _asked(lambda number: chat(number, faulty_engine.SILENCE)),
        "completion_medium": _asked(lambda number: completion(number, MEDIUM)),
        "without_key": without_key,
        "chat_invalid": _asked(lambda number: chat(number, temperature=-1.0)),
        "left_early": _asked(
            lambda number: chat(number, faulty_engine.SILENCE, timeout=IMPATIENCE)
        ),
        "key_limit": _asked(
            lambda number: chat(number, max_completion_tokens=2 * TOKENS_PER_MINUTE)
        ),
    }


def _asked(ask: Callable[[int], Outcome]) -> Exchange:
    """Return an exchange that takes refusals and failures for what they are."""

    def exchange(session: requests.Session, number: int) -> Outcome:
        del session  # OpenAI's client has its own
        try:
            return ask(number)
        except openai.APIStatusError as error:
            return Outcome(error.status_code)
        except openai.APITimeoutError:
            return Outcome(0, dropped=True)
        except openai.APIConnectionError as error:
            raise requests.ConnectionError(str(error)) from error
        except openai.APIError:
            # It was told within a stream, which had begun well.
            return Outcome(200, "error")

    return exchange


def _headers(number: int, fault: str = "") -> dict[str, str]:
    """Return the headers of a request: whose it is, of many clients, and what shall go wrong."""
    headers = {"X-Forwarded-For": f"198.51.100.{number % 250}"}
    return {**headers, faulty_engine.HEADER: fault} if fault else headers


def _chat_stream(
    client: openai.OpenAI, number: int, fault: str = "", **given: Any
) -> openai.Stream[ChatCompletionChunk]:
    stream: openai.Stream[ChatCompletionChunk] = client.chat.completions.create(
        model=MODEL,
        messages=messages(f"Question {number}?"),
        extra_body=ENDLESS,
        extra_headers=_headers(number, fault),
        stream=True,
        **given,
    )
    return stream


def _read(pieces: openai.Stream[ChatCompletionChunk] | openai.Stream[Completion]) -> Outcome:
    """Read a stream to its end."""
    finished, tokens = None, (0, 0)
    for piece in pieces:
        for choice in piece.choices:
            finished = choice.finish_reason or finished
        if piece.usage is not None:
            tokens = _tokens(piece.usage)
    return Outcome(200, finished, *tokens)


def _tokens(usage: openai.types.CompletionUsage | None) -> tuple[int, int]:
    return (0, 0) if usage is None else (usage.prompt_tokens, usage.completion_tokens)
