"""Which engine and which model a GPU works for, asked of promtool on what packs of one's own build.

The default pack does not say where GPUs belong, so its rules in `generated/` cannot show it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from llmdash.artifacts import write
from llmdash.compiler import compile_pack
from llmdash.pack import Pack
from llmdash.placement import GPU_ENGINE, GPU_MODEL
from llmdash.sources import dcgm, sglang, vllm
from tests.prometheus_tools import said_against

#: Series and their value, which holds for the whole test.
Series = Mapping[str, float | str]

SOURCES = (vllm(), sglang(), dcgm())
BY_MAP = Pack(
    sources=SOURCES,
    shared_pages=(),
    engine_pages=(),
    source_pages={},
    target_gpus={
        "vllm": {"a:8000": ("GPU-a0", "GPU-a1"), "b:8000": ("GPU-b0",), "c:8000": ("GPU-s",)},
        "sglang": {"q:30000": ("GPU-q0",), "r:30000": ("GPU-s",)},
    },
)
BY_POD = Pack(sources=SOURCES, shared_pages=(), engine_pages=(), source_pages={}, gpus_by_pod=True)


@dataclass(frozen=True)
class Question:
    """What is asked of the recordings, and the series that answer."""

    expr: str
    answer: Series


def check(promtool: Path, folder: Path, pack: Pack, series: Series, *asked: Question) -> None:
    """Ask promtool whether the rules that a pack builds answer so."""
    write(compile_pack(pack).artifacts, folder)
    inputs = [{"series": name, "values": f"{value}x24"} for name, value in series.items()]
    cases = [
        {
            "expr": question.expr,
            "eval_time": "10m",
            "exp_samples": [{"labels": n, "value": v} for n, v in question.answer.items()],
        }
        for question in asked
    ]
    tests = {
        "rule_files": [f"rules/llmdash-{source.name}.yaml" for source in pack.sources],
        "evaluation_interval": "30s",
        "tests": [{"interval": "30s", "input_series": inputs, "promql_expr_test": cases}],
    }
    file = folder / "placement.test.yaml"
    file.write_text(json.dumps(tests))  # JSON is YAML

    assert "" == said_against(promtool, file)


SGLANG = "sglang:num_running_reqs"
NEWER = "DCGM_FI_DEV_BOARD_POWER_WATTS"


def power(uuid: str, labels: str = "", family: str = "DCGM_FI_DEV_POWER_USAGE") -> str:
    """The power of a GPU; every node has an exporter of its own."""
    node = uuid.rstrip("0123456789")
    return f'{family}{{job="dcgm", instance="{node}:9400", UUID="{uuid}"{labels}}}'


def running(instance: str, model: str, labels: str = "", family: str = "vllm:num_requests_running") -> str:  # fmt: skip
    """What tells that an engine runs, and which model it serves."""
    return f'{family}{{instance="{instance}", model_name="{model}"{labels}}}'


def engine(uuid: str, instance: str, model: str, source: str = "vllm", labels: str = "") -> str:
    """A GPU and its engine, as they are recorded."""
    return (
        f'{GPU_ENGINE}{{UUID="{uuid}", engine_instance="{instance}", engine_source="{source}", '
        f'model="{model}", role="gpu", source="dcgm"{labels}}}'
    )


def model(uuid: str, name: str = "") -> str:
    """A GPU and its model, as they are recorded."""
    served = f', model="{name}"' if name else ""
    return f'{GPU_MODEL}{{UUID="{uuid}", role="gpu", source="dcgm"{served}}}'


def recorded(name: str, served: str = "") -> str:
    """A recording of GPUs, of one model or of none."""
    label = f'model="{served}", ' if served else ""
    return f'{name}{{{label}role="gpu", source="dcgm"}}'


def test_gpus_work_for_the_engines_that_the_map_names(promtool: Path, tmp_path: Path) -> None:
    """Replicas add up, tensor parallel GPUs each count, and one that no engine has is nobody's."""
    check(
        promtool,
        tmp_path,
        BY_MAP,
        {
            power("GPU-a0"): 301,
            power("GPU-a1"): 403,
            # Another node has newer names.
            power("GPU-b0", family=NEWER): 205,
            power("GPU-q0", family=NEWER): 111,
            power("GPU-x0"): 53,
            power("GPU-x1", family=NEWER): 59,
            # Two engines of one data-parallel server serve one model.
            running("a:8000", "llama", ', engine="0"'): 3,
            running("a:8000", "llama", ', engine="1"'): 5,
            running("b:8000", "llama", ', engine="0"'): 0,
            # Ranks of one server.
            running("q:30000", "qwen", ', tp_rank="0"', SGLANG): 2,
            running("q:30000", "qwen", ', tp_rank="1"', SGLANG): 2,
            # A server whose GPUs nobody has told.
            running("z:8000", "llama", ', engine="0"'): 7,
        },
        Question(
            GPU_ENGINE,
            {
                engine("GPU-a0", "a:8000", "llama"): 1,
                engine("GPU-a1", "a:8000", "llama"): 1,
                engine("GPU-b0", "b:8000", "llama"): 1,
                engine("GPU-q0", "q:30000", "qwen", "sglang"): 1,
            },
        ),
        Question(
            GPU_MODEL,
            {
                model("GPU-a0", "llama"): 1,
                model("GPU-a1", "llama"): 1,
                model("GPU-b0", "llama"): 1,
                model("GPU-q0", "qwen"): 1,
                model("GPU-x0"): 1,
                model("GPU-x1"): 1,
            },
        ),
        Question(
            "llm:gpu_power_watts:sum",
            {
                recorded("llm:gpu_power_watts:sum", "llama"): 909,
                recorded("llm:gpu_power_watts:sum", "qwen"): 111,
                recorded("llm:gpu_power_watts:sum"): 112,
            },
        ),
        Question(
            "llm:gpu_power_watts:count",
            {
                recorded("llm:gpu_power_watts:count", "llama"): 3,
                recorded("llm:gpu_power_watts:count", "qwen"): 1,
                recorded("llm:gpu_power_watts:count"): 2,
            },
        ),
    )


