"""What a view is read from: a Prometheus that answers, one that does not, and panels asked until they have data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
from aiohttp import web

from llmstack.demo.panels import Panel
from llmstack.demo.traffic import Traffic
from llmstack.demo.view import Reader
from llmstack.prometheus import Prometheus

PANELS = (Panel("Fleet", "a", ("no", "yes")), Panel("Fleet", "b", ("no",)), Panel("GPU", "c", ("yes",)))  # fmt: skip


class FakePrometheus:
    """Knows a few answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_broken = False

    async def query(self, request: web.Request) -> web.Response:
        query = str((await request.post())["query"])
        self.asked.append(query)
        samples: list[dict[str, Any]] = []
        if "slo_objective" in query:
            samples = [{"metric": {"slo": name}, "value": [0, "0.99"]} for name in ("ttft", "up")]
        elif "slo_good" in query:
            samples = [{"metric": {"slo": "ttft"}, "value": [0, "0.5"]}]
        elif query == "yes" or "generation_tokens" in query:
            samples = [{"metric": {}, "value": [0, "7"]}]
        return self.answer({"resultType": "vector", "result": samples})

    async def targets(self, _: web.Request) -> web.Response:
        return self.answer({"activeTargets": [{"health": "up"}, {"health": "down"}]})

    async def alerts(self, _: web.Request) -> web.Response:
        def alert(name: str, state: str) -> dict[str, Any]:
            return {"labels": {"alertname": name, "severity": "critical"}, "state": state, "annotations": {"summary": name.lower()}}  # fmt: skip

        return self.answer({"alerts": [alert("B", "pending"), alert("C", "firing"), alert("A", "pending")]})  # fmt: skip

    def answer(self, data: dict[str, Any]) -> web.Response:
        if self.is_broken:
            return web.Response(status=503, text="starting")
        return web.json_response({"status": "success", "data": data})


def read(work: Callable[[FakePrometheus, Reader], Coroutine[Any, Any, None]]) -> None:
    """Do something with a reader of a fake Prometheus."""

    async def run() -> None:
        fake, app = FakePrometheus(), web.Application()
        app.router.add_post("/api/v1/query", fake.query)
        app.router.add_get("/api/v1/targets", fake.targets)
        app.router.add_get("/api/v1/alerts", fake.alerts)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as session:
            reader = Reader(Prometheus(url, session), PANELS, Traffic(url, session), "crash")
            await work(fake, reader)
        await runner.cleanup()

    asyncio.run(run())


def test_a_view() -> None:
    """Figures that are there, promises with and without events, alerts with those that fire first."""

    async def work(_: FakePrometheus, reader: Reader) -> None:
        view = await reader.look()

        assert (1, 2) == view.targets
        assert 7.0 == view.figures[0][2]
        assert None is view.figures[1][2]
        assert [("ttft", 0.5), ("up", None)] == [(each.name, each.good) for each in view.promises]
        assert ["C", "A", "B"] == [alert.name for alert in view.alerts]
        assert "" == view.problem

    read(work)


def test_panels_are_asked_until_they_have_data() -> None:
    """One of its queries is enough; what has had data is not asked again."""

    async def work(fake: FakePrometheus, reader: Reader) -> None:
        await reader.ask_panels()
        first = (await reader.look()).panels
        fake.asked.clear()
        await reader.ask_panels()

        assert {"Fleet": (1, 2), "GPU": (1, 1)} == first
        assert ["no"] == fake.asked

    read(work)


def test_a_prometheus_that_does_not_answer() -> None:
    """Is told, and the rest is shown."""

    async def work(fake: FakePrometheus, reader: Reader) -> None:
        fake.is_broken = True
        await reader.ask_panels()
        view = await reader.look()

        assert "/api/v1/targets" in view.problem
        assert {"Fleet": (0, 2), "GPU": (0, 1)} == view.panels

    read(work)
