"""Bounded traffic for the real servers, in background threads, with a count of what was sent."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import requests

from tests.live.process import direct_session, wait_until
from tests.live.triton_server import DEFAULT_MODELS, TritonModel, TritonServer
from tests.live.vllm_server import VllmServer

# One request may queue behind eight others that each generate their maximum.
REQUEST_SECONDS = 60.0


class TrafficFailedError(Exception):
    """A request ended without an answer, or with one that cannot be read."""


@dataclass(frozen=True)
class Outcome:
    """How one request ended, as its client saw it."""

    status: int
    finished: str | None = None
    prompt_tokens: int = 0
    generation_tokens: int = 0
    dropped: bool = False


@dataclass
class Sent:
    """Counts of the requests that have ended."""

    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    generation_tokens: int = 0
    dropped: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """The number of requests that have ended."""
        return self.requests.total()

    def add(self, name: str, outcome: Outcome) -> None:
        """Count one request."""
        self.requests[name] += 1
        self.statuses[name, outcome.status] += 1
        if outcome.finished is not None:
            self.finished[outcome.finished] += 1
        self.prompt_tokens += outcome.prompt_tokens
        self.generation_tokens += outcome.generation_tokens
        self.dropped += outcome.dropped


Exchange = Callable[[requests.Session, int], Outcome]


class Traffic:
    """Sends its exchanges in turn from several threads, from entering the block to leaving it.

    It also ends by itself after `limit` requests or `seconds`, whichever is first.
    """

    def __init__(
        self,
        exchanges: Mapping[str, Exchange],
        *,
        workers: int = 8,
        limit: int = 2000,
        seconds: float = 180.0,
    ) -> None:
        self.sent = Sent()
        self._exchanges = tuple(exchanges.items())
        self._limit = limit
        self._seconds = seconds
        self._taken = 0
        self._deadline = 0.0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"traffic-{number}", daemon=True)
            for number in range(workers)
        ]

    def __enter__(self) -> Traffic:
        self._deadline = time.monotonic() + self._seconds
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> Sent:
        """Begin no further request, wait for those that run, and return the counts."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return self.sent

    def wait_for(self, count: int) -> None:
        """Wait until this many requests have ended."""

        def enough() -> bool:
            if self.sent.errors:
                raise TrafficFailedError("\n".join(self.sent.errors))
            return self.sent.total >= count

        wait_until(enough, within=self._seconds, what=f"{count} requests have ended")

    def _work(self) -> None:
        with direct_session() as session:
            while (number := self._next_number()) is not None:
                name, exchange = self._exchanges[number % len(self._exchanges)]
                try:
                    outcome = exchange(session, number)
                except (requests.RequestException, KeyError, ValueError) as error:
                    with self._lock:
                        self.sent.errors.append(f"{name}: {error!r}")
                    self._stopping.set()
                    return
                with self._lock:
                    self.sent.add(name, outcome)

    def _next_number(self) -> int | None:
        with self._lock:
            if (
                self._stopping.is_set()
                or self._taken >= self._limit
                or time.monotonic() >= self._deadline
            ):
                return None
            self._taken += 1
            return self._taken - 1


# --- vLLM: tokens of the tiny model are bytes, so the lengths below are tokens.

# Longer than two blocks of 128 tokens, so that the second request with it hits the prefix cache.
SHARED_PREFIX = "You answer questions about trains, one short sentence at a time. " * 5
# Half of the alphabet ends the answer; with random weights it then ends after a token or two.
STOP_TOKENS = list(range(128))


def vllm_traffic(server: VllmServer, *, limit: int = 2000, seconds: float = 180.0) -> Traffic:
    """Traffic for vLLM, from three times as many clients as the server runs requests at a time."""
    return Traffic(vllm_exchanges(server), workers=12, limit=limit, seconds=seconds)


