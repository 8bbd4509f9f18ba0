"""Triton's HTTP server: generate, streams and tensors, and what it counts of them."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from tests.stack.simulator.served import Client, character, with_client

VLLM, TRTLLM = "triton-vllm", "triton-trtllm"


def tensors(ids: list[int], answer: int) -> dict[str, Any]:
    """What a client of the TensorRT-LLM engine sends."""
    return {
        "id": "7",
        "inputs": [
            {"name": "input_ids", "shape": [1, len(ids)], "datatype": "INT32", "data": [ids]},
            {"name": "input_lengths", "shape": [1, 1], "datatype": "INT32", "data": [[len(ids)]]},
            {"name": "request_output_len", "shape": [1, 1], "datatype": "INT32", "data": [[answer]]},
        ],
    }  # fmt: skip


def test_the_vllm_backend_says_the_prompt_before_the_answer() -> None:
    """As it does unless it is told to leave it out."""

    async def tell(client: Client) -> list[Any]:
        path, sampling = "/v2/models/vllm_model/generate", {"max_tokens": 3, "ignore_eos": True}
        asked = {"text_input": "Hello", "parameters": sampling}
        return [
            await client.post(path, asked),
            await client.post(path, {**asked, "exclude_input_in_output": True}),
        ]

    (status, whole), (_, answer) = with_client(character(VLLM), tell)

    assert (200, "vllm_model", "1") == (status, whole["model_name"], whole["model_version"])
    assert whole["text_output"].startswith("Hello ")
    assert (4, 3) == (len(whole["text_output"].split()), len(answer["text_output"].split()))


@pytest.mark.parametrize(
    ("engine", "model", "fields"),
    [
        (VLLM, "vllm_model", {"parameters": {"max_tokens": "4", "ignore_eos": "true", "stream": True}}),
        (VLLM, "vllm_model", {"stream": True, "sampling_parameters": '{"max_tokens": 4, "ignore_eos": true}'}),
        (TRTLLM, "ensemble", {"stream": True, "max_tokens": 4, "bad_words": "", "stop_words": ""}),
    ],
)  # fmt: skip
def test_a_stream_has_an_event_for_each_token(
    engine: str, model: str, fields: dict[str, Any]
) -> None:
    """Each holds what is new."""
    events = with_client(
        character(engine),
        lambda client: client.events(
            f"/v2/models/{model}/generate_stream", {"text_input": "Hello", **fields}
        ),
    )
    said = [json.loads(event)["text_output"] for event in events]

    assert [1] * 4 == [len(piece.split()) for piece in said]


def test_token_ids_are_answered_with_token_ids() -> None:
    """By the engine itself; without a token that ends it, an answer is as long as it may be."""

    async def tell(client: Client) -> Any:
        return await client.post("/v2/models/tensorrt_llm/versions/1/infer", tensors([5, 6, 7], 9))

    status, found = with_client(character(TRTLLM), tell)
    outputs = {each["name"]: each for each in found["outputs"]}

    assert (200, "7", "tensorrt_llm") == (status, found["id"], found["model_name"])
    assert ([1, 1, 9], 9) == (outputs["output_ids"]["shape"], len(outputs["output_ids"]["data"]))
    assert [9] == outputs["sequence_length"]["data"]


def test_a_stream_of_token_ids_has_an_event_for_each() -> None:
    """As the number that it is; the engine's own input that asks for it is `streaming`."""
    path = "/v2/models/tensorrt_llm/generate_stream"
    asked = {"input_ids": [5, 6, 7], "input_lengths": 3, "request_output_len": 4}

    async def tell(client: Client) -> Any:
        return await client.events(path, {**asked, "streaming": True}), await client.events(path, asked)  # fmt: skip

    stream, whole = with_client(character(TRTLLM), tell)
    ids = [json.loads(event)["output_ids"] for event in stream]
    (all_at_once,) = (json.loads(event)["output_ids"] for event in whole)

    assert 4 == len(ids) == len(set(ids)) == len(all_at_once)
    assert all(isinstance(each, int) for each in ids)


