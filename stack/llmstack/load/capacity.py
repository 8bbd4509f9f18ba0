"""How much this client can read on this machine: said before a run that may ask for more.

It is measured, not known: pieces of a stream are sent over pairs of sockets in this process, and
what reading them takes is the processor time of a token. What writing them takes is left out.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable
from functools import partial

from llmstack.load.apis import Api, Question
from llmstack.load.connection import Connection, Exchange, Traffic
from llmstack.load.demand import Demand
from llmstack.load.outcome import Outcome
from llmstack.load.planned import Planned

#: Streams, and tokens of each: a tenth of a second in all.
_STREAMS, _TOKENS = 48, 40
_ROUNDS = 2
#: Of a core's time. Beyond it more and more would be read late, and charged to the server.
_USABLE = 0.5

#: Seconds that no token takes less than: a clock may not have moved.
_LEAST = 1e-7

_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def tokens_a_second(loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> float:
    """Return how many tokens a second this client can read of streams that tell them one by one.

    Args:
        loop_factory: makes the loop that is measured.
    """
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return _USABLE / max(_LEAST, runner.run(_seconds_of_a_token()))


def compared(demand: Demand, able: float) -> str:
    """Return in words how what a plan asks for compares with so many tokens a second."""
    told = f"This client can read about {able:,.0f} tokens/s on one core of this machine"
    if demand.most_answer_tokens <= able:
        return f"{told}."
    return (
        f"{told}, and the busiest second asks for {demand.most_answer_tokens:,}: what is read then "
        "is read late. A lower --speedup or --share asks for less."
    )


async def _seconds_of_a_token() -> float:
    traffic, question = Traffic(), Question(Api.CHAT, "m")
    loop, ends, exchanges = asyncio.get_running_loop(), list[socket.socket](), list[Exchange]()
    try:
        for _ in range(_STREAMS):
            far, near = socket.socketpair()
            near.setblocking(False)
            ends.append(far)
            made = partial(Connection, traffic)
            _, connection = await loop.create_connection(made, sock=near)
            outcome = Outcome(Planned(0.0, 1, _TOKENS), 0.0)
            exchange = Exchange(b"", outcome, question.reading(outcome, ""))
            connection.send(exchange)
            exchanges.append(exchange)
        # What is done once for each answer is no part of what a token takes.
        await _sent(_HEAD + _piece(1), ends)
        began, writing, before = time.thread_time(), 0.0, traffic.tokens
        for number in range(2, _TOKENS + 2):
            writing += await _sent(_piece(number), ends)
        for exchange in exchanges:
            exchange.catch_up()
        return (time.thread_time() - began - writing) / max(1, traffic.tokens - before)
    finally:
        for exchange in exchanges:
            exchange.leave()
            if exchange.connection is not None:
                exchange.connection.close()
        for far in ends:
            far.close()
        # Transports that were aborted are closed in the loop's next round.
        await asyncio.sleep(0)


async def _sent(data: bytes, ends: list[socket.socket]) -> float:
    """Send a piece to each stream and let the loop read them; return what sending took."""
    began = time.thread_time()
    for far in ends:
        far.sendall(data)
    took = time.thread_time() - began
    # A loop looks what is there in one round, and reads it in the next.
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)
    return took


def _piece(number: int) -> bytes:
    told = {
        "id": "chatcmpl-0123456789abcdef0123456789abcdef",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "delta": {"content": " word"}, "logprobs": None, "finish_reason": None}
        ],
        "usage": {"prompt_tokens": 9, "total_tokens": 9 + number, "completion_tokens": number},
    }
    event = b"data: %b\n\n" % json.dumps(told, separators=(",", ":")).encode()
    return b"%x\r\n%b\r\n" % (len(event), event)
