"""The Python-backend model of the test server: echoes its input, slowly or not at all.

Triton imports it from the model repository; `seconds` and `fails` are parameters of a model. The
families that a file `families.json` beside it lists are registered, and move with each request.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import triton_python_backend_utils  # type: ignore[import-not-found] # exists in Triton only


class TritonPythonModel:
    """The class that Triton looks for."""

    def initialize(self, arguments: dict[str, str]) -> None:
        """Read the parameters of this model."""
        parameters = json.loads(arguments["model_config"])["parameters"]
        self.seconds = float(parameters["seconds"]["string_value"])
        self.fails = parameters["fails"]["string_value"] == "true"
        file = Path(__file__).with_name("families.json")
        described = json.loads(file.read_text()) if file.is_file() else []
        self.families = [Family(family) for family in described]

    def execute(self, batch: list[Any]) -> list[Any]:
        """Answer each request of a batch with its own input, or fail them all."""
        # The time that a model takes is what this model is for.
        time.sleep(self.seconds)
        if self.fails:
            raise RuntimeError("this model always fails")
        for _ in batch:
            for family in self.families:
                family.move()
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


class Family:
    """A family of metrics that this model registers with Triton.

    Only calls that fit the kind are made: any other may end the whole server, caught or not.
    """

    def __init__(self, described: dict[str, Any]) -> None:
        """Register the family and all its series."""
        kinds = triton_python_backend_utils.MetricFamily
        self.kind = described["kind"]
        # A family that is no longer referred to vanishes from the page.
        self.family = triton_python_backend_utils.MetricFamily(
            name=described["name"],
            description=described["description"],
            kind=getattr(kinds, self.kind.upper()),
        )
        edges = {"buckets": described["edges"]} if self.kind == "histogram" else {}
        self.series = [
            (self.family.Metric(labels=each["labels"], **edges), each)
            for each in described["series"]
        ]
        self.moves = 0

    def move(self) -> None:
        """Let one request show in every series."""
        wave = 0.5 + 0.5 * math.sin(self.moves / 10)
        for series, described in self.series:
            if self.kind == "counter":
                series.increment(described["rise"])
            elif self.kind == "gauge":
                value = described["start"] + (described["end"] - described["start"]) * wave
                value += described["clock"] * time.time()
                series.set(float(round(value)) if described["is_whole"] else value)
            else:
                values = described["observations"]
                series.observe(values[self.moves % len(values)])
        self.moves += 1
