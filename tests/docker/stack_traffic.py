"""Bounded traffic for the engines of the stack: vLLM's through the gateway, Triton's at its own door."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import requests

from tests.live.gateway_traffic import gateway_traffic
from tests.live.traffic import REQUEST_SECONDS, Exchange, Outcome, Traffic

#: Prompts of several lengths, and answers: short ones too, so that the fastest bucket has some.
WORDS = (2, 8, 400)
TOKENS = (8, 16, 48)
#: As many tokens as an engine that is compiled without settings takes (compile.py).
LONGEST_PROMPT = 2048
#: No more requests than these, whatever time is left.
LIMIT = 100_000


@contextmanager
def stack_traffic(
    doors: Mapping[str, str], model: str, seconds: float
) -> Iterator[tuple[Traffic, ...]]:
    """Send each source its traffic, where it is asked, until the block ends."""
    with ExitStack() as stack:
        sending = [SENDERS[source](url, model, seconds) for source, url in doors.items()]
        yield tuple(stack.enter_context(each) for each in sending)


def _clients(url: str, model: str, seconds: float) -> AbstractContextManager[Traffic]:
    """Return what OpenAI's clients ask of the gateway."""
    del model  # they know it
    return gateway_traffic(url, workers=3, limit=LIMIT, seconds=seconds)


def _prompt(number: int) -> str:
    return f"Question {number}: " + "and so on " * WORDS[number % len(WORDS)]


def _text(url: str, model: str, seconds: float) -> AbstractContextManager[Traffic]:
    """Return what is asked of the vLLM backend: text in, text out."""

    def ask(session: requests.Session, number: int, stream: bool) -> Outcome:
        body = {
            "text_input": _prompt(number),
            "stream": stream,
            "sampling_parameters": json.dumps({"max_tokens": TOKENS[number % len(TOKENS)]}),
        }
        end = "generate_stream" if stream else "generate"
        return _ended(session, f"{url}/v2/models/{model}/{end}", body)

    return _traffic(
        {
            "whole": lambda session, number: ask(session, number, stream=False),
            "streamed": lambda session, number: ask(session, number, stream=True),
        },
        seconds,
    )


def _tokens(url: str, model: str, seconds: float) -> AbstractContextManager[Traffic]:
    """Return what is asked of the TensorRT-LLM backend: token ids in, token ids out."""
    del model  # it has a name of its own

    def ask(session: requests.Session, number: int) -> Outcome:
        ids = list(_prompt(number).encode())[:LONGEST_PROMPT]
        body = {
            "input_ids": ids,
            "input_lengths": len(ids),
            "request_output_len": TOKENS[number % len(TOKENS)],
            "streaming": True,
        }
        return _ended(session, f"{url}/v2/models/tensorrt_llm/generate_stream", body)

    return _traffic({"tokens": ask}, seconds)


def _traffic(exchanges: Mapping[str, Exchange], seconds: float) -> Traffic:
    return Traffic(exchanges, workers=3, limit=LIMIT, seconds=seconds)


def _ended(session: requests.Session, url: str, body: dict[str, Any]) -> Outcome:
    """Ask, and read to the end; an engine that fails now and then is meant to."""
    answer = session.post(url, json=body, timeout=REQUEST_SECONDS)
    return Outcome(answer.status_code)


#: Who asks each source that is asked by itself.
SENDERS: Mapping[str, Callable[[str, str, float], AbstractContextManager[Traffic]]] = {
    "gateway": _clients,
    "triton-vllm": _text,
    "triton-trtllm": _tokens,
}
