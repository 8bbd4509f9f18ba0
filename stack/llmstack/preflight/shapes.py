"""Which model a name or a config.json means, and in which precision its weights are."""

from __future__ import annotations

import json
import re

from llmstack.memory_budget import MODELS, Model

#: Names on Hugging Face say the precision that is not the usual one, as a word.
_PRECISION_WORDS = {
    "awq": "awq",
    "gptq": "gptq",
    "fp8": "fp8",
    "int8": "int8",
    "w8a8": "int8",
    "int4": "int4",
    "w4a16": "int4",
}
#: Published in a precision of their own, without a word in the name: their model cards.
_PUBLISHED_IN = {"deepseek-v3": "fp8"}
#: What configurations call the types of numbers.
_TYPES = {
    "float32": "fp32",
    "float": "fp32",
    "float16": "fp16",
    "half": "fp16",
    "bfloat16": "bf16",
}


def shape_of_name(name: str) -> Model | None:
    """Return the model of the table that a name on Hugging Face means: any variant of it.

    A variant (`-Instruct`, `-AWQ`) has the numbers of its model; another size has not.
    """
    bare = _bare(name)
    for model in MODELS:
        if bare == model.name or bare.startswith(f"{model.name}-"):
            return model
    return None


def precision_of_name(name: str) -> str | None:
    """Return the precision that a name tells; None where it tells none."""
    words = re.split(r"[-_.]", _bare(name))
    told = next((_PRECISION_WORDS[word] for word in words if word in _PRECISION_WORDS), None)
    shape = shape_of_name(name)
    return told or _PUBLISHED_IN.get(shape.name if shape else "")


def precision_of_config(text: str) -> str | None:
    """Return the precision that a config.json tells; None where it tells none that we know."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    quantized = found.get("quantization_config")
    if isinstance(quantized, dict):
        method = str(quantized.get("quant_method", ""))
        return precision_of_setting(method, str(quantized.get("bits", "")))
    return _TYPES.get(str(found.get("torch_dtype", found.get("dtype", ""))))


def precision_of_setting(quantization: str, bits: str = "") -> str | None:
    """Return the precision of a method of quantization (`awq_marlin`, `fp8`); None if unknown.

    Args:
        quantization: as vLLM's `--quantization` calls it.
        bits: of a number, where that is told apart.
    """
    method = quantization.lower()
    if method.startswith("gptq") and bits == "8":
        return "int8"
    for known in ("awq", "gptq", "fp8", "int8", "int4"):
        if method.startswith(known):
            return known
    return None


def precision_of_type(dtype: str) -> str | None:
    """Return the precision of a type as vLLM's `--dtype` calls it; None for `auto` and others."""
    return _TYPES.get(dtype.lower())


def _bare(name: str) -> str:
    # meta-llama/Meta-Llama-3.1-8B: the owner, and his name before the model's, are no part of it.
    return name.rpartition("/")[2].lower().removeprefix("meta-")
