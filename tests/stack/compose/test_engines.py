"""How engines are started, and the repositories that Triton reads."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.stack.compose.files import (
    STACK,
    example,
    module,
    program,
    sh,
)


def served(folder: Path, version: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What vllm.sh starts, where vLLM is of some version."""
    program(folder, "vllm", 'echo "$@"; echo "${HF_TOKEN-no} ${VLLM_PORT-no} ${CUDA_VISIBLE_DEVICES-all} ${TORCH_NCCL_BLOCKING_WAIT-no}"')  # fmt: skip
    program(folder, "python3", f"echo {version}")
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return sh(STACK / "engines" / "vllm.sh", PATH=path, **environment)


def test_vllm_with_little(tmp_path: Path) -> None:
    """What is empty is left to vLLM."""
    done = served(tmp_path, "0.32.0", MODEL_NAME="Qwen/Qwen3-8B", DTYPE="", HF_TOKEN="", VLLM_PORT="8000")  # fmt: skip

    assert "serve Qwen/Qwen3-8B --host 0.0.0.0 --port 8000\nno no all 1\n" == done.stdout


def test_vllm_with_all(tmp_path: Path) -> None:
    """Each key is an option."""
    keys = {
        "MODEL_NAME": "m", "SERVED_MODEL_NAME": "s", "TP_SIZE": "2", "PP_SIZE": "3", "QUANTIZATION": "awq",
        "DTYPE": "half", "GPU_MEMORY_UTILIZATION": "0.8", "MAX_MODEL_LEN": "4096", "MAX_NUM_SEQS": "64",
        "MAX_NUM_BATCHED_TOKENS": "2048", "SWAP_SPACE_GB": "4", "HF_TOKEN": "hush", "GPUS": "0,1",
        "LISTEN_HOST": "127.0.0.1", "LISTEN_PORT": "8123",
    }  # fmt: skip
    done = served(tmp_path, "0.17.1", **keys)

    assert (
        "serve m --host 127.0.0.1 --port 8123 --served-model-name s --tensor-parallel-size 2 "
        "--pipeline-parallel-size 3 --quantization awq --dtype half --gpu-memory-utilization 0.8 "
        "--max-model-len 4096 --max-num-seqs 64 --max-num-batched-tokens 2048 --swap-space 4\n"
        "hush no 0,1 1\n"
    ) == done.stdout


@pytest.mark.parametrize(("version", "knows"), [("0.8.4", True), ("0.17.1", True), ("0.18.0", False), ("0.32.0", False), ("1.0.0", False)])  # fmt: skip
def test_swap_space(version: str, knows: bool, tmp_path: Path) -> None:
    """It is given to releases that know it; others are told nothing, and you are."""
    done = served(tmp_path, version, MODEL_NAME="m", SWAP_SPACE_GB="4")

    assert knows == ("--swap-space 4" in done.stdout)
    assert knows != ("SWAP_SPACE_GB is left out" in done.stderr)


def test_vllm_without_a_model(tmp_path: Path) -> None:
    """It says what to set."""
    done = served(tmp_path, "0.32.0")

    assert (1, "") == (done.returncode, done.stdout)
    assert "set MODEL_NAME" in done.stderr


def test_repository_of_triton_vllm(tmp_path: Path) -> None:
    """The model is called as it is served; its metrics are on, which needs both files."""
    start = module("engines/triton-vllm/start.py")
    keys = {
        "MODEL_NAME": "Qwen/Qwen3-8B",
        "TP_SIZE": "2",
        "GPU_MEMORY_UTILIZATION": "0.8",
        "MAX_MODEL_LEN": "",
    }
    start.write_repository(keys, tmp_path / "models")
    model = tmp_path / "models" / "Qwen3-8B"

    assert {
        "model": "Qwen/Qwen3-8B",
        "disable_log_stats": False,
        "tensor_parallel_size": 2,
        "gpu_memory_utilization": 0.8,
    } == json.loads((model / "1" / "model.json").read_text())
    assert re.search(
        r'key: "REPORT_CUSTOM_METRICS"\s+value: \{ string_value: "true" \}',
        (model / "config.pbtxt").read_text(),
    )
    named = start.model_name({"MODEL_NAME": "Qwen/Qwen3-8B", "SERVED_MODEL_NAME": "chat"})
    assert "chat" == named


def engine_of(folder: Path, world_size: int) -> Path:
    """A model repository with a compiled engine, as far as it is read."""
    ours = folder / "tensorrt_llm"
    (ours / "1").mkdir(parents=True)
    built = {
        "build_config": {"max_batch_size": 17},
        "pretrained_config": {"mapping": {"world_size": world_size}},
    }
    (ours / "1" / "config.json").write_text(json.dumps(built))
    committed = STACK / "engines" / "triton-trtllm" / "model_repository" / "tensorrt_llm"
    (ours / "config.pbtxt").write_text((committed / "config.pbtxt").read_text())
    return ours


