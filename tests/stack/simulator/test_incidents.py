"""Incidents: how they are said, whom they befall, and what a crash leaves."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from llmstack.simulator.conditions import SOUND, Conditions
from llmstack.simulator.control import Control
from llmstack.simulator.incidents import KINDS, Incident, Incidents, known_incidents, read_incident
from tests.stack.simulator.served import Client, character, fleet, until

ASKED = {"prompt": [1, 2], "max_tokens": 2}


@pytest.mark.parametrize(
    ("text", "incident"),
    [
        ("kv-exhaustion@60+300", Incident("kv-exhaustion", 60.0, 300.0)),
        (" hang@0+2.5:0 ", Incident("hang", 0.0, 2.5, 0)),
    ],
)
def test_an_incident_is_a_line(text: str, incident: Incident) -> None:
    """Its name, when it begins, how long it lasts, and which replica it befalls."""
    assert incident == read_incident(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hang", "expected NAME@START\\+SECONDS or NAME@START\\+SECONDS:REPLICA, got 'hang'"),
        ("hnag@1+2", "no incident is called hnag; the nearest is hang"),
        ("hang@1+0", "hang: expected a start from 0 and seconds above 0"),
    ],
)
def test_what_is_no_incident_is_told(text: str, told: str) -> None:
    """With what was expected."""
    with pytest.raises(ValueError, match=told):
        read_incident(text)


@pytest.mark.parametrize(
    ("name", "conditions"),
    [
        ("slow-prefill", Conditions(prefill=50.0)),
        ("kv-exhaustion", Conditions(withheld=0.95)),
        ("hang", Conditions(hangs_until=30.0)),
        ("errors", Conditions(failing=0.5)),
        ("crash", SOUND),
        ("bad-replica", Conditions(step=5.0)),
    ],
)
def test_an_incident_holds_from_its_start_to_its_end(name: str, conditions: Conditions) -> None:
    """Before and after nothing is wrong; one that names no replica befalls all, but a bad one."""
    incidents = Incidents([Incident(name, 10.0, 20.0)], replicas=3)
    first = SOUND if name == "bad-replica" else conditions

    assert [SOUND, conditions, conditions, SOUND] == [incidents.at(2, at) for at in (9.9, 10.0, 29.9, 30.0)]  # fmt: skip
    assert first == incidents.at(0, 20.0)


def test_incidents_at_once_are_worse() -> None:
    """Two that make the same slow make it slower."""
    twice = Incidents([Incident("bad-replica", 0, 9, 1), Incident("bad-replica", 0, 9, 1)], 2)

    assert (SOUND, Conditions(step=25.0)) == (twice.at(0, 1.0), twice.at(1, 1.0))


def test_a_replica_that_is_not_there_is_told() -> None:
    """They are counted from 0."""
    with pytest.raises(ValueError, match="hang: replica 3 of 3; they are counted from 0"):
        Incidents([Incident("hang", 0, 1, 3)], 3)


def test_all_are_listed() -> None:
    """Each with what it does."""
    assert list(KINDS) == [line.split()[0] for line in known_incidents().splitlines()]


def test_a_crash_breaks_connections_and_a_fresh_server_comes() -> None:
    """At the same port, counting from 0, and started later; the other replica goes on."""

    async def tell() -> None:
        async with fleet(character(), 2) as made, aiohttp.ClientSession() as session:
            first, second = (Client(made, session, number) for number in (0, 1))
            for client in (first, second):
                await client.post("/v1/completions", ASKED)
            started = await first.total("process_start_time_seconds")
            url = second.house.address() + "/simulator/incidents"
            asked = {"name": "crash", "seconds": 0.2, "replica": 0}
            async with session.post(url, json=asked) as answer:
                assert (201, 0) == (answer.status, (await answer.json())["replica"])
            await until(lambda: first.house.replica is None)
            _, state = await second.get("/simulator/state")
            assert [False, True] == [each["is_up"] for each in json.loads(state)["replicas"]]
            await until(lambda: first.house.replica is not None)
            await until(lambda: answers(first))
            assert 0 == await first.total("vllm:request_success_total")
            assert 1 == await second.total("vllm:request_success_total")
            assert started < await first.total("process_start_time_seconds")

    asyncio.run(tell())


async def answers(client: Client) -> bool:
    try:
        return (await client.get("/health"))[0] == 200
    except aiohttp.ClientError:
        return False


def test_a_hanging_server_takes_requests_and_shows_them() -> None:
    """No token comes, and /metrics and /health answer."""

    async def tell() -> None:
        incidents = [Incident("hang", 0.0, 10_000.0)]
        async with fleet(character(), 1, incidents) as made, aiohttp.ClientSession() as session:
            client = Client(made, session)
            asking = asyncio.create_task(client.post("/v1/completions", ASKED))
            await until(lambda: made.state()["replicas"][0]["waiting"] == 1)
            assert 1 == await client.total("vllm:num_requests_waiting")
            assert 0 == await client.total("vllm:generation_tokens_total")
            assert 200 == (await client.get("/health"))[0]
            asking.cancel()

    asyncio.run(tell())


@pytest.mark.parametrize(
    ("remote", "status"),
    [("127.0.0.1", 200), ("127.8.8.8", 200), ("::1", 200), ("192.0.2.7", 403), ("", 403)],
)
def test_only_this_machine_may_ask(remote: str, status: int) -> None:
    """A server may listen to all, and its incidents are nobody else's business."""
    asked = make_mocked_request("GET", "/simulator/state").clone(remote=remote)
    router = web.UrlDispatcher()
    Control(lambda incident: incident, dict).add_to(router)

    async def tell() -> int:
        found = await router.resolve(asked)
        return (await found.handler(asked)).status

    assert status == asyncio.run(tell())


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"name": "hang"}, "seconds: expected a number of seconds, got None"),
        ({"name": "hang", "seconds": 5, "replica": 4}, "hang: replica 4 of 1; they are counted from 0"),
        ({"name": "hang", "seconds": 5, "replica": "x"}, "replica: expected a number from 0, got 'x'"),
        ({"name": "hnag", "seconds": 5}, "no incident is called hnag; the nearest is hang"),
        ([], "expected an object"),
    ],
)  # fmt: skip
def test_an_incident_that_cannot_be_is_refused(body: object, told: str) -> None:
    """With what is wrong, and nothing begins."""

    async def tell() -> tuple[int, object]:
        async with fleet(character()) as made, aiohttp.ClientSession() as session:
            found = await Client(made, session).post("/simulator/incidents", body)
            assert [] == made.state()["incidents"]
            return found

    assert (400, {"error": told}) == asyncio.run(tell())
