"""How much KV cache fits beside a model's weights: weights, headroom, bytes a token, tokens in all.

GB are 10^9 bytes, as vendors of GPUs and of disks mean them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmstack.errors import BudgetError, ModelError
from llmstack.nearest import hint

GB = 10**9
#: Bytes of a number. Four bits are nominal: files also hold scales, and embeddings in fp16.
PRECISIONS: Mapping[str, float] = {
    "fp32": 4.0,
    "fp16": 2.0,
    "bf16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "awq": 0.5,
    "gptq": 0.5,
    "int4": 0.5,
}


@dataclass(frozen=True)
class Model:
    """What of a model decides how much memory it takes."""

    name: str
    #: Numbers in all weights.
    parameters: float
    layers: int
    #: Heads whose keys and values are kept; fewer than those that ask, with grouped queries.
    kv_heads: int
    head_size: int
    #: Numbers that a layer keeps of a token where keys and values are compressed together (MLA);
    #: each GPU of a tensor-parallel group holds all of them.
    latent: int = 0

    def kept_numbers(self, tp: int) -> int:
        """Return how many numbers the cache of all GPUs of a group holds for one token."""
        if self.latent:
            return self.layers * self.latent * tp
        # With more GPUs than heads some heads are kept twice.
        heads = max(self.kv_heads, tp)
        return 2 * self.layers * heads * self.head_size


#: From the config.json and the weights' index of each model, as published on Hugging Face.
MODELS: tuple[Model, ...] = (
    Model("llama-2-7b", 6.74e9, 32, 32, 128),
    Model("llama-2-13b", 13.02e9, 40, 40, 128),
    Model("llama-2-70b", 68.98e9, 80, 8, 128),
    Model("llama-3.1-8b", 8.03e9, 32, 8, 128),
    Model("llama-3.3-70b", 70.55e9, 80, 8, 128),
    Model("mistral-7b", 7.25e9, 32, 8, 128),
    Model("mixtral-8x7b", 46.70e9, 32, 8, 128),
    Model("qwen2.5-7b", 7.62e9, 28, 4, 128),
    Model("qwen2.5-32b", 32.76e9, 64, 8, 128),
    Model("qwen2.5-72b", 72.71e9, 80, 8, 128),
    Model("qwen3-32b", 32.76e9, 64, 8, 128),
    Model("deepseek-v3", 671.03e9, 61, 128, 128, latent=576),
)


@dataclass(frozen=True)
class Budget:
    """Where the memory of the GPUs that hold one replica goes; in bytes."""

    model: Model
    #: GPUs that hold one replica, and replicas.
    group: int
    replicas: int
    total: float
    #: What the engine may not take, and what it needs besides weights and cache.
    withheld: float
    headroom: float
    weights: float
    #: Of one token, over all GPUs of the group.
    token: float

    @property
    def left(self) -> float:
        """What is left for the KV cache of one replica."""
        return self.total - self.withheld - self.headroom - self.weights

    @property
    def tokens(self) -> int:
        """How many tokens of KV cache one replica holds."""
        return max(0, int(self.left // self.token))


def known(name: str) -> Model:
    """Return a model of the table.

    Raises:
        ModelError: it is not in it; the nearest is named.
    """
    by_name = {model.name: model for model in MODELS}
    if name in by_name:
        return by_name[name]
    told = hint(name, by_name)
    raise ModelError(f"model {name}: not in the table; {told}, or give the path of a config.json")


def known_models() -> str:
    """Return the table as text: parameters, and KB of cache a token in fp16."""
    lines = [("model", "parameters", "KB a token")]
    for model in MODELS:
        token = model.kept_numbers(1) * PRECISIONS["fp16"] / 1024
        lines.append((model.name, f"{model.parameters / 1e9:.1f} B", f"{token:.0f}"))
    return "\n".join(f"{name:<16}{size:>12}{token:>12}" for name, size, token in lines)


def read_model(path: Path) -> Model:
    """Return the model that a config.json of Hugging Face describes; weights are counted from it.

    Raises:
        ModelError: it cannot be read, or lacks something.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: expected a config.json, got {error}") from error
    # Models of several kinds of input keep the language model's settings in a part of their own.
    config = found.get("text_config", found) if isinstance(found, dict) else {}
    return _Config(path, config).model()


