"""Bounded traffic for the engines of the stack: vLLM's through the gateway, Triton's at its own door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import requests

from tests.live.gateway_traffic import gateway_traffic
from tests.live.traffic import REQUEST_SECONDS, Exchange, Outcome, Traffic

#: Prompts of several lengths, and answers: short ones too, so that the fastest bucket has some.
WORDS = (2, 8, 400)
TOKENS = (8, 16, 48)


@contextmanager
def stack_traffic(
    gateway: str, triton_vllm: str, triton_trtllm: str, model: str, seconds: float
) -> Iterator[tuple[Traffic, ...]]:
    """Send traffic until the block ends."""
    limit = 100_000
    with ExitStack() as stack:
        clients = gateway_traffic(gateway, workers=3, limit=limit, seconds=seconds)
        sent = [stack.enter_context(clients)]
        for exchanges in (_text(triton_vllm, model), _tokens(triton_trtllm)):
            traffic = Traffic(exchanges, workers=3, limit=limit, seconds=seconds)
            sent.append(stack.enter_context(traffic))
        yield tuple(sent)


def _prompt(number: int) -> str:
    return f"Question {number}: " + "and so on " * WORDS[number % len(WORDS)]


def _text(url: str, model: str) -> dict[str, Exchange]:
    """Return what is asked of the vLLM backend: text in, text out."""

    def ask(session: requests.Session, number: int, stream: bool) -> Outcome:
        body = {
            "text_input": _prompt(number),
            "stream": stream,
            "sampling_parameters": json.dumps({"max_tokens": TOKENS[number % len(TOKENS)]}),
        }
        end = "generate_stream" if stream else "generate"
        return _ended(session, f"{url}/v2/models/{model}/{end}", body)

    return {
        "whole": lambda session, number: ask(session, number, stream=False),
        "streamed": lambda session, number: ask(session, number, stream=True),
    }


def _tokens(url: str) -> dict[str, Exchange]:
    """Return what is asked of the TensorRT-LLM backend: token ids in, token ids out."""

    def ask(session: requests.Session, number: int) -> Outcome:
        ids = list(_prompt(number).encode())
        body = {
            "input_ids": ids,
            "input_lengths": len(ids),
            "request_output_len": TOKENS[number % len(TOKENS)],
            "streaming": True,
        }
        return _ended(session, f"{url}/v2/models/tensorrt_llm/generate_stream", body)

    return {"tokens": ask}


def _ended(session: requests.Session, url: str, body: dict[str, Any]) -> Outcome:
    """Ask, and read to the end; an engine that fails now and then is meant to."""
    answer = session.post(url, json=body, timeout=REQUEST_SECONDS)
    return Outcome(answer.status_code)
