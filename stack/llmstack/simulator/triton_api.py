"""Triton's HTTP server as clients of language models use it: health, generate, stream and infer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from aiohttp import web

from llmstack.simulator import prompts
from llmstack.simulator.answers import WORDS, text, word
from llmstack.simulator.failures import RefusedError
from llmstack.simulator.openai_answers import event
from llmstack.simulator.replica import Question, Replica, Wanted
from llmstack.simulator.request import Request
from llmstack.simulator.sending import NextPiece, streamed, whole
from llmstack.simulator.triton_core import MODEL_VERSION
from llmstack.simulator.triton_tensors import Inputs, output, read_generate, read_infer
from llmstack.simulator.triton_trtllm_page import ENGINE_MODEL

#: What vLLM writes where a request does not say how much.
USUAL_TOKENS = 16
#: What Triton 2.51 says, with status 501.
_DECOUPLED = "HTTP end point doesn't support models with decoupled transaction policy"


@dataclass(frozen=True)
class _Asked:
    """One request to one model."""

    model: str
    inputs: Inputs
    question: Question
    #: What stands before the answer.
    before: str = ""

    @property
    def is_stream(self) -> bool:
        """Whether each token is to be an event; the engine of token ids has another name for it."""
        if self.model == ENGINE_MODEL:
            return bool(self.inputs.first("streaming"))
        return bool(self.inputs.first("stream") or self.inputs.parameters.get("stream"))


class TritonApi:
    """What one replica answers."""

    def __init__(self, replica: Replica) -> None:
        """Remember whom it speaks for."""
        self._replica = replica
        model = replica.character.model
        self._is_vllm = replica.character.played.name == "triton-vllm"
        #: Those that can be asked; the steps of an ensemble beside its engine are not played.
        self._models = (model,) if self._is_vllm else (model, ENGINE_MODEL)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add its paths."""
        for path in ("/v2/health/live", "/v2/health/ready"):
            router.add_get(path, self._healthy)
        router.add_get("/v2", self._server)
        router.add_post("/v2/repository/index", self._index)
        for model in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
            router.add_get(model, self._model)
            router.add_get(f"{model}/ready", self._ready)
            router.add_post(f"{model}/generate", self._generate)
            router.add_post(f"{model}/generate_stream", self._generate_stream)
            router.add_post(f"{model}/infer", self._infer)

    @staticmethod
    def error(status: int, message: str) -> web.Response:
        """Return an error."""
        return web.json_response({"error": message}, status=status)

    async def _healthy(self, request: web.Request) -> web.Response:
        del request
        return web.Response()

    async def _server(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"name": "triton", "version": self._replica.character.version})

    async def _index(self, request: web.Request) -> web.Response:
        del request
        told = {"version": MODEL_VERSION, "state": "READY", "reason": ""}
        return web.json_response([{"name": model, **told} for model in self._models])

    async def _ready(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if request.match_info["model"] in self._models else 400)

    async def _model(self, request: web.Request) -> web.Response:
        try:
            model = self._served(request)
        except RefusedError as refused:
            return self.error(refused.status, str(refused))
        platform = "vllm" if self._is_vllm else "tensorrtllm"
        told = {"name": model, "versions": [MODEL_VERSION], "platform": platform}
        return web.json_response(told)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        begun = self._replica.driver.now
        try:
            asked = self._read(request, read_generate(await request.read()), begun)
            if asked.is_stream:
                raise RefusedError(
                    400, "generate expects model to produce exactly 1 response, use generate stream"
                )
            found = await whole(self._replica, asked.question)
        except RefusedError as refused:
            return self.error(refused.status, str(refused))
        return web.json_response(self._all_said(asked, found))

    async def _generate_stream(self, request: web.Request) -> web.StreamResponse:
        begun = self._replica.driver.now
        try:
            asked = self._read(request, read_generate(await request.read()), begun)
            if not asked.is_stream:
                found = await whole(self._replica, asked.question)
                said = self._all_said(asked, found)
                return web.Response(body=event(said), content_type="text/event-stream")
            return await streamed(
                self._replica,
                request,
                asked.question,
                lambda begun: self._pieces(begun, asked),
            )
        except RefusedError as refused:
            return self.error(refused.status, str(refused))

    async def _infer(self, request: web.Request) -> web.StreamResponse:
        begun = self._replica.driver.now
        header = request.headers.get("Inference-Header-Content-Length")
        try:
            if self._is_vllm:
                # Its backend always streams, and says so in its configuration.
                self._served(request)
                raise RefusedError(501, _DECOUPLED)
            asked = self._read(request, read_infer(await request.read(), header), begun)
            found = await whole(self._replica, asked.question)
        except RefusedError as refused:
            return self.error(refused.status, str(refused))
        length = found.generated
        if asked.model == ENGINE_MODEL:
            outputs = [
                output("output_ids", "INT32", [1, 1, length], _ids(found.id, range(length))),
                output("sequence_length", "INT32", [1, 1], [length]),
            ]
        else:
            outputs = [output("text_output", "BYTES", [1], [asked.before + text(found.id, length)])]
        told = {"model_name": asked.model, "model_version": MODEL_VERSION, "outputs": outputs}
        return web.json_response({**told, **({"id": asked.inputs.id} if asked.inputs.id else {})})

    # --- reading ---------------------------------------------------------------------------------

    def _served(self, request: web.Request) -> str:
        model = request.match_info["model"]
        version = request.match_info.get("version", MODEL_VERSION)
        if model not in self._models:
            raise RefusedError(404, f"Request for unknown model: '{model}' is not found")
        if version != MODEL_VERSION:
            raise RefusedError(
                404, f"Request for unknown model: '{model}' version {version} is not found"
            )
        return model

    def _read(self, request: web.Request, inputs: Inputs, begun: float) -> _Asked:
        model = self._served(request)
        if model == ENGINE_MODEL:
            return self._read_tokens(model, inputs, begun)
        said = inputs.first("text_input")
        if not isinstance(said, str):
            raise RefusedError(
                400,
                f"[request id: {inputs.id or '<id_unknown>'}] expected input 'text_input' of "
                f"model '{model}'",
            )
        prompt = prompts.of_text(said)
        if self._is_vllm:
            asked = _Asked(model, inputs, Question(prompt, _sampling(inputs), begun))
            excludes = inputs.first("exclude_input_in_output")
            return asked if excludes or asked.is_stream else replace(asked, before=said)
        limit = _whole(inputs.first("max_tokens", "request_output_len"), "max_tokens")
        return _Asked(model, inputs, Question(prompt, _until_end(inputs, limit, model), begun))

    def _read_tokens(self, model: str, inputs: Inputs, begun: float) -> _Asked:
        ids = inputs.tensors.get("input_ids")
        if not ids:
            raise RefusedError(400, f"expected input 'input_ids' of model '{model}'")
        # Inputs of a batch are padded to the longest; the length says how much is meant.
        length = inputs.first("input_lengths")
        if isinstance(length, int):
            ids = ids[:length]
        limit = _whole(inputs.first("request_output_len"), "request_output_len")
        question = Question(prompts.of_tokens(ids), _until_end(inputs, limit, model), begun)
        return _Asked(model, inputs, question)

    # --- answering -------------------------------------------------------------------------------

    def _pieces(self, request: Request, asked: _Asked) -> NextPiece:
        numbers = count()

        def piece() -> bytes:
            number = next(numbers)
            if asked.model == ENGINE_MODEL:
                return event(self._said(asked, _of_ids(_ids(request.id, (number,)))))
            return event(self._said(asked, {"text_output": word(request.id, number)}))

        return piece

    def _all_said(self, asked: _Asked, found: Request) -> dict[str, Any]:
        if asked.model == ENGINE_MODEL:
            return self._said(asked, _of_ids(_ids(found.id, range(found.generated))))
        said = asked.before + text(found.id, found.generated)
        return self._said(asked, {"text_output": said})

    def _said(self, asked: _Asked, said: dict[str, Any]) -> dict[str, Any]:
        return {
            "model_name": asked.model,
            "model_version": MODEL_VERSION,
            **said,
            **({"id": asked.inputs.id} if asked.inputs.id else {}),
        }


