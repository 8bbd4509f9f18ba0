"""Where one replica is served: its ports, which outlive a crash, and what is answered there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Handler

from llmstack.errors import ListenError
from llmstack.simulator.control import Control
from llmstack.simulator.engines import Speaks
from llmstack.simulator.openai_api import OpenAiApi
from llmstack.simulator.page import Answered
from llmstack.simulator.replica import Replica
from llmstack.simulator.triton_api import TritonApi

#: Bytes of a body; vLLM sets no bound, and prompts of a million tokens are played too.
LONGEST_BODY = 64 << 20
#: Seconds that answers under way are given when the simulator ends.
GRACE = 1.0

#: What clients may say.
Api = OpenAiApi | TritonApi
APIS: dict[Speaks, Callable[[Replica], Api]] = {
    Speaks.OPENAI: OpenAiApi,
    Speaks.TRITON: TritonApi,
}

#: Makes the next server at a place, by how many were there before it.
MakeReplica = Callable[[int], Replica]


class House:
    """The place of one replica."""

    def __init__(
        self, make: MakeReplica, control: Control, host: str, port: int, metrics_port: int
    ):
        """Remember what is served where.

        Args:
            make: makes the next server.
            control: what may be told to the simulator.
            host: where it listens.
            port: where clients ask.
            metrics_port: where /metrics is, for kinds that have a port of its own for it.
        """
        self._make, self._control, self._host = make, control, host
        self._ports = {"port": port, "metrics_port": metrics_port}
        self._life = 0
        self._runners: list[web.AppRunner] = []
        self.replica: Replica | None = None

    def address(self, which: str = "port") -> str:
        """Return where it listens."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._ports[which]}"

    async def open(self) -> None:
        """Start a server.

        Raises:
            ListenError: a port cannot be had.
        """
        self.replica = replica = self._make(self._life)
        self._life += 1
        app = self._application(replica)
        apps = {"port": app}
        if replica.character.played.has_metrics_port:
            apps["metrics_port"] = web.Application()
        _add_metrics(apps.get("metrics_port", app), replica)
        try:
            await self._serve(apps)
        except BaseException:
            await self.close()
            raise

    async def _serve(self, apps: dict[str, web.Application]) -> None:
        for which, each in apps.items():
            runner = web.AppRunner(
                each, handler_cancellation=True, access_log=None, shutdown_timeout=GRACE
            )
            self._runners.append(runner)
            await runner.setup()
            await self._listen(runner, which)

    async def _listen(self, runner: web.AppRunner, which: str) -> None:
        site = web.TCPSite(runner, self._host, self._ports[which], backlog=4096)
        try:
            await site.start()
        except OSError as error:
            raise ListenError(
                f"SIMULATOR_HOST, SIMULATOR_{which.upper()}: cannot listen at "
                f"{self._host}:{self._ports[which]} ({error.strerror or error}); name another port"
            ) from error
        # The port is known where 0 was asked for, and kept after a crash.
        self._ports[which] = runner.addresses[0][1]

    async def close(self) -> None:
        """End the server; what is being answered is given a moment."""
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        if self.replica is not None:
            self.replica.close()
            self.replica = None

    async def crash(self) -> None:
        """Take the server away at once: connections break, and what it counted is lost."""
        if self.replica is None:
            return
        self.replica.close()
        self.replica = None
        runners, self._runners = self._runners, []
        for runner in runners:
            for connection in runner.server.connections if runner.server else ():
                if connection.transport is not None:
                    connection.transport.abort()
        await asyncio.gather(*(runner.cleanup() for runner in runners))

    def _application(self, replica: Replica) -> web.Application:
        api = APIS[replica.character.played.speaks](replica)
        measure = partial(_measured, replica, api)
        app = web.Application(client_max_size=LONGEST_BODY, middlewares=[web.middleware(measure)])
        api.add_to(app.router)
        self._control.add_to(app.router)
        return app


async def _measured(
    replica: Replica, api: Api, request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Answer a request, and count it."""
    begun = replica.driver.now
    status = 200
    size = 0
    try:
        response = await handler(request)
        status = response.status
        # Of a stream it says 0.
        size = response.content_length or 0
        return response
    except web.HTTPException as error:
        status = error.status
        return api.error(error.status, error.reason)
    finally:
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else "none"
        if not path.startswith(Control.PREFIX):
            took = replica.driver.now - begun
            read = request.content_length or 0
            replica.page.answered(Answered(path, request.method, status, took, read, size))


def _add_metrics(app: web.Application, replica: Replica) -> None:
    async def show(request: web.Request) -> web.Response:
        del request
        body = replica.page.text().encode()
        return web.Response(body=body, headers={"Content-Type": replica.page.content_type})

    app.router.add_get(replica.page.path, show)