def test_repository_of_triton_trtllm(tmp_path: Path) -> None:
    """Batches are the engine's, tokens are sent as they come, and figures are polled."""
    start = module("engines/triton-trtllm/start.py")
    ours = engine_of(tmp_path, 2)
    gpus = start.write_repository({"GPU_MEMORY_UTILIZATION": "0.7"}, ours, tmp_path / "models")
    text = (tmp_path / "models" / "tensorrt_llm" / "config.pbtxt").read_text()
    parameters = dict(re.findall(r'key: "(\w+)" value: \{ string_value: "([^"]*)" \}', text))

    assert 2 == gpus
    assert "$" not in re.sub(r"#.*", "", text)
    assert "max_batch_size: 17\n" in text
    assert "decoupled: true" in text
    assert (str(ours / "1"), "0.7", "100") == (
        parameters["gpt_model_path"],
        parameters["kv_cache_free_gpu_mem_fraction"],
        parameters["stats_check_period_ms"],
    )
    with pytest.raises(FileNotFoundError):
        start.write_repository({}, tmp_path / "nothing", tmp_path / "models")


def test_how_triton_trtllm_is_started() -> None:
    """One process a GPU; the first alone listens, and counts the time to the first token."""
    start = module("engines/triton-trtllm/start.py")
    alone, together = start.command(1), start.command(2)
    server = [
        "tritonserver", "--model-repository=/tmp/model_repository", "--disable-auto-complete-config",
        "--metrics-config=histogram_latencies=true", "--metrics-config=summary_latencies=true",
    ]  # fmt: skip

    assert server == alone
    assert [
        "mpirun", "--allow-run-as-root", "-n", "1", *server, ":",
        "-n", "1", *server, "--model-control-mode=explicit", "--load-model=tensorrt_llm",
    ] == together  # fmt: skip


def test_what_is_compiled() -> None:
    """D2's parameters; a sequence is a prompt and its answer."""
    compiling = module("engines/triton-trtllm/compile.py")
    keys = {"MAX_BATCH_SIZE": "8", "MAX_INPUT_LEN": "16000", "MAX_OUTPUT_LEN": "500"}

    assert {
        "max_batch_size": 8,
        "max_input_len": 16000,
        "max_seq_len": 16500,
        "max_num_tokens": 16000,
    } == compiling.limits(keys)
    assert {
        "max_batch_size": 64,
        "max_input_len": 2048,
        "max_seq_len": 3072,
        "max_num_tokens": 8192,
    } == compiling.limits({})
    assert {
        key: str(value) for key, value in compiling.DEFAULTS.items()
    }.items() <= example().items()
    with pytest.raises(
        ValueError, match="MAX_INPUT_LEN: expected a whole number above 0, got '2k'"
    ):
        compiling.limits({"MAX_INPUT_LEN": "2k"})
    assert {
        "model": "m",
        "tensor_parallel_size": 2,
        "pipeline_parallel_size": 1,
        "dtype": "float16",
    } == compiling.model_arguments({"MODEL_NAME": "m", "TP_SIZE": "2", "DTYPE": "half"})


def test_what_is_compiled_takes_the_place_of_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new engine is put there whole; what Git keeps the folder by stays."""
    compiling = module("engines/triton-trtllm/compile.py")
    folder = tmp_path / "1"
    folder.mkdir()
    for name in (".gitkeep", "config.json", "rank1.engine"):
        (folder / name).touch()
    asked: list[Mapping[str, Any]] = []

    class Llm:
        def __init__(self, **arguments: Any) -> None:
            asked.append(arguments)

        def save(self, path: str) -> None:
            Path(path).mkdir()
            for name in ("config.json", "rank0.engine"):
                (Path(path) / name).write_text("new")

    front, engine = ModuleType("tensorrt_llm"), ModuleType("tensorrt_llm._tensorrt_engine")
    vars(front)["BuildConfig"], vars(engine)["LLM"] = dict, Llm
    for each in (front, engine):
        monkeypatch.setitem(__import__("sys").modules, each.__name__, each)
    compiling.compile_engine({"MODEL_NAME": "m"}, folder)

    assert {".gitkeep", "config.json", "rank0.engine"} == {path.name for path in folder.iterdir()}
    assert [folder] == list(tmp_path.iterdir())
    assert [("m", 3072)] == [(each["model"], each["build_config"]["max_seq_len"]) for each in asked]
