"""How many tokens a prompt has, and what its blocks are called, without a tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmstack.simulator.blocks import BLOCK_TOKENS
from llmstack.token_size import BYTES_OF_A_TOKEN


@dataclass(frozen=True)
class Prompt:
    """What an engine needs to know of one."""

    tokens: int
    #: Names of its full blocks; see `Request.prefix`.
    prefix: tuple[int, ...]
    #: Whether it is a text: of one that is too long vLLM counts no further than it has to.
    is_text: bool = False


def of_text(text: str) -> Prompt:
    """Return a prompt of a text: its tokens are estimated."""
    data = text.encode("utf-8", "replace")
    size = BLOCK_TOKENS * BYTES_OF_A_TOKEN
    parts = (data[start : start + size] for start in range(0, len(data) - size + 1, size))
    return Prompt(max(1, -(-len(data) // BYTES_OF_A_TOKEN)), _names(parts), True)


def of_tokens(tokens: Sequence[int]) -> Prompt:
    """Return a prompt of token ids, which are counted."""
    size, count = BLOCK_TOKENS, len(tokens)
    parts = (tuple(tokens[start : start + size]) for start in range(0, count - size + 1, size))
    return Prompt(max(1, count), _names(parts))


def _names(parts: Iterable[object]) -> tuple[int, ...]:
    """Name each part by itself and all before it."""
    names, before = [], 0
    for part in parts:
        before = hash((before, part))
        names.append(before)
    return tuple(names)
