"""How far the simulator's tokens are from when its model says, with a thousand streams on one core."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

from llmstack.simulator.presets import CONTEXT, preset
from llmstack.simulator.rates import unloaded_first_token
from tests.bench.results import Row, Section
from tests.bench.simulator_server import WARM_UP, go_first

STREAMS, SECONDS, RUNS = 1000, 30.0, 3
PRESET = "llama-3.3-70b-4xh100"
PROMPT, ANSWER = 128, 256
#: Of the model's figure.
PROMISED = 0.05

#: A server with nothing to do, how often it is asked, and how far from its preset it may be.
IDLE, ASKED, IDLE_PROMISED = "llama-3.1-8b-l4", 9, 0.01


class _Client(asyncio.Protocol):
    """One stream after the other on one connection; what comes is not read but for its end."""

    def __init__(self, number: int, host: str) -> None:
        self._number, self._host = number, host
        self._transport: asyncio.Transport | None = None
        self._asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.ask()

    def ask(self) -> None:
        assert self._transport is not None
        self._asked += 1
        # No two begin alike; answers end at unlike times, so that streams do not keep step.
        tokens = [self._number, self._asked, *range(PROMPT - 2)]
        answer = ANSWER // 2 + (self._number * 37 + self._asked * 101) % ANSWER
        self._transport.write(_request(self._host, tokens, answer))

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"0\r\n\r\n"):
            self.ask()


async def _load(url: str, streams: int, seconds: float) -> None:
    host, port = url.removeprefix("http://").split(":")
    loop = asyncio.get_running_loop()
    found = []
    for number in range(streams):
        made = partial(_Client, number, host)
        found.append((await loop.create_connection(made, host, int(port)))[0])
    await asyncio.sleep(seconds)
    for transport in found:
        transport.abort()


def measure() -> dict[str, Any]:
    """Return what the server noted in the run in which others left it its core the most."""
    return min((run() for _ in range(RUNS)), key=lambda noted: float(noted["kept_waiting"]))


def first_tokens() -> tuple[float, float]:
    """Return the seconds to the first token on an idle server, by its client and by the preset."""
    chosen = preset(IDLE)
    promised = unloaded_first_token(chosen.rates, chosen.limits, CONTEXT)
    with _server(IDLE) as (_, url):
        found = [_first_token(url, number) for number in range(ASKED)]
    return median(found), promised


def _first_token(url: str, number: int) -> float:
    host, port = url.removeprefix("http://").split(":")
    # No two begin alike, or a part of the prompt would not be read.
    request = _request(host, [number, *range(CONTEXT - 1)], 1)
    with socket.create_connection((host, int(port))) as connection:
        begun, found = time.perf_counter(), b""
        connection.sendall(request)
        while b"data: " not in found:
            found += connection.recv(1 << 16)
        return time.perf_counter() - begun


def run(streams: int = STREAMS, seconds: float = SECONDS) -> dict[str, Any]:
    """Return what the server noted in one run."""
    with _server(PRESET) as (server, url):
        asyncio.run(_load(url, streams, seconds))
        server.terminate()
        assert server.stdout is not None
        noted: dict[str, Any] = json.loads(server.stdout.read())
    return noted


@contextmanager
def _server(name: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a server on one core, and be on another meanwhile."""
    cores = os.sched_getaffinity(0)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.simulator_server", name],
        env={**os.environ, "PYTHONPATH": ".:stack"},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            os.sched_setaffinity(0, cores - {max(cores)} or cores)
            go_first()
            yield server, url
        finally:
            server.kill()
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
            os.sched_setaffinity(0, cores)


def _request(host: str, tokens: list[int], answer: int) -> bytes:
    body = json.dumps(
        {"prompt": tokens, "max_tokens": answer, "ignore_eos": True, "stream": True}
    ).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def section(noted: dict[str, Any], first: tuple[float, float]) -> Section:
    """Return the rows of what was noted, and of an idle server."""
    off = abs(first[0] / first[1] - 1)
    rows = [
        Row(
            f"first token of {CONTEXT} tokens on an idle server ({IDLE}), as its client sees it",
            f"{first[0] * 1000:.1f} ms",
            f"{first[1] * 1000:.1f} ms",
            f"{off:.2%}",
            f"under {IDLE_PROMISED:.0%}",
            off < IDLE_PROMISED,
        )
    ]
    for name, key in (("time to first token", "first"), ("time between tokens", "gaps")):
        for what, (due, sent) in noted[key].items():
            drift = abs(sent / due - 1)
            rows.append(
                Row(
                    f"{name}, {what}",
                    f"{sent * 1000:.1f} ms",
                    f"{due * 1000:.1f} ms",
                    f"{drift:.1%}",
                    f"under {PROMISED:.0%}",
                    drift < PROMISED,
                )
            )
    rate = noted["tokens"] / noted["counted"]
    rows.append(
        Row(
            "tokens a second",
            f"{rate:,.0f}",
            "",
            f"{noted['cpu'] / noted['seconds']:.0%} of the core",
        )
    )
    waited = noted["kept_waiting"]
    rows.append(
        Row(
            "the server waited for its core, which others had",
            f"{waited:.2f} s",
            f"of {noted['seconds']:.0f} s",
            f"{waited / noted['seconds']:.1%}",
        )
    )
    is_equal = noted["is_the_model"]
    rows.append(
        Row(
            "played again in virtual time, the same arrivals have the same first tokens",
            "yes" if is_equal else "no",
            "",
            "",
            "yes",
            is_equal,
        )
    )
    return Section(
        "Simulator",
        f"Written by `make bench`. `llmstack simulate` with {STREAMS:,} streams at a time for "
        f"{SECONDS:g} s, of which the first {WARM_UP:g} are not counted ({PRESET}, {PROMPT} tokens of prompt, {ANSWER // 2} to {ANSWER * 3 // 2} of "
        "answer), the server on one core and its clients on another; when tokens were written to "
        f"their connections beside when the model says. Both go before whatever else wants their "
        f"core, where the system allows it; of {RUNS} runs the one in which the server waited least.",
        ("what", "as sent", "by the model", "drift"),
        rows,
    )


if __name__ == "__main__":
    print(section(measure(), first_tokens()))
