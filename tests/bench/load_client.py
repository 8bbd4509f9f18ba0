"""`llmstack load` as a process that tells its processor time and how long it waited for its core.

`python -m tests.bench.load_client WHAT URL`; what it found is JSON on its output. It is apart so
that the engine that it asks has a core of its own.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import count
from typing import cast
from urllib.parse import urlsplit

import uvloop
from httptools import HttpResponseParser

from llmstack.load.apis import Api, Question
from llmstack.load.closed_loop import ClosedLoop
from llmstack.load.open_loop import OpenLoop
from llmstack.load.planned import Planned
from llmstack.load.program import Job, measure
from llmstack.load.runner import Bounds
from llmstack.load.traces.plan import Selection, TracePlan
from llmstack.load.traces.rows import open_trace
from tests.bench.gateway.engine import MODEL
from tests.bench.simulator_server import go_first, kept_waiting
from tests.stack.load.traces.published import published_in

PROMPT, ANSWER = 64, 64
#: Streams at the same time, and in all.
PACED, PACED_TOTAL = 256, 2048
#: Seconds over which the first of them begin.
RAMP_UP = 1.5
#: Requests a second, seconds, and tokens of their answers.
ARRIVALS, ARRIVALS_SECONDS, ARRIVALS_ANSWER = 200.0, 10.0, 8
#: A rate that is more than so many at a time can be: answers take 0.2 + 63 * 0.02 s.
CAPPED, CAPPED_RATE, CAPPED_TOTAL = 8, 20.0, 100


#: A real trace, where it is there: ten minutes of it in one.
TRACE = published_in() / "AzureLLMInferenceTrace_conv.csv"
TRACE_PART = Selection(speedup=10.0, end=600.0)


def job(what: str, url: str) -> Job:
    """Return what is run."""
    loop: OpenLoop | ClosedLoop
    plan: Iterable[Planned]
    match what:
        case "paced":
            loop, plan, bounds = ClosedLoop(PACED, ramp_up=RAMP_UP), _endless(), Bounds(total=PACED_TOTAL)  # fmt: skip
        case "trace":
            trace = open_trace(TRACE, uses_cache=False)
            loop, plan, bounds = OpenLoop(), TracePlan(trace, TRACE_PART), Bounds()
        case "arrivals":
            loop, plan, bounds = OpenLoop(), _poisson(), Bounds(duration=ARRIVALS_SECONDS)
        case _:
            loop, plan, bounds = OpenLoop(CAPPED), _even(), Bounds(total=CAPPED_TOTAL)
    return Job(
        name=what,
        urls=[url],
        question=Question(Api.CHAT, MODEL, is_exact=False),
        plan=plan,
        plan_told=what,
        prompt_of=lambda planned: "a " * planned.prompt_tokens,
        loop=loop,
        bounds=bounds,
        every=0.0,
    )


def _endless() -> Iterator[Planned]:
    return (Planned(0.0, PROMPT, ANSWER) for _ in count())


def _poisson() -> Iterator[Planned]:
    chance, at = random.Random(7), 0.0
    while True:
        at += chance.expovariate(ARRIVALS)
        yield Planned(at, PROMPT, ARRIVALS_ANSWER)


def _even() -> Iterator[Planned]:
    return (Planned(number / CAPPED_RATE, PROMPT, ANSWER) for number in count())


class _Bare(asyncio.Protocol):
    """A stream after the other, of which nothing is read but the end: what any client costs."""

    def __init__(self, request: bytes, left: Iterator[int]) -> None:
        self._request, self._left = request, left
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def _ask(self) -> None:
        if next(self._left, None) is None:
            self._transport.close()
            self.done.set_result(None)
        else:
            self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"0\r\n\r\n"):
            self._ask()


class _Scanning(_Bare):
    """The least that can be called a measurement: the time of each event that holds a text.

    No JSON is read, and nothing is counted, checked, summed up or limited in time.
    """

    def __init__(self, request: bytes, left: Iterator[int]) -> None:
        super().__init__(request, left)
        self._parser, self._now = HttpResponseParser(self), 0.0
        self._times: list[float] = []

    def data_received(self, data: bytes) -> None:
        self._now = time.monotonic()
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if body.find(b'"content":"') >= 0:
            self._times.append(self._now)

    def on_message_complete(self) -> None:
        self._times = []
        self._ask()


#: Clients of a few lines, by what they are run as.
FLOORS = {"bare": _Bare, "scanning": _Scanning}


async def _streams(kind: type[_Bare], url: str) -> None:
    address = urlsplit(url)
    asked = {"messages": [], "max_tokens": ANSWER, "stream": True}
    body = json.dumps(asked).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: inn\r\nContent-Length: {len(body)}\r\n\r\n"
    left, loop = iter(range(PACED_TOTAL)), asyncio.get_running_loop()
    found = []
    for _ in range(PACED):
        made = partial(kind, head.encode() + body, left)
        _, client = await loop.create_connection(made, address.hostname or "", address.port or 80)
        found.append(client.done)
        await asyncio.sleep(RAMP_UP / PACED)
    await asyncio.gather(*found)


def floor(kind: type[_Bare], url: str) -> None:
    """Run a client of a few lines, and tell its processor time."""
    begun = time.process_time()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_streams(kind, url))
    cpu = time.process_time() - begun
    print(json.dumps({"cpu": cpu, "kept_waiting": kept_waiting()}))


def main(what: str, url: str) -> None:
    """Run it, and tell."""
    go_first()
    if what in FLOORS:
        floor(FLOORS[what], url)
        return
    asked = job(what, url)
    cpu, waited = time.process_time(), kept_waiting()
    found = measure(asked, lambda _: None)
    print(
        json.dumps(
            {
                "cpu": time.process_time() - cpu,
                "kept_waiting": kept_waiting() - waited,
                "results": {**found, "histograms": {}, "series": []},
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
