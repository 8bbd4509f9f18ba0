"""Starts Triton with its TensorRT-LLM backend, on the engine that compile.py has made.

Runs in Triton's image, with nothing but Python's own library.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template

#: What NVIDIA's own repositories and clients call the model, whatever is served.
MODEL = "tensorrt_llm"
OURS = Path(__file__).parent / "model_repository" / MODEL
REPOSITORY = Path("/tmp/model_repository")


def write_repository(environment: Mapping[str, str], ours: Path, folder: Path) -> int:
    """Write a model repository; return how many GPUs its engine was compiled for.

    Raises:
        FileNotFoundError: there is no engine.
    """
    engine = ours / "1"
    compiled = json.loads((engine / "config.json").read_text())
    text = Template((ours / "config.pbtxt").read_text()).substitute(
        max_batch_size=compiled["build_config"]["max_batch_size"],
        engine=engine,
        # There it is a share of what the weights have left free.
        gpu_memory_utilization=environment.get("GPU_MEMORY_UTILIZATION") or "0.9",
    )
    model = folder / MODEL
    shutil.rmtree(folder, ignore_errors=True)
    (model / "1").mkdir(parents=True)
    (model / "config.pbtxt").write_text(text)
    return int(compiled["pretrained_config"].get("mapping", {}).get("world_size", 1))


def command(gpus: int, repository: Path = REPOSITORY) -> list[str]:
    """Return what starts Triton: a process a GPU, as launch_triton_server.py of the backend has."""
    server = [
        "tritonserver",
        f"--model-repository={repository}",
        "--disable-auto-complete-config",
        # The time to the first response of each model, in buckets; off unless asked for.
        "--metrics-config=histogram_latencies=true",
        "--metrics-config=summary_latencies=true",
    ]
    if gpus == 1:
        return server
    # Those after the first load the model alone, and never come to listen.
    other = [*server, "--model-control-mode=explicit", f"--load-model={MODEL}"]
    ranks = [server, *[other] * (gpus - 1)]
    found = ["mpirun", "--allow-run-as-root"]
    for rank in ranks:
        found += ["-n", "1", *rank, ":"]
    return found[:-1]


def main() -> None:
    """Take this process's place."""
    environment = {key: value for key, value in os.environ.items() if value}
    if "GPUS" in environment:
        environment["CUDA_VISIBLE_DEVICES"] = environment["GPUS"]
    try:
        gpus = write_repository(environment, OURS, REPOSITORY)
    except FileNotFoundError:
        sys.exit("start.py: no engine is compiled; make compile-triton-trt MODEL_NAME=… makes one")
    line = command(gpus)
    os.execvpe(line[0], line, environment)


if __name__ == "__main__":
    main()