def _ids(request: int, numbers: Iterable[int]) -> list[int]:
    """Return the token ids of some tokens of an answer."""
    return [(request * 7 + number) % len(WORDS) + 1 for number in numbers]


def _of_ids(ids: list[int]) -> dict[str, Any]:
    """Return the fields of token ids; Triton writes a list of one as the number."""
    return {"output_ids": ids if len(ids) != 1 else ids[0], "sequence_length": len(ids)}


def _until_end(inputs: Inputs, limit: int, model: str) -> Wanted:
    """Return what TensorRT-LLM reads: without `end_id` an answer is as long as it may be."""
    return Wanted(limit, 0, inputs.first("end_id") is None, model)


def _sampling(inputs: Inputs) -> Wanted:
    """Return what the vLLM backend reads: fields of `parameters`, or a text of JSON."""
    told = dict(inputs.parameters)
    given = inputs.first("sampling_parameters")
    if isinstance(given, str):
        try:
            told |= json.loads(given)
        except (ValueError, TypeError) as error:
            raise RefusedError(400, f"Error parsing sampling_parameters: {error}") from error
    limit = told.get("max_tokens", inputs.first("max_tokens"))
    least = _whole(told.get("min_tokens", 0), "min_tokens")
    # Parameters of Triton's API may be texts.
    ignores = str(told.get("ignore_eos", False)).lower() == "true"
    return Wanted(_whole(USUAL_TOKENS if limit is None else limit, "max_tokens"), least, ignores)


def _whole(found: Any, name: str) -> int:
    if isinstance(found, str) and found.isdigit():
        found = int(found)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise RefusedError(400, f"{name}: expected a whole number, got {found!r}")
    return found
