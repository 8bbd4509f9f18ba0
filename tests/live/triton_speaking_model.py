"""A Python-backend model that speaks as the backends of vLLM and TensorRT-LLM do: text, or token ids.

Triton imports it from the model repository. Its tokens come at known times, one response each where
it is decoupled, and it counts them in families that a file `families.json` beside it lists.
"""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils  # type: ignore[import-not-found] # exists in Triton only


class TritonPythonModel:
    """The class that Triton looks for."""

    def initialize(self, arguments: dict[str, str]) -> None:
        """Read the parameters of this model, and register its histograms."""
        configuration = json.loads(arguments["model_config"])
        read = {name: each["string_value"] for name, each in configuration["parameters"].items()}
        self.first, self.between = float(read["first"]), float(read["between"])
        self.speaks, self.is_text = read["speaks"], read["speaks"] != "tokens"
        self.is_decoupled = configuration["model_transaction_policy"]["decoupled"]
        listed = json.loads(Path(__file__).with_name("families.json").read_text())
        kinds = triton_python_backend_utils.MetricFamily
        self.families = [
            kinds(name=each["name"], description="Of a test model.", kind=kinds.HISTOGRAM)
            for each in listed
        ]
        #: The time to the first token, to the end, and between two tokens.
        self.seen = [
            family.Metric(
                labels={"model": arguments["model_name"], "version": "1"}, buckets=each["edges"]
            )
            for family, each in zip(self.families, listed, strict=True)
        ]

    def execute(self, batch: list[Any]) -> list[Any] | None:
        """Answer each request of a batch, one after the other.

        Streams could be threads, but the server ends by a signal when those observe at once (2.51).
        """
        if not self.is_decoupled:
            return [self._whole(request) for request in batch]
        for request in batch:
            self._stream(request)
        return None

    def _whole(self, request: Any) -> Any:
        begun, tokens = time.monotonic(), self._tokens(request)
        times = []
        for number in range(tokens):
            time.sleep(self.between if number else self.first)
            times.append(time.monotonic())
        self._observe(begun, times)
        return self._response(range(tokens))

    def _stream(self, request: Any) -> None:
        begun, tokens, sender = (
            time.monotonic(),
            self._tokens(request),
            request.get_response_sender(),
        )
        is_stream = self._value(request, "stream" if self.is_text else "streaming", False)
        final = triton_python_backend_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
        times = []
        for number in range(tokens):
            time.sleep(self.between if number else self.first)
            times.append(time.monotonic())
            if is_stream:
                sender.send(self._response([number]))
        if not is_stream:
            sender.send(self._response(range(tokens)))
        # Counted before the end is told, as a client that has read it looks at once.
        self._observe(begun, times)
        sender.send(flags=final)

    def _observe(self, begun: float, times: list[float]) -> None:
        first, last, between = self.seen
        first.observe(times[0] - begun)
        last.observe(times[-1] - begun)
        for before, after in pairwise(times):
            between.observe(after - before)

    def _tokens(self, request: Any) -> int:
        if self.speaks == "ensemble":
            return int(self._value(request, "max_tokens", 1))
        if self.is_text:
            sampling = self._value(request, "sampling_parameters", b"{}")
            return int(json.loads(sampling)["max_tokens"])
        return int(self._value(request, "request_output_len", 1))

    def _value(self, request: Any, name: str, default: Any) -> Any:
        tensor = triton_python_backend_utils.get_input_tensor_by_name(request, name)
        return default if tensor is None else tensor.as_numpy().reshape(-1)[0]

    def _response(self, numbers: Any) -> Any:
        tensor = triton_python_backend_utils.Tensor
        if self.is_text:
            text = "".join(f" {number}" for number in numbers).encode()
            batch = [[text]] if self.speaks == "ensemble" else [text]
            tensors = [tensor("text_output", np.array(batch, dtype=np.object_))]
        else:
            ids = np.array([[1000 + number for number in numbers]], dtype=np.int32)
            tensors = [
                tensor("output_ids", ids[np.newaxis]),
                tensor("sequence_length", np.array([[ids.shape[1]]], dtype=np.int32)),
            ]
        return triton_python_backend_utils.InferenceResponse(tensors)
