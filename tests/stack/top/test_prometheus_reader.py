"""What is read from a Prometheus that answers strangely; real ones are asked in test_prometheus.py."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from aiohttp import web

from llmstack.prometheus import Prometheus
from llmstack.top.figures import Figure, Reading
from llmstack.top.prometheus_reader import PrometheusReader
from tests.live.process import free_port
from tests.stack.page_server import Answer, Servers, refusal, text

#: A question that reads what rules have recorded, one about what is down, and those about exporters.
RECORDED, DOWN, VLLM = "llm:requests_running", "up == 0", "vllm:num_requests_running{"

NO_SAMPLES = "/api/v1/query: expected samples, got "


def read(host: str, window: str | None = None) -> Reading:
    async def run() -> Reading:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            return await PrometheusReader(Prometheus(f"http://{host}", session), window).read()

    return asyncio.run(run())


def prometheus(answers: dict[str, list[dict[str, object]] | int], asked: list[str] | None = None) -> Answer:  # fmt: skip
    """Answer a question that holds some text with samples, or refuse it; any other with none."""

    async def answer(request: web.Request) -> web.StreamResponse:
        query = str((await request.post())["query"])
        if asked is not None:
            asked.append(query)
        found = next((found for holds, found in answers.items() if holds in query), [])
        if isinstance(found, int):
            return web.json_response({"status": "error", "errorType": "x", "error": "too\nmuch"}, status=found)  # fmt: skip
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": found}})  # fmt: skip

    return answer


def sample(value: str, **labels: str) -> dict[str, object]:
    return {"metric": labels, "value": [0, value]}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refusal(503, "starting"), "/api/v1/query: status 503, and no JSON"),
        (refusal(401, ""), "/api/v1/query: status 401, and no JSON"),
        (text(lambda: "<html>"), "/api/v1/query: status 200, and no JSON"),
        (text(lambda: "[]"), "/api/v1/query: status 200: []"),
        (text(lambda: '{"status": "success"}'), "/api/v1/query: expected data, got "),
        (text(lambda: '{"status": "success", "data": {}}'), NO_SAMPLES),
        (text(lambda: '{"status": "success", "data": {"result": [{"metric": 1}]}}'), NO_SAMPLES),
        (prometheus({"": 422}), "/api/v1/query: status 422: too much"),
    ],
)
def test_what_is_wrong_is_told(answer: Answer, told: str, served: Servers) -> None:
    """In one line, with nothing to show."""
    host = served.serve(answer)
    found = read(host)
    (problem,) = found.problems

    assert found.is_empty
    assert f"http://{host}" == problem.server
    assert problem.text.startswith(told)
    assert "\n" not in problem.text


@pytest.mark.parametrize("window", [None, "1m"])
def test_one_that_is_not_there(window: str | None) -> None:
    """Is told once, not for each question."""
    (problem,) = read(f"127.0.0.1:{free_port()}", window).problems

    assert "/api/v1/query: cannot be reached: Connection refused" == problem.text


def test_a_question_that_is_refused(served: Servers) -> None:
    """Leaves out what it is about, and the rest is shown."""
    running = sample("3", model_name="m", figure="running")
    host = served.serve(prometheus({RECORDED: [], DOWN: 422, "sglang:": 422, "DCGM": 422, VLLM: [running]}))  # fmt: skip
    found = read(host, window="1m")

    assert [("vllm", 3.0)] == [(row.source, row.figures[Figure.RUNNING]) for row in found.rows]
    assert "sglang: /api/v1/query: status 422: too much" in [each.text for each in found.problems]
    assert "which are down: /api/v1/query: status 422: too much" in [
        each.text for each in found.problems
    ]
    assert "GPUs: /api/v1/query: status 422: too much" in [each.text for each in found.problems]


def test_what_rules_have_recorded_is_asked_of_nobody_else(served: Servers) -> None:
    """Questions to exporters cost with each replica; a given window is one that rules have not."""
    asked: list[str] = []
    recorded = sample("3", source="vllm", role="engine", model="m", figure="running")
    host = served.serve(prometheus({RECORDED: [recorded]}, asked))
    found = read(host)

    assert [("vllm", "m", {Figure.RUNNING: 3.0})] == [(row.source, row.model, row.figures) for row in found.rows]  # fmt: skip
    assert "rates over 5m, as llmdash's rules record them" == found.over
    assert not any(VLLM in query for query in asked)
    assert any("rate(sglang:" in query for query in asked)
    asked.clear()
    assert "rates over 90s of exporters" == read(host, window="90s").over
    assert not any("llm:" in query.replace("vllm:", "") for query in asked)
    assert any("rate(vllm:generation_tokens_total{model_name!=\"\"}[90s])" in query for query in asked)  # fmt: skip


def test_strange_samples_are_passed_over(served: Servers) -> None:
    """Of a role, a figure or a model that is not known."""
    strange = [
        sample("1", source="x", role="load", model="m", figure="running"),
        sample("1", source="x", role="engine", model="m", figure="other"),
        sample("1", source="x", role="engine", figure="running"),
    ]

    unmarked = [sample("1", model_name="m"), sample("1", figure="running"), sample("NaN")]
    everywhere = prometheus({RECORDED: strange, DOWN: [], "": unmarked})

    assert () == read(served.serve(everywhere)).rows


def test_servers_that_are_down(served: Servers) -> None:
    """Are named one by one, in an order that stays."""
    down = [sample("0", job="vllm", instance=f"inn:{number}") for number in (2, 1)]
    found = read(served.serve(prometheus({DOWN: down})))

    assert ["vllm inn:1: down, says Prometheus", "vllm inn:2: down, says Prometheus"] == [f"{each.server}: {each.text}" for each in found.problems]  # fmt: skip


def test_scrapes_that_are_too_far_apart(served: Servers) -> None:
    """Gauges without any rate: it is told what would help."""
    running = sample("3", model_name="m", figure="running")
    found = read(served.serve(prometheus({RECORDED: [], VLLM: [running]})))

    assert ["vllm: no rates over 1m; if it stays so, scrapes are too far apart: --window 5m"] == [f"{each.server}: {each.text}" for each in found.problems]  # fmt: skip


def test_answers_are_json_numbers(served: Servers) -> None:
    """NaN and infinity are written as words there."""
    words = [sample(word, model_name="m", figure="running") for word in ("NaN",)]
    found = read(served.serve(prometheus({RECORDED: [], VLLM: words})))

    assert json.dumps(found.rows[0].figures[Figure.RUNNING]) == "NaN"
