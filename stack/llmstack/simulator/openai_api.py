"""The OpenAI-compatible server: chat, completions, models, and what vLLM has beside them."""

from __future__ import annotations

import time
from functools import partial
from uuid import UUID

from aiohttp import web

from llmstack.simulator.failures import RefusedError
from llmstack.simulator.openai_answers import Wording, error
from llmstack.simulator.openai_request import Asked, read_asked
from llmstack.simulator.replica import Question, Replica
from llmstack.simulator.request import Request
from llmstack.simulator.sending import NextPiece, streamed, whole


class OpenAiApi:
    """What one replica answers."""

    def __init__(self, replica: Replica) -> None:
        """Remember whom it speaks for."""
        self._replica = replica

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add its paths."""
        router.add_post("/v1/chat/completions", partial(self._asked, is_chat=True))
        router.add_post("/v1/completions", partial(self._asked, is_chat=False))
        router.add_get("/v1/models", self._models)
        for path in ("/health", "/ping"):
            router.add_get(path, self._health)
        router.add_get("/version", self._version)

    @staticmethod
    def error(status: int, message: str) -> web.Response:
        """Return an error that is not about what a request asks for, as FastAPI words it."""
        return web.json_response({"detail": message}, status=status)

    async def _health(self, request: web.Request) -> web.Response:
        del request
        return web.Response()

    async def _version(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"version": self._replica.character.version})

    async def _models(self, request: web.Request) -> web.Response:
        del request
        character = self._replica.character
        model = {
            "id": character.model,
            "object": "model",
            "created": int(self._replica.started),
            "owned_by": character.played.name,
            "root": character.model,
            "parent": None,
            "max_model_len": character.limits.model_length,
            "permission": [],
        }
        return web.json_response({"object": "list", "data": [model]})

    async def _asked(self, request: web.Request, *, is_chat: bool) -> web.StreamResponse:
        begun = self._replica.driver.now
        try:
            model = self._replica.character.model
            asked = read_asked(await request.read(), model, is_chat=is_chat)
            if asked.is_stream:
                return await self._streamed(request, asked, begun)
            return await self._whole(asked, begun)
        except RefusedError as refused:
            told = error(refused.status, str(refused), refused.about, refused.kind)
            return web.json_response(told, status=refused.status)

    async def _whole(self, asked: Asked, begun: float) -> web.Response:
        request = await whole(self._replica, Question(asked.prompt, asked.wanted, begun))
        return web.json_response(self._wording(request, asked).whole(request))

    async def _streamed(
        self, client: web.Request, asked: Asked, begun: float
    ) -> web.StreamResponse:
        def pieces(request: Request) -> NextPiece:
            return _pieces(self._wording(request, asked), request)

        return await streamed(
            self._replica, client, Question(asked.prompt, asked.wanted, begun), pieces
        )

    def _wording(self, request: Request, asked: Asked) -> Wording:
        replica = self._replica
        # Unlike others of this run, and the same in the next.
        number = (replica.character.seed << 64) + (replica.number << 32) + request.id
        name = f"{'chatcmpl' if asked.is_chat else 'cmpl'}-{UUID(int=number % (1 << 128)).hex}"
        return Wording(name, int(time.time()), replica.character.model, asked)


def _pieces(wording: Wording, request: Request) -> NextPiece:
    """Return what makes the bytes of each token in turn."""
    last, count = request.answer_tokens - 1, 0
    events: tuple[bytes, ...] = () if wording.asked.has_running_usage else wording.pieces()
    place, step = request.id * 7, 1 + request.id % 5

    def next_piece() -> bytes:
        nonlocal count
        number = count
        count += 1
        if 0 < number < last and events:
            return events[(place + number * step) % len(events)]
        data = wording.piece(request, number, is_last=number == last)
        if number == 0:
            data = wording.begin() + data
        return data + wording.end(request) if number == last else data

    return next_piece