@pytest.mark.parametrize(("engine", "models"), [(VLLM, ["vllm_model"]), (TRTLLM, ["ensemble", "tensorrt_llm"])])  # fmt: skip
def test_the_repository_lists_what_can_be_asked(engine: str, models: list[str]) -> None:
    """With the version and the state of each."""
    _, found = with_client(character(engine), lambda client: client.post("/v2/repository/index", {"ready": True}))  # fmt: skip

    assert [(model, "1", "READY") for model in models] == [(each["name"], each["version"], each["state"]) for each in found]  # fmt: skip


def test_tensors_may_be_binary() -> None:
    """As Triton's own client sends them unless it is told not to."""
    ids = list(range(20))
    blobs = [struct.pack("<20i", *ids), struct.pack("<i", 20), struct.pack("<i", 3)]
    told = tensors(ids, 3)
    for each, blob in zip(told["inputs"], blobs, strict=True):
        del each["data"]
        each["parameters"] = {"binary_data_size": len(blob)}
    head = json.dumps(told).encode()

    async def tell(client: Client) -> tuple[int, Any, float]:
        url = client.house.address() + "/v2/models/tensorrt_llm/infer"
        headers = {"Inference-Header-Content-Length": str(len(head))}
        async with client._session.post(url, data=head + b"".join(blobs), headers=headers) as got:
            answer = await got.json()
        return got.status, answer, (await client.metrics())["nv_llm_input_token_len"].samples[-1].value  # fmt: skip

    status, found, read = with_client(character(TRTLLM), tell)

    assert (200, [3], 20) == (status, found["outputs"][1]["data"], read)


def test_text_may_be_a_tensor() -> None:
    """The ensemble takes it, and answers so."""
    asked = {
        "inputs": [
            {"name": "text_input", "shape": [1, 1], "datatype": "BYTES", "data": [["Hello"]]},
            {"name": "max_tokens", "shape": [1, 1], "datatype": "INT32", "data": [[2]]},
        ]
    }
    _, found = with_client(
        character(TRTLLM), lambda client: client.post("/v2/models/ensemble/infer", asked)
    )

    assert ("text_output", "BYTES", 2) == (found["outputs"][0]["name"], found["outputs"][0]["datatype"], len(found["outputs"][0]["data"][0].split()))  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/v2/models/barn/generate", {"text_input": "x"}, 404, "Request for unknown model: 'barn' is not found"),
        ("/v2/models/vllm_model/versions/2/generate", {"text_input": "x"}, 404, "Request for unknown model: 'vllm_model' version 2 is not found"),
        ("/v2/models/vllm_model/generate", {}, 400, "[request id: <id_unknown>] expected input 'text_input' of model 'vllm_model'"),
        ("/v2/models/vllm_model/generate", {"text_input": "x", "parameters": {"max_tokens": "many"}}, 400, "max_tokens: expected a whole number, got 'many'"),
        ("/v2/models/vllm_model/generate", {"text_input": "x", "stream": True}, 400, "generate expects model to produce exactly 1 response, use generate stream"),
        ("/v2/models/vllm_model/infer", {"inputs": []}, 501, "HTTP end point doesn't support models with decoupled transaction policy"),
        ("/v2/models/barn/infer", {"inputs": []}, 404, "Request for unknown model: 'barn' is not found"),
        ("/v2/inn", {}, 404, "Not Found"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused(
    path: str, body: object, status: int, said: str
) -> None:
    """As Triton words it."""
    found = with_client(character(VLLM), lambda client: client.post(path, body))

    assert (status, {"error": said}) == found


def test_an_ensemble_counts_with_its_steps_and_an_engine_alone() -> None:
    """Who asks the engine leaves the others out; metrics have a port of their own."""

    async def tell(client: Client) -> dict[str, float]:
        await client.post("/v2/models/ensemble/generate", {"text_input": "x", "max_tokens": 2})
        await client.post("/v2/models/tensorrt_llm/infer", tensors([1, 2], 2))
        assert (404, 200) == ((await client.get("/metrics"))[0], (await client.get("/v2/health/ready"))[0])  # fmt: skip
        models = ("ensemble", "preprocessing", "tensorrt_llm", "postprocessing")
        return {model: await client.total("nv_inference_request_success", model=model) for model in models}  # fmt: skip

    assert {"ensemble": 1, "preprocessing": 1, "tensorrt_llm": 2, "postprocessing": 1} == with_client(character(TRTLLM), tell)  # fmt: skip
