"""Pages read over HTTP: of played servers, and of servers that are down, slow or babbling."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import count

import aiohttp
import pytest
from aiohttp import web

from llmstack.top import page_reader
from llmstack.top.figures import Figure, Gpus, Reading
from llmstack.top.page_reader import PageReader
from llmstack.top.reader import page_url
from tests.live.process import free_port
from tests.stack.page_server import Servers, refusal, text
from tests.stack.top.pages import Played
from tests.stack.top.test_scraped import TOLD

#: vLLM's names without a model, as the router of its production stack has them.
ROUTER = 'vllm:num_requests_running{server="http://inn"} 1\n'
GPUS = 'DCGM_FI_DEV_POWER_USAGE{UUID="GPU-a"} 100\n'


def read(hosts: Sequence[str], times: int = 2, patience: float = 20) -> list[Reading]:
    """Read so often, each time two seconds after the last by the reader's own clock."""

    async def run() -> list[Reading]:
        timeout = aiohttp.ClientTimeout(total=patience)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            # All of one reading are at the same time.
            clock = count(0, 2 / len(hosts))
            reader = PageReader([page_url(host) for host in hosts], session, partial(next, clock))
            return [await reader.read() for _ in range(times)]

    return asyncio.run(run())


def problems(reading: Reading) -> list[str]:
    return [each.text for each in reading.problems]


@pytest.mark.parametrize("engine", TOLD)
def test_two_scrapes_are_a_rate(engine: str, served: Servers) -> None:
    """Between them a server has answered one request of twenty tokens, in two seconds."""
    host = served.serve(text(Played(engine).answer_one))
    first, second = read([host])
    (row,) = [row for row in second.rows if Figure.TOKENS in row.figures]

    assert (True, False) == (first.is_first, second.is_first)
    assert not any(Figure.TOKENS in row.figures for row in first.rows)
    assert (engine, TOLD[engine]) == (row.source, set(row.figures))
    assert 10 == row.figures[Figure.TOKENS]
    assert () == second.problems


def test_replicas_and_gpus(served: Servers) -> None:
    """Several servers and a GPU exporter are one table; an address that is given twice is one."""
    hosts = [served.serve(text(Played("vllm").answer_one)) for _ in range(2)]
    _, second = read([*hosts, served.serve(text(lambda: GPUS)), hosts[0]])
    (row,) = second.rows

    assert Gpus(1, 100) == second.gpus
    assert 0 < row.figures[Figure.TOKENS]
    assert (row.figures[Figure.TOKENS],) == (second.tokens_per_second,)


def test_each_problem_is_told_and_the_rest_is_shown(served: Servers, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """In one line a server."""
    monkeypatch.setattr(page_reader, "LARGEST", 200_000)

    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def die(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(GPUS.encode())
        assert request.transport is not None
        request.transport.abort()
        return answer

    wanted = {
        f"127.0.0.1:{free_port()}": "cannot be reached: Connection refused",
        served.serve(refusal(503, "loading")): "status 503",
        served.serve(hang): "no answer in time",
    }
    for body, told in (
        ("<html>", "answers a web page, and no metrics; is the path right?"),
        ("[]", "answers JSON, and no metrics (trtllm-serve: /prometheus/metrics)"),
        ("", "answers an empty page"),
        ("go_threads 7\n", "answers metrics, but none of a server that is known"),
        (ROUTER, "answers metrics, but none of a server that is known"),
        ("a" * 300_000, "answers more than 0 MiB"),
    ):
        wanted[served.serve(text(partial(str, body)))] = told
    dying, well = served.serve(die), served.serve(text(lambda: GPUS))
    first, second = read([*wanted, dying, well], patience=2)

    assert [*wanted.values()] == problems(first)[:-1] == problems(second)[:-1]
    assert "\n" not in problems(second)[-1]
    assert [page_url(host) for host in (*wanted, dying)] == [each.server for each in second.problems]  # fmt: skip
    assert Gpus(1, 100) == second.gpus


@pytest.mark.parametrize("body", ["\xff\xfe\x00", "vllm:num_requests_running{", "vllm:num_requests_running 1 2 3 4", 'vllm:num_requests_running{a="', "nv_gpu_power_usage }{ 5"])  # fmt: skip
def test_garbage(body: str, served: Servers) -> None:
    """Never ends the view."""
    _, second = read([served.serve(text(lambda: body))])

    assert 1 == len(problems(second))
    assert second.is_empty


def test_a_server_that_was_away_has_no_rate_over_that_time(served: Servers) -> None:
    """It may have been started anew: once it is back, two scrapes make one again."""
    played = Played("vllm")
    host = served.serve(text(played.answer_one))

    async def run() -> list[set[Figure]]:
        found = []
        async with aiohttp.ClientSession() as session:
            reader = PageReader([page_url(host)], session, partial(next, count(0, 2)))
            for answer in (text(played.answer_one), text(played.answer_one), refusal(500), text(played.answer_one), text(played.answer_one)):  # fmt: skip
                served.change(0, answer)
                reading = await reader.read()
                found.append({figure for row in reading.rows for figure in row.figures})
        return found

    gauges = {Figure.RUNNING, Figure.WAITING, Figure.KV_CACHE}

    assert [gauges, TOLD["vllm"], set(), gauges, TOLD["vllm"]] == asyncio.run(run())