def test_energy_and_slices_follow_their_gpu(promtool: Path, tmp_path: Path) -> None:
    """Rates and slices of a GPU's memory are its model's, each counted once."""
    energy = power("GPU-a0", family="DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")
    memory = "DCGM_FI_DEV_FB_USED"
    check(
        promtool,
        tmp_path,
        BY_MAP,
        {
            power("GPU-a0"): 301,
            energy: "0+9000000",
            power("GPU-a0", ', GPU_I_ID="1"', memory): 3000,
            power("GPU-a0", ', GPU_I_ID="2"', memory): 5000,
            running("a:8000", "llama"): 3,
        },
        Question(
            "llm:gpu_energy_joules:rate5m", {recorded("llm:gpu_energy_joules:rate5m", "llama"): 300}
        ),
        Question(
            "llm:gpu_memory_used_bytes:sum",
            {recorded("llm:gpu_memory_used_bytes:sum", "llama"): 8000 * 2**20},
        ),
    )


def test_a_gpu_of_a_server_that_is_gone_is_nobodys(promtool: Path, tmp_path: Path) -> None:
    """Its power is still counted, without a model: nothing tells what it is drawn for."""
    check(
        promtool,
        tmp_path,
        BY_MAP,
        {power("GPU-a0"): 301, power("GPU-b0"): 205, running("b:8000", "llama"): 1},
        Question(GPU_ENGINE, {engine("GPU-b0", "b:8000", "llama"): 1}),
        Question(
            "llm:gpu_power_watts:sum",
            {
                recorded("llm:gpu_power_watts:sum", "llama"): 205,
                recorded("llm:gpu_power_watts:sum"): 301,
            },
        ),
    )


