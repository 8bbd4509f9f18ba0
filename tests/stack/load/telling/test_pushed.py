"""Pushes to a Pushgateway, by its protocol; what fails is told in a line and ends nothing."""

from __future__ import annotations

import asyncio
import platform

import pytest

from llmstack.errors import ConfigurationError
from llmstack.load.telling.pushed import EVERY, Pushed
from tests.stack.load.telling.told_servers import Request, ToldServer, told_server


def pushed(told: ToldServer, url: str = "", seconds: tuple[float, ...] = ()) -> Pushed:
    """What came of a run whose intervals ended then."""

    async def run() -> Pushed:
        made = Pushed(url or told.url)
        texts = (f"sent {number}\n".encode() for number in range(99))
        await made.begin(lambda: next(texts))
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        for at in seconds:
            made.second(at)
            # A push is a task of its own.
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        await made.end()
        return made

    return asyncio.run(run())


def test_a_group_is_replaced_as_the_protocol_says() -> None:
    """PUT, for the host: the next run of a client takes the place of the last one."""
    with told_server(lambda _: (202, b"")) as told:
        made = pushed(told)
    group = f"/metrics/job/llmstack_load/instance/{platform.node()}"

    # From zero at the begin, and to the last value at the end.
    assert [("PUT", group, b"sent 0\n"), ("PUT", group, b"sent 1\n")] == [
        (each.method, each.path, each.body) for each in told.requests
    ]
    assert told.requests[0].headers["Content-Type"].startswith("text/plain")
    assert "" == made.problem


def test_a_group_can_be_named() -> None:
    """Two clients on one host need two."""
    with told_server() as told:
        pushed(told, f"{told.url}/metrics/job/inn/instance/north")

    assert {"/metrics/job/inn/instance/north"} == {each.path for each in told.requests}


def test_it_pushes_every_few_seconds() -> None:
    """However short the intervals of a run are; and at its begin and end."""
    with told_server() as told:
        pushed(told, seconds=(1.0, EVERY, EVERY + 1, 2 * EVERY))

    assert [f"sent {number}\n".encode() for number in range(4)] == [
        each.body for each in told.requests
    ]


def test_failures_are_told_in_a_line() -> None:
    """How many, and what the last one said."""

    def answer(request: Request) -> tuple[int, bytes]:
        return (400, b"pushed metrics are\ninvalid") if request.body == b"sent 1\n" else (200, b"")

    with told_server(answer) as told:
        made = pushed(told, seconds=(EVERY,))

    assert (
        "--push-url: 1 of 3 pushes failed, the last with 400 pushed metrics are invalid"
        == made.problem
    )


def test_nobody_there_is_told_in_a_line() -> None:
    """And no exception."""
    with told_server() as told:
        gone = told.url
    made = pushed(told, gone)

    assert made.problem.startswith("--push-url: 2 of 2 pushes failed, the last with ")
    assert "\n" not in made.problem


@pytest.mark.parametrize("url", ["inn:9091", "ftp://inn", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"expected http\(s\)://host:port"):
        Pushed(url)


def test_a_password_is_not_repeated() -> None:
    """Where an address is told, what stands in it for the server alone is left out."""
    with pytest.raises(ConfigurationError) as told:
        Pushed("gopher://inn:keeper@barn")

    assert "keeper" not in str(told.value)
    assert "gopher://…@barn" in str(told.value)
