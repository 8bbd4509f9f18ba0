"""Requests of Triton's HTTP API as tensors: JSON, and the binary form that its own client sends."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

from llmstack.simulator.failures import RefusedError

#: How numbers of a kind stand in binary data.
_FORMATS = {
    "BOOL": "?",
    "UINT8": "B",
    "INT8": "b",
    "INT32": "i",
    "UINT32": "I",
    "INT64": "q",
    "UINT64": "Q",
    "FP32": "f",
    "FP64": "d",
}


@dataclass(frozen=True)
class Inputs:
    """The inputs of one request, by name; each a flat list."""

    tensors: dict[str, list[Any]]
    id: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    def first(self, *names: str) -> Any:
        """Return the first value of the first of these that is there; None where none is."""
        for name in names:
            if self.tensors.get(name):
                return self.tensors[name][0]
        return None


def read_infer(body: bytes, json_length: str | None) -> Inputs:
    """Return the inputs of `infer`.

    Args:
        body: JSON, and what follows it.
        json_length: how long the JSON is (`Inference-Header-Content-Length`); None for all of it.

    Raises:
        RefusedError: they cannot be read.
    """
    length = len(body)
    if json_length is not None:
        if not json_length.isdigit() or int(json_length) > length:
            raise RefusedError(400, "Unable to parse 'Inference-Header-Content-Length'")
        length = int(json_length)
    told, rest = _object(body[:length]), body[length:]
    tensors = {}
    for each in told.get("inputs") or ():
        if not isinstance(each, dict) or "name" not in each:
            raise RefusedError(400, "Unable to parse 'inputs': missing 'name'")
        size = (each.get("parameters") or {}).get("binary_data_size")
        if size is None:
            tensors[each["name"]] = _flat(each.get("data"))
        else:
            tensors[each["name"]] = _unpacked(rest[:size], str(each.get("datatype")))
            rest = rest[size:]
    return Inputs(tensors, str(told.get("id", "")), told.get("parameters") or {})


def read_generate(body: bytes) -> Inputs:
    """Return the inputs of `generate`: every field is one, but for `id` and `parameters`.

    Raises:
        RefusedError: they cannot be read.
    """
    told = _object(body)
    parameters = told.pop("parameters", None) or {}
    request = str(told.pop("id", ""))
    tensors = {name: _flat(value) for name, value in told.items()}
    return Inputs(tensors, request, parameters)


def output(name: str, kind: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    """Return one output as JSON."""
    return {"name": name, "datatype": kind, "shape": shape, "data": data}


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, f"failed to parse the request JSON buffer: {error}") from error
    if not isinstance(found, dict):
        raise RefusedError(400, "failed to parse the request JSON buffer: expected an object")
    return found


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [] if value is None else [value]
    return [each for part in value for each in _flat(part)]


def _unpacked(data: bytes, kind: str) -> list[Any]:
    if kind == "BYTES":
        found, place = [], 0
        while place + 4 <= len(data):
            (size,) = struct.unpack_from("<I", data, place)
            found.append(data[place + 4 : place + 4 + size].decode("utf-8", "replace"))
            place += 4 + size
        return found
    if kind not in _FORMATS:
        raise RefusedError(400, f"datatype {kind}: the simulator reads BYTES and numbers")
    size = struct.calcsize(_FORMATS[kind])
    count = len(data) // size
    return list(struct.unpack(f"<{count}{_FORMATS[kind]}", data[: count * size]))