@pytest.mark.parametrize(
    ("pack", "family", "labels"),
    [
        (BY_MAP, "vllm:num_requests_running", ""),
        (BY_MAP, SGLANG, ""),
        (BY_POD, "vllm:num_requests_running", ', namespace="ai", pod="two-0"'),
        (BY_POD, SGLANG, ', namespace="ai", pod="two-0"'),
    ],
)
def test_a_server_of_several_models_places_none(
    promtool: Path, tmp_path: Path, pack: Pack, family: str, labels: str
) -> None:
    """Which of two models its GPU works for cannot be said, so it works for none of them alone."""
    instance, uuid = ("q:30000", "GPU-q0") if family == SGLANG else ("b:8000", "GPU-b0")
    check(
        promtool,
        tmp_path,
        pack,
        {
            power(uuid, labels): 205,
            running(instance, "llama", labels, family): 1,
            running(instance, "qwen", labels, family): 2,
        },
        Question(GPU_ENGINE, {}),
        Question("llm:gpu_power_watts:sum", {recorded("llm:gpu_power_watts:sum"): 205}),
    )


@pytest.mark.parametrize("pack", [BY_MAP, BY_POD], ids=["by map", "by pod"])
def test_others_place_nothing(promtool: Path, tmp_path: Path, pack: Pack) -> None:
    """A switch is no GPU, a router no engine, and what another source's GPUs do is another thing."""
    labels = ', namespace="ai", pod="llama-0"'
    other = 'UUID="GPU-a0", model="bert", role="gpu", source="other"'
    questions = [
        Question(f'{GPU_MODEL}{{source="dcgm"}}', {model("GPU-a0", "llama"): 1}),
        Question("llm:gpu_power_watts:sum", {recorded("llm:gpu_power_watts:sum", "llama"): 301}),
    ]
    check(
        promtool,
        tmp_path,
        pack,
        {
            power("GPU-a0", labels): 301,
            running("a:8000", "llama", labels): 1,
            f'DCGM_FI_DEV_POWER_USAGE{{job="dcgm", instance="switch:9400"{labels}}}': 11,
            f'{NEWER}{{job="dcgm", instance="switch:9401"{labels}}}': 13,
            f'vllm:num_requests_running{{instance="a:8000"{labels}}}': 3,
            f'{GPU_ENGINE}{{engine_source="vllm", engine_instance="b:8000", {other}}}': 1,
            f"{GPU_MODEL}{{{other}}}": 1,
        },
        *questions,
    )


@pytest.mark.parametrize("second", ["llama", "qwen"])
def test_a_gpu_that_two_engines_share(promtool: Path, tmp_path: Path, second: str) -> None:
    """It works for both engines; for a model only where both serve the same."""
    served = "llama" if second == "llama" else ""
    check(
        promtool,
        tmp_path,
        BY_MAP,
        {
            power("GPU-s"): 301,
            running("c:8000", "llama"): 1,
            running("r:30000", second, "", SGLANG): 2,
        },
        Question(
            GPU_ENGINE,
            {
                engine("GPU-s", "c:8000", "llama"): 1,
                engine("GPU-s", "r:30000", second, "sglang"): 1,
            },
        ),
        Question(GPU_MODEL, {model("GPU-s", served): 1}),
        Question("llm:gpu_power_watts:sum", {recorded("llm:gpu_power_watts:sum", served): 301}),
    )


def in_pod(name: str) -> str:
    """The labels of a pod, of an engine's target and of a GPU where Prometheus honours labels."""
    return f', namespace="ai", pod="{name}"'


def of_pod(name: str) -> str:
    """The labels of a GPU where it does not: its pod, behind that of the exporter."""
    exporter = ', namespace="gpu-operator", pod="dcgm-7"'
    return f'{exporter}, exported_namespace="ai", exported_pod="{name}"'


