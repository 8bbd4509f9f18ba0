"""How fast an engine is and how much it takes on: the numbers that a preset states."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """Seconds that a step takes: a part that is always there, and one for each token."""

    #: Reading the weights, scheduling, starting kernels.
    step: float
    #: Of each token of a prompt.
    prefill: float
    #: Of each sequence that is being written.
    decode: float

    def seconds(self, prefilled: int, decoded: int) -> float:
        """Return how long a step takes."""
        return self.step + prefilled * self.prefill + decoded * self.decode


@dataclass(frozen=True)
class Limits:
    """How much an engine takes on."""

    #: Blocks of the KV cache.
    blocks: int
    #: Sequences in a batch (vLLM's --max-num-seqs).
    sequences: int
    #: Tokens computed in a step (--max-num-batched-tokens).
    batched_tokens: int
    #: Tokens of prompt and answer together (--max-model-len).
    model_length: int


def unloaded_first_token(rates: Rates, limits: Limits, prompt_tokens: int) -> float:
    """Return the seconds to the first token on an idle engine that remembers no part of it."""
    steps = -(-prompt_tokens // limits.batched_tokens)
    return steps * rates.step + prompt_tokens * rates.prefill


def token_gap(rates: Rates, sequences: int) -> float:
    """Return the time between two tokens while so many sequences are written, in seconds."""
    return rates.seconds(0, sequences)