def vllm_exchanges(server: VllmServer) -> dict[str, Exchange]:
    """What is sent to vLLM, by name, in the order of a round."""

    def chat(question: str, **body: Any) -> dict[str, Any]:
        messages = [
            {"role": "system", "content": SHARED_PREFIX},
            {"role": "user", "content": question},
        ]
        return {"model": server.model, "messages": messages, **body}

    def completion(prompt: str, **body: Any) -> dict[str, Any]:
        return {"model": server.model, "prompt": prompt, **body}

    chats = f"{server.base_url}/v1/chat/completions"
    completions = f"{server.base_url}/v1/completions"
    endless = {"ignore_eos": True}
    stops = {"stop_token_ids": STOP_TOKENS, "min_tokens": 4, "max_tokens": 200}
    return {
        "chat_streamed": lambda session, number: _streamed(
            session, chats, chat(f"Question {number}?", max_tokens=48, **endless)
        ),
        "chat_whole": lambda session, number: _whole(
            session, chats, chat(f"Question {number}?", max_tokens=24, **endless)
        ),
        "completion_long": lambda session, number: _streamed(
            session,
            completions,
            # No prefix in common, so that it fills blocks of its own; greedy, so that it repeats
            # itself and a speculative decoder guesses some tokens right.
            completion(f"{number}: " * 60, max_tokens=300, temperature=0, **endless),
        ),
        "chat_stopped": lambda session, number: _streamed(
            session, chats, chat(f"Question {number}?", **stops)
        ),
        "completion_short": lambda session, number: _whole(
            session, completions, completion(f"{number} is", max_tokens=8, **endless)
        ),
        "chat_dropped": lambda session, number: _dropped(
            session, chats, chat(f"Question {number}?", max_tokens=400, **endless)
        ),
        "completion_stopped": lambda session, _number: _whole(
            session, completions, completion(SHARED_PREFIX, **stops)
        ),
        "completion_streamed": lambda session, _number: _streamed(
            session, completions, completion(SHARED_PREFIX * 2, max_tokens=120, **endless)
        ),
        "chat_invalid": lambda session, number: _whole(
            session, chats, chat(f"Question {number}?", max_tokens=-1)
        ),
    }


def _whole(session: requests.Session, url: str, body: dict[str, Any]) -> Outcome:
    answer = session.post(url, json=body, timeout=REQUEST_SECONDS)
    if not answer.ok:
        return Outcome(answer.status_code)
    value = answer.json()
    return Outcome(
        answer.status_code,
        value["choices"][0]["finish_reason"],
        value["usage"]["prompt_tokens"],
        value["usage"]["completion_tokens"],
    )


def _streamed(session: requests.Session, url: str, body: dict[str, Any]) -> Outcome:
    body = {**body, "stream": True, "stream_options": {"include_usage": True}}
    finished, prompt_tokens, generation_tokens = None, 0, 0
    with session.post(url, json=body, timeout=REQUEST_SECONDS, stream=True) as answer:
        if not answer.ok:
            return Outcome(answer.status_code)
        for line in answer.iter_lines():
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line.removeprefix(b"data: "))
            for choice in event["choices"]:
                finished = choice.get("finish_reason") or finished
            if event.get("usage"):
                prompt_tokens = event["usage"]["prompt_tokens"]
                generation_tokens = event["usage"]["completion_tokens"]
    return Outcome(answer.status_code, finished, prompt_tokens, generation_tokens)


def _dropped(session: requests.Session, url: str, body: dict[str, Any]) -> Outcome:
    """Read a stream up to its second event, which carries the first token, and hang up.

    A busy server may notice only when the answer is complete, and then counts it as finished.
    """
    answer = session.post(url, json={**body, "stream": True}, timeout=REQUEST_SECONDS, stream=True)
    with answer:
        events = (line for line in answer.iter_lines() if line.startswith(b"data: {"))
        next(events, None)
        next(events, None)
    return Outcome(answer.status_code, dropped=True)


# --- Triton


def triton_traffic(
    server: TritonServer,
    models: Sequence[TritonModel] = DEFAULT_MODELS,
    *,
    workers: int = 16,
    limit: int = 5000,
    seconds: float = 180.0,
) -> Traffic:
    """Traffic for Triton, by default from more clients than a batch of its models holds."""
    return Traffic(triton_exchanges(server, models), workers=workers, limit=limit, seconds=seconds)


def triton_exchanges(
    server: TritonServer, models: Sequence[TritonModel] = DEFAULT_MODELS
) -> dict[str, Exchange]:
    """What is sent to Triton: one exchange for each of its models."""
    if server.http_url is None:
        raise ValueError("traffic for Triton needs LLMDASH_TRITON_HTTP_URL")

    def infer(model: str) -> Exchange:
        url = f"{server.http_url}/v2/models/{model}/infer"

        def exchange(session: requests.Session, number: int) -> Outcome:
            value = {"name": "INPUT", "datatype": "FP32", "shape": [1, 1], "data": [number]}
            answer = session.post(url, json={"inputs": [value]}, timeout=REQUEST_SECONDS)
            return Outcome(answer.status_code)

        return exchange

    return {model.name: infer(model.name) for model in models}
