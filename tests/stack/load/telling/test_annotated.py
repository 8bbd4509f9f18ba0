"""A run is a region in Grafana: marked when it begins, and ended when it does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmstack.errors import ConfigurationError
from llmstack.load.results import Document
from llmstack.load.telling.annotated import Annotated
from tests.stack.load.made import answered, failed, results
from tests.stack.load.telling.test_figures import job
from tests.stack.load.telling.told_servers import Answer, ToldServer, grafana, told_server

FOUND = results(answered(), answered(), failed())


def annotated(answer: Answer = grafana, token: str = "glsa_x", found: Document = FOUND) -> tuple[ToldServer, Annotated]:  # fmt: skip
    async def run(url: str) -> Annotated:
        made = Annotated(f"{url}/sub/", token)
        await made.begin(job(), "r7")
        await made.end(found)
        return made

    with told_server(answer) as told:
        return told, asyncio.run(run(told.url))


def test_a_run_becomes_a_region() -> None:
    """A moment when it begins, with its tags; its end and what came of it are added."""
    told, made = annotated()
    begin, end = told.requests
    text = begin.json["text"]

    assert ("POST", "/sub/api/annotations") == (begin.method, begin.path)
    assert ("PATCH", "/sub/api/annotations/17") == (end.method, end.path)
    assert ["llmdash", "load", "m", "r7"] == begin.json["tags"]
    assert text.startswith("llmstack load inn: poisson arrivals at 3/s")
    assert f"{text}: 2 answered, 1 failed, 0.20 requests/s" == end.json["text"]
    assert begin.json["time"] <= end.json["timeEnd"]
    assert "" == made.problem


@pytest.mark.parametrize(("token", "expected"), [("glsa_x", "Bearer glsa_x"), ("", None)])
def test_the_token_of_the_environment_is_shown(token: str, expected: str | None) -> None:
    """Where there is none, nothing pretends to be one."""
    told, _ = annotated(token=token)

    assert [expected, expected] == [each.headers.get("Authorization") for each in told.requests]


@pytest.mark.parametrize(
    ("facts", "ends"),
    [
        ({"is_interrupted": True}, "; interrupted"),
        ({"problem": "no file"}, "; not to be trusted"),
    ],
)
def test_the_end_says_what_to_make_of_it(facts: dict[str, Any], ends: str) -> None:
    """Who looks at the graph has not seen the report."""
    told, _ = annotated(found=results(answered(), **facts))

    assert told.requests[1].json["text"].endswith(ends)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((403, b'{"message": "Permission denied"}'), '--annotate: POST /api/annotations: 403 {"message": "Permission denied"}'),
        ((302, b""), "--annotate: POST /api/annotations: 302"),
        ((200, b"<!doctype html>log in"), "--annotate: expected an id, as Grafana answers with"),
    ],
)  # fmt: skip
def test_where_the_begin_was_not_told_there_is_no_end(
    answer: tuple[int, bytes], problem: str
) -> None:
    """It is said why, once."""
    told, made = annotated(lambda _: answer)

    assert (1, problem) == (len(told.requests), made.problem)


def test_an_end_that_fails_is_told() -> None:
    """The moment of the begin stays."""
    _, made = annotated(lambda asked: grafana(asked) if asked.method == "POST" else (500, b"no"))

    assert "--annotate: PATCH /api/annotations/17: 500 no" == made.problem


def test_nobody_there_is_told() -> None:
    """And no exception."""

    async def run(url: str) -> Annotated:
        made = Annotated(url, "")
        await made.begin(job(), "r7")
        await made.end(FOUND)
        return made

    with told_server() as told:
        gone = told.url

    assert asyncio.run(run(gone)).problem.startswith("--annotate: POST /api/annotations: ")


@pytest.mark.parametrize("url", ["", "inn"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """Also where the environment has none."""
    with pytest.raises(ConfigurationError, match="or GRAFANA_URL in the environment"):
        Annotated(url, "")
