"""What is judged of which facts: each check by a table of one fact that differs from a good machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmstack.memory_budget import GB, known
from llmstack.preflight.facts import Docker, Facts, Gpu, Gpus, ModelFiles
from llmstack.preflight.judge import CHECKS, judge
from llmstack.preflight.machine import Disk, PortState
from llmstack.preflight.profiles import PROFILES, Engine, profile
from llmstack.preflight.report import Finding, Verdict, failed
from llmstack.preflight.settings import read_settings

OK, WARN, FAIL, SKIPPED = Verdict.OK, Verdict.WARN, Verdict.FAIL, Verdict.SKIPPED
CARD = Gpu(0, "NVIDIA L40S", (8, 9), 48 * GB, 0)
CARDS = (CARD, replace(CARD, index=1))
MODEL = ModelFiles(shape=known("llama-3.1-8b"))
GOOD = Facts(
    Gpus(CARDS, "580.95.05", (13, 0)),
    Docker("28.3.2", "2.39.1", frozenset({"runc", "nvidia"})),
    "1.17.8",
    False,
    Disk(1, 1000 * GB),
    Disk(1, 1000 * GB),
    {},
    MODEL,
)
NO_GPU = replace(GOOD, gpus=Gpus(problem="nvidia-smi is not installed"), toolkit=None)
NOTHING = Facts(
    Gpus(problem="nvidia-smi is not installed"), Docker(problem="docker is not installed")
)


def gpus(**changes: Any) -> Facts:
    return replace(GOOD, gpus=replace(GOOD.gpus, **changes))


def cards(*changes: dict[str, Any]) -> Facts:
    found = tuple(replace(CARD, index=at, **each) for at, each in enumerate(changes))
    return gpus(gpus=found)


def docker(**changes: Any) -> Facts:
    return replace(GOOD, docker=replace(GOOD.docker, **changes))


def judged(name: str, facts: Facts, **environment: str) -> dict[str, Finding]:
    """Judge a profile with a model that anybody may have, on ports that are free."""
    asked = profile(name)
    settings = read_settings(asked, {"MODEL_NAME": "Qwen/Qwen3-8B", **environment})
    ports = {key: facts.ports.get(key, PortState.FREE) for key in settings.ports}
    found = judge(asked, settings, replace(facts, ports=ports))
    return {finding.check: finding for finding in found}


@pytest.mark.parametrize("name", [each.name for each in PROFILES])
def test_a_good_machine(name: str) -> None:
    """Nothing fails or warns, and what is skipped is what the profile does not need."""
    found = judged(name, GOOD)
    skipped = {check for check, finding in found.items() if finding.verdict is SKIPPED}
    of_gpus = {"driver", "cuda", "capability", "gpus", "toolkit", "model", "memory", "memory free"}

    assert {OK, SKIPPED} >= {finding.verdict for finding in found.values()}
    assert skipped == (set() if profile(name).engine is Engine.GPU else of_gpus)


@pytest.mark.parametrize("name", [each.name for each in PROFILES])
def test_a_machine_without_anything(name: str) -> None:
    """Whatever needs a GPU fails with what to do, and is skipped where the profile needs none."""
    found = judged(name, NOTHING)
    verdicts = [found[check].verdict for check in ("driver", "cuda", "capability", "gpus", "toolkit", "memory", "memory free")]  # fmt: skip
    needs_gpu = profile(name).engine is Engine.GPU

    assert [FAIL if needs_gpu else SKIPPED] * 7 == verdicts
    assert (FAIL, "install Docker Engine") == (found["docker"].verdict, found["docker"].remedy)
    assert all(f.remedy and f.needed for f in found.values() if f.verdict is FAIL)


def test_a_machine_with_docker_alone_simulates() -> None:
    """The profile sim needs no GPU."""
    assert not failed(judged("sim", NO_GPU).values())
    assert failed(judged("vllm", NO_GPU).values())


OLD_VLLM = {"VLLM_IMAGE": "vllm/vllm-openai:v0.9.2"}
CUDA_129 = {"VLLM_IMAGE": "vllm/vllm-openai:v0.21.0-cu129"}


@pytest.mark.parametrize(
    ("check", "name", "facts", "environment", "verdict", "found"),
    [
        # Driver: 580 for CUDA 13, 525 for CUDA 12.
        ("driver", "vllm", gpus(driver="580.65.06"), {}, OK, "driver 580.65.06"),
        ("driver", "vllm", gpus(driver="579.99"), {}, FAIL, "driver 579.99"),
        ("driver", "vllm", gpus(driver="570.86.15"), OLD_VLLM, OK, "driver 570.86.15"),
        ("driver", "vllm", gpus(driver="525.60.13"), CUDA_129, OK, "driver 525.60.13"),
        ("driver", "vllm", gpus(driver="515.105.01"), OLD_VLLM, FAIL, "driver 515.105.01"),
        ("driver", "triton-trtllm", gpus(driver="575.57.08"), {}, FAIL, "driver 575.57.08"),
        # The CUDA that the driver runs.
        ("cuda", "vllm", gpus(cuda=(13, 2)), {}, OK, "the driver runs CUDA 13.2"),
        ("cuda", "vllm", gpus(cuda=(12, 9)), {}, FAIL, "the driver runs CUDA 12.9"),
        ("cuda", "vllm", gpus(cuda=(12, 4)), OLD_VLLM, OK, "the driver runs CUDA 12.4"),
        ("cuda", "vllm", gpus(cuda=(12, 4)), CUDA_129, WARN, "the driver runs CUDA 12.4"),
        ("cuda", "vllm", gpus(cuda=None), {}, SKIPPED, "nvidia-smi does not tell the driver's CUDA"),
        # Compute capability.
        ("capability", "vllm", cards({"capability": (7, 5)}), {}, OK, "GPU 0 NVIDIA L40S has 7.5"),
        ("capability", "vllm", cards({"capability": (7, 0)}), {}, FAIL, "GPU 0 NVIDIA L40S has 7.0"),
        ("capability", "vllm", cards({"capability": (7, 0)}), OLD_VLLM, OK, "GPU 0 NVIDIA L40S has 7.0"),
        ("capability", "vllm", cards({"capability": (6, 1)}), OLD_VLLM, FAIL, "GPU 0 NVIDIA L40S has 6.1"),
        ("capability", "triton-trtllm", cards({"capability": (7, 5)}), {}, FAIL, "GPU 0 NVIDIA L40S has 7.5"),
        ("capability", "triton-trtllm", cards({"capability": (8, 0)}), {}, OK, "GPU 0 NVIDIA L40S has 8.0"),
        ("capability", "triton-vllm", cards({"capability": (10, 0)}), {}, OK, "GPU 0 NVIDIA L40S has 10.0"),
        ("capability", "vllm", cards({}, {"capability": (6, 1)}), {}, WARN, "GPU 1 NVIDIA L40S has 6.1"),
        ("capability", "vllm", cards({}, {"capability": (6, 1)}), {"TP_SIZE": "2"}, FAIL, "GPU 1 NVIDIA L40S has 6.1"),
        ("capability", "vllm", cards({"capability": None}), {}, WARN, "the driver does not tell that of GPU 0 NVIDIA L40S"),
        # As many GPUs as one replica is spread over.
        ("gpus", "vllm", GOOD, {"TP_SIZE": "2"}, OK, "2: GPU 0 NVIDIA L40S, GPU 1 NVIDIA L40S"),
        ("gpus", "vllm", GOOD, {"TP_SIZE": "2", "PP_SIZE": "2"}, FAIL, "2: GPU 0 NVIDIA L40S, GPU 1 NVIDIA L40S"),
        # Docker.
        ("docker", "sim", docker(engine="20.10.24+dfsg1"), {}, OK, "engine 20.10.24+dfsg1"),
        ("docker", "sim", docker(engine="19.03.15"), {}, FAIL, "engine 19.03.15"),
        ("docker", "sim", docker(engine=None, problem="docker says: permission denied"), {}, FAIL, "docker says: permission denied"),
        ("compose", "sim", docker(compose="2.21.0"), {}, OK, "2.21.0"),
        ("compose", "sim", docker(compose="v2.20.3"), {}, FAIL, "v2.20.3"),
        ("compose", "sim", docker(compose=None), {}, FAIL, "docker compose does not answer"),
        # What hands GPUs to containers.
        ("toolkit", "vllm", GOOD, {}, OK, "runtime nvidia of Docker, nvidia-container-toolkit 1.17.8"),
        ("toolkit", "vllm", replace(GOOD, toolkit=None), {}, OK, "runtime nvidia of Docker"),
        ("toolkit", "vllm", docker(runtimes=frozenset(), devices=("nvidia.com/gpu=all",)), {}, OK, "GPUs as CDI devices of Docker"),
        ("toolkit", "vllm", docker(runtimes=frozenset({"runc"})), {}, WARN, "nvidia-container-toolkit 1.17.8, but Docker has no runtime nvidia"),
        ("toolkit", "vllm", replace(GOOD, docker=Docker(problem="docker is not installed")), {}, FAIL, "nvidia-container-toolkit 1.17.8, but no Docker that knows it"),
        ("toolkit", "vllm", replace(docker(runtimes=frozenset({"runc"})), toolkit=None), {}, FAIL, "not installed"),
        # Disk: weights of 8 billion numbers are 16 GB, and TensorRT-LLM writes them three times.
        ("disk", "vllm", replace(GOOD, images_disk=Disk(1, 57 * GB), models_disk=Disk(1, 57 * GB)), {}, OK, "57 GB free"),
        ("disk", "vllm", replace(GOOD, images_disk=Disk(1, 56 * GB), models_disk=Disk(1, 56 * GB)), {}, FAIL, "56 GB free"),
        ("disk", "vllm", replace(GOOD, images_disk=Disk(1, 40 * GB), models_disk=Disk(2, 1)), {}, OK, "40 GB free"),
        ("disk of models", "vllm", replace(GOOD, models_disk=Disk(2, 17 * GB)), {}, OK, "17 GB free"),
        ("disk of models", "vllm", replace(GOOD, models_disk=Disk(2, 16 * GB)), {}, FAIL, "16 GB free"),
        ("disk of models", "vllm", replace(GOOD, models_disk=Disk(2, 9 * GB)), {"QUANTIZATION": "fp8"}, OK, "9 GB free"),
        ("disk of models", "triton-trtllm", replace(GOOD, models_disk=Disk(2, 48 * GB)), {}, FAIL, "48 GB free"),
        ("disk of models", "triton-trtllm", replace(GOOD, models_disk=Disk(2, 49 * GB)), {}, OK, "49 GB free"),
        ("disk of models", "vllm", replace(GOOD, models_disk=Disk(2, 1), model=replace(MODEL, is_cached=True)), {}, OK, "0 GB free"),
        ("disk of models", "vllm", replace(GOOD, model=ModelFiles()), {}, SKIPPED, "how large the weights are is not known"),
        ("disk", "sim", replace(GOOD, images_disk=None), {}, SKIPPED, "nobody can tell how much is free"),
        ("disk", "sim", replace(GOOD, images_disk=Disk(1, 4 * GB)), {}, FAIL, "4 GB free"),
        ("disk", "vllm", replace(GOOD, has_image=True, images_disk=Disk(1, 5 * GB), models_disk=Disk(2, 1)), {}, OK, "5 GB free"),
        # Ports.
        ("port 8000", "vllm", replace(GOOD, ports={"VLLM_PORT": PortState.TAKEN}), {}, FAIL, "taken on 127.0.0.1"),
        ("port 8123", "vllm", replace(GOOD, ports={"GATEWAY_PORT": PortState.TAKEN}), {"GATEWAY_PORT": "8123", "GATEWAY_HOST": "0.0.0.0"}, FAIL, "taken on 0.0.0.0"),
        ("password", "vllm", GOOD, {}, OK, "the default, on 127.0.0.1"),
        ("password", "vllm", GOOD, {"GRAFANA_HOST": "localhost"}, OK, "the default, on localhost"),
        ("password", "vllm", GOOD, {"GRAFANA_HOST": "::1"}, OK, "the default, on ::1"),
        ("password", "vllm", GOOD, {"GRAFANA_HOST": "0.0.0.0"}, FAIL, "the default, on 0.0.0.0"),
        ("password", "sim", GOOD, {"GRAFANA_HOST": "10.0.0.7", "GRAFANA_ADMIN_PASSWORD": "admin"}, FAIL, "the default, on 10.0.0.7"),
        ("password", "vllm", GOOD, {"GRAFANA_HOST": "monitor.example", "GRAFANA_ADMIN_PASSWORD": "hush"}, OK, "one of your own, on monitor.example"),
        ("port 443", "gateway", replace(GOOD, ports={"GATEWAY_PORT": PortState.FORBIDDEN}), {"GATEWAY_PORT": "443"}, WARN, "not allowed to this user"),
        ("port 8080", "sim", replace(GOOD, ports={"GATEWAY_PORT": PortState.ELSEWHERE}), {"GATEWAY_HOST": "192.0.2.1"}, FAIL, "192.0.2.1 is no address of this machine"),
        ("port 8100", "triton-vllm", GOOD, {"TRITON_METRICS_PORT": "8100"}, FAIL, "TRITON_METRICS_PORT and TRITON_HTTP_PORT are both 8100"),
        # The model.
        ("model", "vllm", GOOD, {}, OK, "Qwen/Qwen3-8B, to be downloaded without HF_TOKEN"),
        ("model", "vllm", GOOD, {"MODEL_NAME": ""}, FAIL, "MODEL_NAME is not set"),
        ("model", "vllm", GOOD, {"MODEL_NAME": "llama"}, FAIL, "llama is neither a folder here nor owner/name"),
        ("model", "vllm", GOOD, {"MODEL_NAME": "meta-llama/Llama-3.1-8B"}, FAIL, "meta-llama/Llama-3.1-8B is gated, and HF_TOKEN is not set"),
        ("model", "vllm", GOOD, {"MODEL_NAME": "meta-llama/Llama-3.1-8B", "HF_TOKEN": "hush"}, OK, "meta-llama/Llama-3.1-8B is gated, and HF_TOKEN is set"),
        ("model", "vllm", GOOD, {"MODEL_NAME": "mistralai/Mistral-7B-v0.1"}, WARN, "mistralai/Mistral-7B-v0.1 may be gated, and HF_TOKEN is not set"),
        ("model", "vllm", GOOD, {"MODEL_NAME": "mistralai/Mistral-7B-v0.1", "HF_TOKEN": "hush"}, OK, "mistralai/Mistral-7B-v0.1, to be downloaded with HF_TOKEN"),
        ("model", "vllm", replace(GOOD, model=replace(MODEL, is_cached=True)), {"MODEL_NAME": "meta-llama/Llama-3.1-8B", "MODEL_CACHE_DIR": "/m"}, OK, "meta-llama/Llama-3.1-8B is in /m"),
        ("model", "vllm", replace(GOOD, model=ModelFiles(Path("/m"))), {"MODEL_NAME": "/m"}, FAIL, "/m is not there"),
        ("model", "vllm", replace(GOOD, model=ModelFiles(Path("/m"), exists=True)), {"MODEL_NAME": "/m"}, FAIL, "/m cannot be read"),
        ("model", "vllm", replace(GOOD, model=ModelFiles(Path("/m"), True, True)), {"MODEL_NAME": "/m"}, OK, "/m can be read"),
        ("model", "vllm", replace(GOOD, model=ModelFiles(Path("/m"), True, True, problem="/m/config.json: expected")), {"MODEL_NAME": "/m"}, WARN, "/m/config.json: expected"),
        # Memory: 16.1 GB of 43.2 (90 % of 48), and 2 for the rest.
        ("memory", "vllm", GOOD, {}, OK, "25.1 GB are left for 191,802 tokens of KV cache"),
        ("memory", "vllm", cards({"memory": 19 * GB}), {}, WARN, "1.0 GB are left, and 2 GB go to activations and the runtime"),
        ("memory", "vllm", cards({"memory": 16 * GB}), {}, FAIL, "llama-3.1-8b in fp16 takes 16.1 GB, and 14.4 GB are there on 1 GPUs"),
        ("memory", "vllm", cards({"memory": 16 * GB}), {"QUANTIZATION": "awq"}, OK, "8.4 GB are left for 63,972 tokens of KV cache"),
        ("memory", "vllm", cards({"memory": 24 * GB}, {"memory": 16 * GB}), {"TP_SIZE": "2"}, OK, "8.7 GB are left for 66,680 tokens of KV cache"),
        ("memory", "vllm", GOOD, {"MAX_MODEL_LEN": "191802"}, OK, "25.1 GB are left for 191,802 tokens of KV cache"),
        ("memory", "vllm", GOOD, {"MAX_MODEL_LEN": "191803"}, FAIL, "25.1 GB are left for 191,802 tokens of KV cache"),
        ("memory", "vllm", GOOD, {"TP_SIZE": "4"}, SKIPPED, "there are too few GPUs: see gpus"),
        ("memory", "vllm", cards(*[{}] * 33), {"PP_SIZE": "33"}, FAIL, "pp 33 is more than the 32 layers of llama-3.1-8b"),
        ("memory", "vllm", GOOD, {"QUANTIZATION": "bitsandbytes"}, SKIPPED, "how many bits bitsandbytes has is not known"),
        ("memory", "vllm", cards({"memory": None}), {}, SKIPPED, "the driver does not tell the memory of each GPU"),
        ("memory", "vllm", replace(GOOD, model=ModelFiles()), {}, SKIPPED, "how large the model is is not known: llmstack memory-budget tells, of a config.json"),
        ("memory free", "vllm", cards({"used": int(4.8 * GB)}), {}, OK, "no more is in use than is left"),
        ("memory free", "vllm", cards({"used": 5 * GB}), {}, FAIL, "GPU 0: 5.0 of 48.0 GB are in use"),
        ("memory free", "vllm", cards({"used": 5 * GB}), {"GPU_MEMORY_UTILIZATION": "0.8"}, OK, "no more is in use than is left"),
        ("memory free", "vllm", cards({}, {"used": 48 * GB}), {}, OK, "no more is in use than is left"),
        ("memory free", "vllm", cards({"used": None}), {}, SKIPPED, "the driver does not tell that of GPU 0"),
    ],
)  # fmt: skip
def test_checks(
    check: str,
    name: str,
    facts: Facts,
    environment: dict[str, str],
    verdict: Verdict,
    found: str,
) -> None:
    """A fact has its verdict, and whatever is not as it should be has a remedy."""
    finding = judged(name, facts, **environment)[check]

    assert (verdict, found) == (finding.verdict, finding.found)
    assert (verdict in (WARN, FAIL)) == bool(finding.remedy)


@pytest.mark.parametrize(
    ("check", "name", "facts", "environment", "needed", "remedy"),
    [
        ("driver", "vllm", gpus(driver="570.1"), {}, "driver 580 or newer for CUDA 13", "update NVIDIA's driver, or take an image with CUDA 12 (VLLM_IMAGE)"),
        ("driver", "vllm", gpus(driver="470.1"), OLD_VLLM, "driver 525 or newer for CUDA 12", "update NVIDIA's driver"),
        ("capability", "vllm", cards({"capability": (7, 0)}), {}, "compute capability 7.5 or higher", "take newer GPUs, or an image with CUDA 12 (VLLM_IMAGE)"),
        ("capability", "triton-trtllm", cards({"capability": (7, 0)}), {}, "compute capability 8.0 or higher", "take newer GPUs"),
        ("docker", "sim", docker(engine=None, problem="docker says: permission denied"), {}, "Docker Engine 20.10 or newer", "join the group docker, or run as root"),
        ("docker", "sim", docker(engine=None, problem="docker says: Cannot connect"), {}, "Docker Engine 20.10 or newer", "start it (systemctl start docker)"),
        ("port 8000", "vllm", replace(GOOD, ports={"VLLM_PORT": PortState.TAKEN}), {}, "it free for VLLM_PORT", "see who with ss -ltnp 'sport = :8000', or set VLLM_PORT to another port"),
        ("memory", "vllm", GOOD, {"MAX_MODEL_LEN": "200000"}, "200,000 tokens (MAX_MODEL_LEN)", "lower MAX_MODEL_LEN to 191802, or raise TP_SIZE, take a smaller precision (QUANTIZATION) or a smaller model"),
    ],
)  # fmt: skip
def test_remedies(
    check: str, name: str, facts: Facts, environment: dict[str, str], needed: str, remedy: str
) -> None:
    """What is needed is said, and what to do is something that this reader can do."""
    finding = judged(name, facts, **environment)[check]

    assert (needed, remedy) == (finding.needed, finding.remedy)


def test_every_check_says_what_it_holds() -> None:
    """Its docstring is the sentence that an ok stands for."""
    assert [] == [check.__name__ for check in CHECKS if not (check.__doc__ or "").endswith(".")]