@dataclass(frozen=True)
class _Config:
    path: Path
    values: Mapping[str, Any]

    def model(self) -> Model:
        hidden, layers = self.number("hidden_size"), self.number("num_hidden_layers")
        heads = self.number("num_attention_heads")
        kv_heads = self.number("num_key_value_heads", heads)
        size = self.number("head_dim", hidden // heads)
        latent = self.number("kv_lora_rank", 0)
        if latent:
            latent += self.number("qk_rope_head_dim", 0)
        attention = (
            self._latent_attention(hidden, heads)
            if latent
            else hidden * size * 2 * (heads + kv_heads)
        )
        parameters = (
            layers * (attention + 2 * hidden)
            + sum(self._mlp(hidden, layer) for layer in range(layers))
            + self._embeddings(hidden)
            + hidden
        )
        return Model(self.path.parent.name or "model", parameters, layers, kv_heads, size, latent)

    def number(self, name: str, otherwise: int | None = None) -> int:
        value = self.values.get(name)
        if value is None and otherwise is not None:
            return otherwise
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ModelError(f"{self.path}: expected {name} to be a whole number, got {value!r}")
        return value

    def _latent_attention(self, hidden: int, heads: int) -> int:
        rope, rank = self.number("qk_rope_head_dim", 0), self.number("kv_lora_rank")
        plain, value = self.number("qk_nope_head_dim"), self.number("v_head_dim")
        query_rank = self.number("q_lora_rank", 0)
        asked = heads * (plain + rope)
        queries = query_rank * (hidden + asked) if query_rank else hidden * asked
        kept = hidden * (rank + rope) + rank * heads * (plain + value)
        return queries + kept + heads * value * hidden

    def _mlp(self, hidden: int, layer: int) -> int:
        experts = self.number(
            "n_routed_experts", self.number("num_local_experts", self.number("num_experts", 0))
        )
        dense = 3 * hidden * self.number("intermediate_size")
        if not experts or layer < self.number("first_k_dense_replace", 0):
            return dense
        width = self.number("moe_intermediate_size", self.number("intermediate_size"))
        shared = self.number("n_shared_experts", 0)
        return 3 * hidden * width * (experts + shared) + hidden * experts

    def _embeddings(self, hidden: int) -> int:
        tables = 1 if self.values.get("tie_word_embeddings") else 2
        return tables * self.number("vocab_size") * hidden


def budget(
    model: Model,
    *,
    gpu_memory: float,
    gpus: int | None = None,
    tp: int = 1,
    pp: int = 1,
    weights: str = "fp16",
    cache: str = "fp16",
    utilization: float = 1.0,
    headroom_gb: float = 0.0,
) -> Budget:
    """Return where the memory of one replica goes.

    A model that is not spread has the memory of one GPU only, however many there are: the others
    hold replicas of it.

    Args:
        model: what is served.
        gpu_memory: GB of one GPU.
        gpus: GPUs in all; those of one replica if left out.
        tp: GPUs that each layer is spread over.
        pp: groups of GPUs that the layers are spread over.
        weights: precision of the weights.
        cache: precision of the KV cache.
        utilization: the share of each GPU that the engine may take.
        headroom_gb: GB of each GPU for activations, CUDA graphs and the runtime.

    Raises:
        BudgetError: there are fewer GPUs than one replica needs, or the weights do not fit.
    """
    group = tp * pp
    count = group if gpus is None else gpus
    if count < group:
        raise BudgetError(f"expected {group} GPUs or more for tp {tp} x pp {pp}, got {count}")
    if pp > model.layers:
        raise BudgetError(f"pp {pp} is more than the {model.layers} layers of {model.name}")
    total = group * gpu_memory * GB
    found = Budget(
        model,
        group,
        count // group,
        total,
        total * (1 - utilization),
        group * headroom_gb * GB,
        model.parameters * _bytes(weights),
        model.kept_numbers(tp) * _bytes(cache),
    )
    if found.left <= 0:
        raise BudgetError(
            f"{model.name} in {weights} takes {found.weights / GB:.1f} GB, and "
            f"{(found.left + found.weights) / GB:.1f} GB are there on {group} GPUs; "
            "spread it with --tp, or take a smaller precision"
        )
    return found


def _bytes(precision: str) -> float:
    if precision not in PRECISIONS:
        raise BudgetError(f"expected a precision out of {', '.join(PRECISIONS)}, got {precision!r}")
    return PRECISIONS[precision]


def told(found: Budget, length: int | None = None) -> str:
    """Return a budget as people read it.

    Args:
        found: the budget.
        length: tokens of one request, to say how many are served at once.
    """
    spread = "one GPU" if found.group == 1 else f"{found.group} GPUs"
    lines = [
        (f"memory of {spread}", _gb(found.total)),
        ("left to others by the utilization", _gb(-found.withheld)) if found.withheld else None,
        ("headroom", _gb(-found.headroom)) if found.headroom else None,
        (f"weights of {found.model.name}", _gb(-found.weights)),
        ("left for the KV cache", _gb(found.left)),
        ("KV cache of a token", f"{found.token / 1024:.0f} KB"),
        ("tokens that it holds", f"{found.tokens:,}"),
    ]
    if length is not None:
        lines.append((f"requests of {length:,} tokens at once", f"{found.tokens // length:,}"))
    if found.replicas > 1:
        lines.append(
            (
                f"replicas, each with as much, on {found.group * found.replicas} GPUs",
                f"{found.replicas}",
            )
        )
    shown = [line for line in lines if line is not None]
    width = max(len(name) for name, _ in shown)
    return "\n".join(f"{name:<{width}}  {value:>12}" for name, value in shown)


def _gb(size: float) -> str:
    return f"{size / GB:,.1f} GB"
