"""Which model and which precision a name or a config.json means."""

from __future__ import annotations

import pytest

from llmstack.preflight.shapes import (
    precision_of_config,
    precision_of_name,
    precision_of_setting,
    precision_of_type,
    shape_of_name,
)


@pytest.mark.parametrize(
    ("name", "shape", "precision"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b", None),
        ("meta-llama/Meta-Llama-3.1-8B", "llama-3.1-8b", None),
        ("meta-llama/Llama-2-70b-chat-hf", "llama-2-70b", None),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral-8x7b", None),
        ("Qwen/Qwen2.5-7B-Instruct-AWQ", "qwen2.5-7b", "awq"),
        ("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4", "qwen2.5-72b", "gptq"),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "llama-3.3-70b", "fp8"),
        ("deepseek-ai/DeepSeek-V3", "deepseek-v3", "fp8"),
        # Another size, another release, another model.
        ("meta-llama/Llama-3.1-80B", None, None),
        ("Qwen/Qwen2.5-7BX", None, None),
        ("deepseek-ai/DeepSeek-V3.1", None, None),
        ("openai/gpt-oss-20b", None, None),
    ],
)
def test_names(name: str, shape: str | None, precision: str | None) -> None:
    """A variant has the numbers of its model; a name that is only like it has not."""
    found = shape_of_name(name)

    assert (shape, precision) == (found.name if found else None, precision_of_name(name))


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        ('{"torch_dtype": "bfloat16"}', "bf16"),
        ('{"dtype": "float32"}', "fp32"),
        ('{"torch_dtype": "float16", "quantization_config": {"quant_method": "awq"}}', "awq"),
        ('{"quantization_config": {"quant_method": "gptq", "bits": 8}}', "int8"),
        ('{"quantization_config": {"quant_method": "gptq", "bits": 4}}', "gptq"),
        ('{"quantization_config": {"quant_method": "fp8"}}', "fp8"),
        ('{"quantization_config": {"quant_method": "compressed-tensors"}}', None),
        ("{}", None),
        ("[]", None),
        ("", None),
    ],
)
def test_configs(text: str, precision: str | None) -> None:
    """What is quantized says how; else the type of the numbers counts."""
    assert precision == precision_of_config(text)


def test_settings() -> None:
    """As vLLM calls them; what we do not know is not guessed."""
    assert ["awq", "fp8", None] == [precision_of_setting(each) for each in ("awq_marlin", "fp8", "bitsandbytes")]  # fmt: skip
    assert ["fp16", "bf16", None] == [precision_of_type(each) for each in ("half", "bfloat16", "auto")]  # fmt: skip
