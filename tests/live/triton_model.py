"""The Python-backend model of the test server: echoes its input, slowly or not at all.

Triton imports it from the model repository; `seconds` and `fails` are parameters of a model.
"""

from __future__ import annotations

import json
import time
from typing import Any

import triton_python_backend_utils  # type: ignore[import-not-found] # exists in Triton only


class TritonPythonModel:
    """The class that Triton looks for."""

    def initialize(self, arguments: dict[str, str]) -> None:
        """Read the parameters of this model."""
        parameters = json.loads(arguments["model_config"])["parameters"]
        self.seconds = float(parameters["seconds"]["string_value"])
        self.fails = parameters["fails"]["string_value"] == "true"

    def execute(self, batch: list[Any]) -> list[Any]:
        """Answer each request of a batch with its own input, or fail them all."""
        # The time that a model takes is what this model is for.
        time.sleep(self.seconds)
        if self.fails:
            raise RuntimeError("this model always fails")
        return [
            triton_python_backend_utils.InferenceResponse(
                [
                    triton_python_backend_utils.Tensor(
                        "OUTPUT",
                        triton_python_backend_utils.get_input_tensor_by_name(
                            request, "INPUT"
                        ).as_numpy(),
                    )
                ]
            )
            for request in batch
        ]