def placed(uuid: str, pod: str, instance: str, name: str, source: str = "vllm") -> str:
    """A GPU and its engine, as they are recorded where their pod tells."""
    return engine(uuid, instance, name, source, in_pod(pod))


def test_gpus_work_for_the_engine_of_their_pod(promtool: Path, tmp_path: Path) -> None:
    """With or without honoured labels; a GPU without a pod is nobody's, an engine without one too."""
    check(
        promtool,
        tmp_path,
        BY_POD,
        {
            # Tensor parallel on two GPUs, and a second replica.
            power("GPU-a0", in_pod("llama-0")): 301,
            power("GPU-a1", in_pod("llama-0")): 403,
            power("GPU-b0", of_pod("llama-1"), NEWER): 205,
            power("GPU-q0", of_pod("qwen-0"), NEWER): 111,
            # No pod at all, the exporter's own alone, and a pod that serves no model.
            power("GPU-x0"): 51,
            power("GPU-y0", ', namespace="gpu-operator", pod="dcgm-7"'): 53,
            power("GPU-z0", of_pod("training-0")): 55,
            running("10.0.0.1:8000", "llama", in_pod("llama-0")): 3,
            running("10.0.0.2:8000", "llama", in_pod("llama-1")): 5,
            running("10.0.0.3:30000", "qwen", in_pod("qwen-0"), SGLANG): 7,
            running("192.168.0.9:8000", "llama"): 9,
            # The same name in another namespace is another pod.
            running("10.0.0.4:8000", "bert", ', namespace="dev", pod="llama-0"'): 1,
        },
        Question(
            f"sum without (namespace, pod) ({GPU_ENGINE})",
            {
                engine("GPU-a0", "10.0.0.1:8000", "llama").removeprefix(GPU_ENGINE): 1,
                engine("GPU-a1", "10.0.0.1:8000", "llama").removeprefix(GPU_ENGINE): 1,
                engine("GPU-b0", "10.0.0.2:8000", "llama").removeprefix(GPU_ENGINE): 1,
                engine("GPU-q0", "10.0.0.3:30000", "qwen", "sglang").removeprefix(GPU_ENGINE): 1,
            },
        ),
        Question(
            "llm:gpu_power_watts:sum",
            {
                recorded("llm:gpu_power_watts:sum", "llama"): 909,
                recorded("llm:gpu_power_watts:sum", "qwen"): 111,
                recorded("llm:gpu_power_watts:sum"): 159,
            },
        ),
        Question(
            "llm:gpu_power_watts:count",
            {
                recorded("llm:gpu_power_watts:count", "llama"): 3,
                recorded("llm:gpu_power_watts:count", "qwen"): 1,
                recorded("llm:gpu_power_watts:count"): 3,
            },
        ),
    )


@pytest.mark.parametrize("second", ["llama", "qwen"])
def test_a_gpu_that_two_pods_share(promtool: Path, tmp_path: Path, second: str) -> None:
    """It draws its power once, and for a model only where both pods serve the same."""
    served = "llama" if second == "llama" else ""
    check(
        promtool,
        tmp_path,
        BY_POD,
        {
            power("GPU-a0", of_pod("one")): 301,
            power("GPU-a0", of_pod("two")): 299,
            running("10.0.0.1:8000", "llama", in_pod("one")): 3,
            running("10.0.0.2:8000", second, in_pod("two")): 5,
        },
        Question(
            GPU_ENGINE,
            {
                placed("GPU-a0", "one", "10.0.0.1:8000", "llama"): 1,
                placed("GPU-a0", "two", "10.0.0.2:8000", second): 1,
            },
        ),
        Question(GPU_MODEL, {model("GPU-a0", served): 1}),
        Question("llm:gpu_power_watts:sum", {recorded("llm:gpu_power_watts:sum", served): 301}),
        Question("llm:gpu_power_watts:count", {recorded("llm:gpu_power_watts:count", served): 1}),
    )
