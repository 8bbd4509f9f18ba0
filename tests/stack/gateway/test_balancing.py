"""Several engines: which is asked, and which is left alone."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from tests.stack.gateway.clients import asking
from tests.stack.gateway.conftest import Make
from tests.stack.gateway.engine import FakeEngine, hangs, stream

ASK: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "Hello."}]}


async def is_broken(
    engine: FakeEngine, request: web.Request, body: dict[str, Any]
) -> web.StreamResponse:
    del engine, request, body
    return web.json_response({"error": {"message": "boom"}}, status=500)


def test_another_engine_answers_where_one_cannot_be_reached(make: Make) -> None:
    """Nothing has begun, so it may be asked of another; the client sees no difference."""
    setup = make(engines=2)
    gone = setup.gateway.pool.upstreams[0]
    gone.url = "http://127.0.0.1:9"
    answers = [setup.post(ASK).status_code for _ in range(4)]

    assert [200] * 4 == answers
    setup.ended(ok=4)


def test_the_idle_engine_is_asked(make: Make) -> None:
    """While one is busy the other has everything."""
    setup = make(engines=2)
    for engine in setup.engines:
        engine.answer = hangs
    held = [asking(setup, ASK) for _ in range(6)]
    try:
        setup.until(lambda: [engine.running for engine in setup.engines] == [3, 3])
    finally:
        for each in held:
            each.close()
    setup.ended(cancelled=6)


def test_an_engine_that_fails_is_left_alone_for_a_while(make: Make) -> None:
    """After three failures in a row the other has everything, though the first is called well."""
    setup = make(engines=2)
    setup.engines[0].answer = is_broken
    for _ in range(20):
        setup.post(ASK)

    assert 3 <= len(setup.engines[0].bodies) <= 5
    assert 15 <= len(setup.engines[1].bodies)


def test_nobody_there(make: Make) -> None:
    """An engine that never was: the gateway runs, and says so."""
    setup = make(upstreams=("http://127.0.0.1:9",))

    assert 503 == setup.post(ASK).status_code
    setup.ended(error=1)


def test_an_engine_that_goes(make: Make) -> None:
    """It was well a moment ago: no connection is an error of the engine, and the client is told."""
    setup = make(health_interval=60.0)
    setup.gateway.pool.upstreams[0].url = "http://127.0.0.1:9"

    assert 502 == setup.post(ASK).status_code
    setup.ended(error=1)
    assert 1 == setup.value("gateway_upstream_errors_total", kind="connect")


def test_connections_serve_one_stream_after_the_other(make: Make) -> None:
    """Though the formal end of each comes after its last event, when nobody waits for it any more."""
    setup, found = make(health_interval=60.0), set()

    async def ends_late(
        engine: FakeEngine, request: web.Request, body: dict[str, Any]
    ) -> web.StreamResponse:
        assert request.transport is not None
        found.add(request.transport.get_extra_info("peername"))
        response = await stream(engine, request, body)
        await asyncio.sleep(0.01)
        return response

    setup.engines[0].answer = ends_late
    for count in range(1, 6):
        assert setup.post({**ASK, "stream": True}).text.endswith("data: [DONE]\n\n")
        setup.ended(ok=count)
        setup.until(lambda: setup.gateway.relay.client.idle == 1)

    assert 1 == len(found)
