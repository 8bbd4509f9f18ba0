"""Compiles a TensorRT-LLM engine for the GPUs that are here, into the model repository beside it.

Runs in Triton's image with TensorRT-LLM; takes MODEL_NAME, TP_SIZE, PP_SIZE, DTYPE, MAX_BATCH_SIZE,
MAX_INPUT_LEN and MAX_OUTPUT_LEN from the environment.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENGINE = Path(__file__).parent / "model_repository" / "tensorrt_llm" / "1"
#: Of a request that is served well on one GPU of 24 GB.
DEFAULTS = {"MAX_BATCH_SIZE": 64, "MAX_INPUT_LEN": 2048, "MAX_OUTPUT_LEN": 1024}


def limits(environment: Mapping[str, str]) -> dict[str, int]:
    """Return what the engine is built for.

    Raises:
        ValueError: something is no whole number above 0.
    """
    said = {}
    for key, default in DEFAULTS.items():
        text = environment.get(key) or str(default)
        if not text.isdigit() or int(text) == 0:
            raise ValueError(f"{key}: expected a whole number above 0, got {text!r}")
        said[key] = int(text)
    return {
        "max_batch_size": said["MAX_BATCH_SIZE"],
        "max_input_len": said["MAX_INPUT_LEN"],
        # TensorRT-LLM bounds a whole sequence, prompt and answer.
        "max_seq_len": said["MAX_INPUT_LEN"] + said["MAX_OUTPUT_LEN"],
        # Of one step: at least the longest prompt.
        "max_num_tokens": max(8192, said["MAX_INPUT_LEN"]),
    }


def model_arguments(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return which model is compiled, and for how many GPUs."""
    found: dict[str, Any] = {
        "model": environment["MODEL_NAME"],
        "tensor_parallel_size": int(environment.get("TP_SIZE") or 1),
        "pipeline_parallel_size": int(environment.get("PP_SIZE") or 1),
    }
    if environment.get("DTYPE"):
        # The short names that vLLM has, too.
        names = {"half": "float16", "float": "float32"}
        found["dtype"] = names.get(environment["DTYPE"], environment["DTYPE"])
    return found


def compile_engine(environment: Mapping[str, str], folder: Path) -> None:
    """Compile, and put the engine into a folder in one step."""
    # Only the image has it. The LLM of its front door serves by PyTorch, and compiles nothing.
    from tensorrt_llm import BuildConfig  # type: ignore[import-not-found]
    from tensorrt_llm._tensorrt_engine import LLM  # type: ignore[import-not-found]

    made = folder.with_name(".made")
    shutil.rmtree(made, ignore_errors=True)
    build = BuildConfig(**limits(environment))
    llm = LLM(**model_arguments(environment), build_config=build)
    llm.save(str(made))
    for old in folder.glob("[!.]*"):
        old.unlink() if old.is_file() else shutil.rmtree(old)
    for new in made.iterdir():
        shutil.move(str(new), folder)
    made.rmdir()


def main() -> None:
    """Compile what the environment says."""
    environment = {key: value for key, value in os.environ.items() if value}
    if "MODEL_NAME" not in environment:
        sys.exit("compile.py: set MODEL_NAME to a model, such as Qwen/Qwen3-8B")
    if environment.get("QUANTIZATION"):
        sys.exit(
            "compile.py: QUANTIZATION is vLLM's; take a model that is published quantized, or none"
        )
    if "GPUS" in environment:
        os.environ["CUDA_VISIBLE_DEVICES"] = environment["GPUS"]
    try:
        limits(environment)
    except ValueError as error:
        sys.exit(f"compile.py: {error}")
    compile_engine(environment, ENGINE)
    print(f"compile.py: the engine is in {ENGINE}; make up PROFILE=triton-trtllm serves it")


if __name__ == "__main__":
    main()
