"""Presets: how fast a model is on a GPU, and how much it takes on, derived from data sheets.

A preset is a derivation and no measurement. What it takes from where:

- the model's parameters and the KV cache of a token from `memory_budget`;
- a GPU's memory, its dense peak and its bandwidth from NVIDIA's data sheets;
- of the peak, half is reached while prompts are read (published figures of model FLOPS utilisation
  in prefill lie between 0.4 and 0.6), and of the bandwidth three quarters while they are answered;
- a token of a prompt costs two operations a parameter that takes part in it; a step reads all
  weights once, and has a fixed part for scheduling and starting kernels;
- a sequence that is written costs one such token, and reading the KV cache of a middling context.

How much is taken on follows vLLM's defaults for an API server (`EngineArgs`, 0.12): 1024 sequences
and 8192 tokens a step on GPUs of 70 GB and more, A100 excepted, else 256 and 2048.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmstack import memory_budget
from llmstack.errors import ModelError
from llmstack.memory_budget import PRECISIONS
from llmstack.nearest import nearest
from llmstack.simulator.blocks import BLOCK_TOKENS
from llmstack.simulator.rates import Limits, Rates, token_gap, unloaded_first_token

#: Shares of the peak and of the bandwidth that are reached.
COMPUTE_SHARE, BANDWIDTH_SHARE = 0.5, 0.75
#: Seconds of a step that no GPU makes shorter.
STEP_SECONDS = 0.003
#: Tokens whose keys and values a sequence reads in each step, of a middling conversation: the
#: medians of Azure's trace of 2023 are 1020 tokens of prompt and 129 of answer.
CONTEXT = 1024
#: vLLM's --gpu-memory-utilization, and GB of each GPU for activations and CUDA graphs.
UTILIZATION, HEADROOM_GB = 0.9, 2.0
#: Parameters that take part in a token, of models that have more (Mixtral's and DeepSeek's papers).
ACTIVE = {"mixtral-8x7b": 12.9e9, "deepseek-v3": 37e9}


@dataclass(frozen=True)
class Gpu:
    """What a data sheet says."""

    name: str
    memory_gb: float
    #: Operations a second of dense matrices, in bf16; int8 and fp8 have twice as many where the
    #: GPU knows fp8.
    peak: float
    knows_fp8: bool
    #: Bytes a second.
    bandwidth: float
    #: Sequences at a time and tokens of a step that vLLM's server takes on it where nobody says
    #: (`EngineArgs.get_batch_defaults` of 0.32.0).
    batch: tuple[int, int] = (256, 2048)


GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu("l4", 24, 121e12, True, 0.300e12),
        Gpu("rtx-4090", 24, 165e12, True, 1.008e12),
        Gpu("l40s", 48, 362e12, True, 0.864e12),
        Gpu("a100", 80, 312e12, False, 2.039e12),
        Gpu("h100", 80, 989e12, True, 3.35e12, (1024, 8192)),
        Gpu("h200", 141, 989e12, True, 4.8e12, (1024, 8192)),
        Gpu("b200", 180, 2250e12, True, 8.0e12, (1024, 16384)),
    )
}


@dataclass(frozen=True)
class Preset:
    """A model on GPUs."""

    model: str
    gpu: str
    gpus: int = 1
    precision: str = "bf16"
    model_length: int = 8192

    @property
    def name(self) -> str:
        """What it is called."""
        count = f"{self.gpus}x" if self.gpus > 1 else ""
        return f"{self.model}-{count}{self.gpu}"

    @property
    def rates(self) -> Rates:
        """How fast it is."""
        model, gpu = memory_budget.known(self.model), GPUS[self.gpu]
        size = PRECISIONS[self.precision]
        peak = gpu.peak * (2 if gpu.knows_fp8 and size == 1 else 1)
        operations = 2 * ACTIVE.get(self.model, model.parameters)
        prefill = operations / (self.gpus * peak * COMPUTE_SHARE)
        bandwidth = self.gpus * gpu.bandwidth * BANDWIDTH_SHARE
        context = CONTEXT * model.kept_numbers(self.gpus) * PRECISIONS["fp16"]
        return Rates(
            step=STEP_SECONDS + model.parameters * size / bandwidth,
            prefill=prefill,
            decode=prefill + context / bandwidth,
        )

    @property
    def limits(self) -> Limits:
        """How much it takes on."""
        gpu = GPUS[self.gpu]
        budget = memory_budget.budget(
            memory_budget.known(self.model),
            gpu_memory=gpu.memory_gb,
            tp=self.gpus,
            weights=self.precision,
            utilization=UTILIZATION,
            headroom_gb=HEADROOM_GB,
        )
        sequences, batched = gpu.batch
        blocks = budget.tokens // BLOCK_TOKENS
        return Limits(blocks, sequences, batched, min(self.model_length, blocks * BLOCK_TOKENS))


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("llama-3.1-8b", "l4", model_length=8192),
        Preset("llama-3.1-8b", "l40s", model_length=32768),
        Preset("llama-3.1-8b", "a100", model_length=131072),
        Preset("llama-3.1-8b", "h100", model_length=131072),
        Preset("mistral-7b", "rtx-4090", model_length=8192),
        Preset("qwen2.5-7b", "l4", model_length=16384),
        Preset("qwen2.5-7b", "l40s", model_length=32768),
        Preset("qwen2.5-32b", "h100", precision="fp8", model_length=32768),
        Preset("qwen3-32b", "h200", model_length=40960),
        Preset("mixtral-8x7b", "h100", 2, model_length=32768),
        Preset("llama-3.3-70b", "a100", 4, model_length=131072),
        Preset("llama-3.3-70b", "h100", 4, precision="fp8", model_length=131072),
        Preset("llama-3.3-70b", "h200", 2, precision="fp8", model_length=131072),
        Preset("qwen2.5-72b", "l40s", 4, precision="int8", model_length=32768),
        Preset("deepseek-v3", "h200", 8, precision="fp8", model_length=131072),
        Preset("llama-3.3-70b", "b200", precision="fp8", model_length=131072),
    )
}
#: The smallest, whose limits a laptop's traffic reaches.
USUAL = "llama-3.1-8b-l4"


def preset(name: str) -> Preset:
    """Return a preset of the table.

    Raises:
        ModelError: it is not in it; the nearest is named.
    """
    if name in PRESETS:
        return PRESETS[name]
    near = nearest(name, PRESETS)
    hint = f"the nearest is {near}" if near else "see them with --list"
    raise ModelError(f"preset {name}: not in the table; {hint}")


def known_presets() -> str:
    """Return the table as text, with what follows from it."""
    lines = [("preset", "precision", "TTFT", "ITL", "ITL at 64", "KV tokens", "sequences")]
    for each in PRESETS.values():
        rates, limits = each.rates, each.limits
        lines.append(
            (
                each.name,
                each.precision,
                _milliseconds(unloaded_first_token(rates, limits, CONTEXT)),
                _milliseconds(token_gap(rates, 1)),
                _milliseconds(token_gap(rates, 64)),
                f"{limits.blocks * BLOCK_TOKENS:,}",
                f"{limits.sequences}",
            )
        )
    width = max(len(line[0]) for line in lines)
    return "\n".join(
        f"{first:<{width}}" + "".join(f"{cell:>11}" for cell in rest) for first, *rest in lines
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
