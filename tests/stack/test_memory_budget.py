"""How much KV cache fits beside a model's weights, held against published sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from llmstack.cli import main
from llmstack.errors import BudgetError, ModelError
from llmstack.memory_budget import GB, MODELS, budget, known, read_model

CARDS: dict[str, Any] = {"gpu_memory": 48.0, "gpus": 2}

#: What decides sizes in each model's config.json, as published.
CONFIGS: dict[str, dict[str, Any]] = {
    "llama-3.1-8b": {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": False},
    "llama-3.3-70b": {"hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 28672, "vocab_size": 128256},
    "llama-2-13b": {"hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40, "intermediate_size": 13824, "vocab_size": 32000},
    "mixtral-8x7b": {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 32000, "num_local_experts": 8},
    "qwen2.5-7b": {"hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "intermediate_size": 18944, "vocab_size": 152064},
    "qwen3-32b": {"hidden_size": 5120, "num_hidden_layers": 64, "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 25600, "vocab_size": 151936},
    "deepseek-v3": {"hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128, "num_key_value_heads": 128, "head_dim": 128, "intermediate_size": 18432, "vocab_size": 129280, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "n_routed_experts": 256, "n_shared_experts": 1, "moe_intermediate_size": 2048, "first_k_dense_replace": 3},
}  # fmt: skip


def config(folder: Path, values: dict[str, Any]) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(values))
    return path


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_says_what_the_table_says(name: str, tmp_path: Path) -> None:
    """Weights counted from it are the published ones within half a percent; the cache is the same."""
    found, expected = read_model(config(tmp_path, CONFIGS[name])), known(name)

    assert found.parameters == pytest.approx(expected.parameters, rel=0.005)
    assert found.kept_numbers(1) == expected.kept_numbers(1)
    assert found.kept_numbers(2) == expected.kept_numbers(2)


@pytest.mark.parametrize(
    ("name", "settings", "weights_gb", "left_gb"),
    [
        # Two cards of 48 GB: 70B in eight bits leaves 26 GB, in four 61.
        ("llama-3.3-70b", {"tp": 2, "weights": "int8"}, 70, 26),
        ("llama-3.3-70b", {"tp": 2, "weights": "awq"}, 35, 61),
        # What is not spread has one card's memory only, however many there are.
        ("llama-2-7b", {}, 14, 34),
        ("llama-2-13b", {}, 26, 22),
        ("mixtral-8x7b", {"tp": 2, "weights": "int8"}, 47, 49),
    ],
)
def test_what_is_left(
    name: str, settings: dict[str, Any], weights_gb: float, left_gb: float
) -> None:
    """On two cards of 48 GB, to a GB."""
    found = budget(known(name), **CARDS, **settings)

    assert found.weights / GB == pytest.approx(weights_gb, abs=1)
    assert found.left / GB == pytest.approx(left_gb, abs=1)


def test_tokens_of_a_70b() -> None:
    """320 KB a token with grouped queries in fp16, so 26 GB hold about 80,000; in eight bits twice as many."""
    found = budget(known("llama-3.3-70b"), **CARDS, tp=2, weights="int8")
    halved = budget(known("llama-3.3-70b"), **CARDS, tp=2, weights="int8", cache="fp8")

    assert 320 * 1024 == found.token
    assert found.tokens == pytest.approx(80_000, rel=0.05)
    assert halved.tokens == pytest.approx(2 * found.tokens, abs=1)


def test_utilization_and_headroom_are_taken_first() -> None:
    """Of each GPU of the group."""
    plain = budget(known("llama-3.1-8b"), gpu_memory=24, tp=2)
    found = budget(known("llama-3.1-8b"), gpu_memory=24, tp=2, utilization=0.9, headroom_gb=1)

    assert plain.left - found.left == pytest.approx((2 * 24 * 0.1 + 2 * 1) * GB)


@pytest.mark.parametrize(
    ("name", "tp", "times"), [("qwen2.5-7b", 2, 1), ("qwen2.5-7b", 8, 2), ("deepseek-v3", 8, 8)]
)
def test_what_is_kept_twice(name: str, tp: int, times: int) -> None:
    """More GPUs than heads hold some twice; what is compressed (MLA) each holds whole."""
    assert times * known(name).kept_numbers(1) == known(name).kept_numbers(tp)


def test_replicas() -> None:
    """GPUs that one replica does not need hold others."""
    assert 2 == budget(known("llama-3.1-8b"), gpu_memory=48, gpus=5, tp=2).replicas


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"gpus": 1, "tp": 2}, "expected 2 GPUs or more for tp 2 x pp 1, got 1"),
        ({"pp": 99}, "pp 99 is more than the 80 layers of llama-3.3-70b"),
        ({"weights": "int3"}, "expected a precision out of fp32"),
        ({"cache": "q8"}, "expected a precision out of fp32"),
        ({}, "llama-3.3-70b in fp16 takes 141.1 GB, and 48.0 GB are there on 1 GPUs; spread it with --tp"),
    ],
)  # fmt: skip
def test_what_cannot_be(settings: dict[str, Any], expected: str) -> None:
    """Said with what would work."""
    with pytest.raises(BudgetError) as found:
        budget(known("llama-3.3-70b"), gpu_memory=48, **settings)

    assert str(found.value).startswith(expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("{", "expected a config.json, got"),
        ("[]", "expected hidden_size to be a whole number, got None"),
        ('{"hidden_size": "big"}', "expected hidden_size to be a whole number, got 'big'"),
    ],
)
def test_configs_that_say_too_little(values: str, expected: str, tmp_path: Path) -> None:
    """With the file and the setting."""
    path = tmp_path / "config.json"
    path.write_text(values)
    with pytest.raises(ModelError) as found:
        read_model(path)

    assert expected in str(found.value)
    assert str(path) in str(found.value)


def test_the_language_part_of_a_model_of_several_inputs(tmp_path: Path) -> None:
    """Its settings stand in a part of their own."""
    nested = read_model(config(tmp_path, {"text_config": CONFIGS["llama-3.1-8b"]}))

    assert nested.parameters == pytest.approx(8.03e9, rel=0.005)


def test_the_command() -> None:
    """A line for each part, and how many requests fit; a name that is nearly known is helped."""
    run = CliRunner().invoke
    done = run(main, ["memory-budget", "llama-3.3-70b", "--gpu-memory", "48", "--tp", "2", "--precision", "int8", "--length", "4096"])  # fmt: skip
    listed = run(main, ["memory-budget", "--list"])
    near = run(main, ["memory-budget", "llama-3-70b", "--gpu-memory", "48"])

    assert (
        "memory of 2 GPUs                       96.0 GB\n"
        "weights of llama-3.3-70b              -70.5 GB\n"
        "left for the KV cache                  25.4 GB\n"
        "KV cache of a token                     320 KB\n"
        "tokens that it holds                    77,667\n"
        "requests of 4,096 tokens at once            18\n"
    ) == done.output
    assert len(MODELS) + 1 == len(listed.output.splitlines())
    assert (1, "Error: model llama-3-70b: not in the table; the nearest is llama-3.3-70b, or give the path of a config.json\n") == (near.exit_code, near.output)  # fmt: skip
