"""What the simulator refuses, and how: the real vLLM says the same, word for word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.process import direct_session
from tests.live.vllm_server import VERSION, VllmServer
from tests.stack.load.simulated import simulated

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
#: As many tokens as the model of the tests takes, the real one and the played one.
LENGTH = 1024
HELLO = [{"role": "user", "content": "a"}]
BODIES = {
    "another model": (CHAT, {"model": "nope", "messages": HELLO}),
    "no JSON": (CHAT, b"{oops"),
    "half a JSON": (CHAT, b'{"messages":'),
    "a list": (CHAT, b"[]"),
    "a number": (COMPLETIONS, b"3"),
    "no messages": (CHAT, {}),
    "messages as text": (CHAT, {"messages": "a"}),
    "no tokens": (CHAT, {"messages": HELLO, "max_tokens": 0}),
    "tokens as text": (CHAT, {"messages": HELLO, "max_tokens": "x"}),
    "tokens as a fraction": (CHAT, {"messages": HELLO, "max_tokens": 1.5}),
    "tokens as a list": (COMPLETIONS, {"prompt": "a", "max_tokens": []}),
    "fewer than none": (COMPLETIONS, {"prompt": "a", "max_tokens": -1}),
    "least above most": (COMPLETIONS, {"prompt": "a", "max_tokens": 2, "min_tokens": 5}),
    "options of a stream": (COMPLETIONS, {"prompt": "a", "stream_options": {"include_usage": True}}),
    "too many ids": (COMPLETIONS, {"prompt": [5] * (LENGTH + 76), "max_tokens": 2}),
    "too long a chat": (CHAT, {"messages": [{"role": "user", "content": "a" * 5000}]}),
    "no prompt": (COMPLETIONS, {}),
    "an empty prompt": (COMPLETIONS, {"prompt": ""}),
    "no ids": (COMPLETIONS, {"prompt": []}),
    "another path": ("/v1/inn", {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def played(vllm: VllmServer) -> Iterator[str]:
    with simulated(model=vllm.model) as url:
        yield url


def answer(url: str, path: str, body: object) -> tuple[int, object]:
    with direct_session() as session:
        if isinstance(body, bytes):
            headers = {"Content-Type": "application/json"}
            found = session.post(f"{url}{path}", data=body, headers=headers, timeout=60)
        else:
            found = session.post(f"{url}{path}", json=body, timeout=60)
    return found.status_code, found.json()


@pytest.mark.parametrize("name", BODIES)
def test_refusals_are_those_of_vllm(name: str, vllm: VllmServer, played: str) -> None:
    """Status, message, kind and field."""
    path, body = BODIES[name]

    assert answer(vllm.base_url, path, body) == answer(played, path, body)


def test_an_answer_ends_where_the_context_does(vllm: VllmServer, played: str) -> None:
    """What does not fit is not written, and nothing is refused."""
    body = {"prompt": [5] * (LENGTH - 24), "max_tokens": 100, "ignore_eos": True}
    told = []
    for url in (vllm.base_url, played):
        status, found = answer(url, COMPLETIONS, body)
        assert isinstance(found, dict)
        told.append((status, found["usage"]["completion_tokens"], found["choices"][0]["finish_reason"]))  # fmt: skip

    assert [(200, 24, "length")] * 2 == told


def test_they_are_of_one_release(vllm: VllmServer) -> None:
    """What is compared is what was measured."""
    assert vllm.version == VERSION
