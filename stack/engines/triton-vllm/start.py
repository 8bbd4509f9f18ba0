"""Starts Triton with its vLLM backend, on a model repository that is made of ours and of .env.

Runs in Triton's image, with nothing but Python's own library.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: vLLM's engine arguments by the key of .env that sets them, and what they are.
ARGUMENTS = {
    "TP_SIZE": ("tensor_parallel_size", int),
    "PP_SIZE": ("pipeline_parallel_size", int),
    "QUANTIZATION": ("quantization", str),
    "DTYPE": ("dtype", str),
    "GPU_MEMORY_UTILIZATION": ("gpu_memory_utilization", float),
    "MAX_MODEL_LEN": ("max_model_len", int),
    "MAX_NUM_SEQS": ("max_num_seqs", int),
    "MAX_NUM_BATCHED_TOKENS": ("max_num_batched_tokens", int),
}
OURS = Path(__file__).parent / "model_repository" / "model"
REPOSITORY = Path("/tmp/model_repository")


def engine_arguments(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what model.json says; whatever is empty in .env is vLLM's own default."""
    found: dict[str, Any] = {"model": environment["MODEL_NAME"], "disable_log_stats": False}
    for key, (argument, kind) in ARGUMENTS.items():
        if environment.get(key):
            found[argument] = kind(environment[key])
    return found


def model_name(environment: Mapping[str, str]) -> str:
    """Return what the model is called here: as vLLM calls it, less what cannot be in a path."""
    return (environment.get("SERVED_MODEL_NAME") or environment["MODEL_NAME"]).rpartition("/")[2]


def write_repository(environment: Mapping[str, str], folder: Path) -> None:
    """Write a model repository; Triton calls a model by its folder."""
    model = folder / model_name(environment)
    shutil.rmtree(folder, ignore_errors=True)
    (model / "1").mkdir(parents=True)
    shutil.copyfile(OURS / "config.pbtxt", model / "config.pbtxt")
    (model / "1" / "model.json").write_text(json.dumps(engine_arguments(environment), indent=2))


def main() -> None:
    """Take this process's place."""
    environment = {key: value for key, value in os.environ.items() if value}
    if "MODEL_NAME" not in environment:
        sys.exit("start.py: set MODEL_NAME to a model, such as Qwen/Qwen3-8B")
    if "GPUS" in environment:
        environment["CUDA_VISIBLE_DEVICES"] = environment["GPUS"]
    write_repository(environment, REPOSITORY)
    command = [
        "tritonserver",
        f"--model-repository={REPOSITORY}",
        # The time to the first response of each model, in buckets; off unless asked for.
        "--metrics-config=histogram_latencies=true",
        "--metrics-config=summary_latencies=true",
    ]
    os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main()
