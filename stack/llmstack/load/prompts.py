"""Makes the prompts of a plan: of the asked number of tokens, alike where the plan says so.

A prompt depends on the seed, the number of the request and what is planned, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import count

from llmstack.load.planned import Planned
from llmstack.load.prompt_material import Material, Part
from llmstack.load.traces.block_names import block_names, block_size, block_tokens


@dataclass(frozen=True)
class Prompts:
    """Makes prompts of a material."""

    material: Material
    #: Of what is common to two runs: with another, no prompt begins as one of this.
    seed: int = 0

    def prompt(self, number: int, planned: Planned) -> str | Sequence[int]:
        """Return the prompt of a request.

        Args:
            number: which request of the run it is; others begin otherwise, behind their prefix.
            planned: the request.
        """
        return self.material.prompt(self._parts(number, planned))

    def numbered(self) -> Callable[[Planned], str | Sequence[int]]:
        """Return a function that makes the prompts of the first request, the second, and so on."""
        numbers = count()
        return lambda planned: self.prompt(next(numbers), planned)

    def _parts(self, number: int, planned: Planned) -> Iterator[Part]:
        left = planned.prompt_tokens
        shared = min(left, planned.prefix_tokens, block_tokens(planned.prefix) or left)
        if shared:
            yield from self._prefix(planned.prefix, shared)
        if left > shared:
            yield Part(_key(f"{self.seed} request {number}"), left - shared)

    def _prefix(self, prefix: str, tokens: int) -> Iterator[Part]:
        size = block_size(prefix)
        if not size:
            yield Part(_key(f"{self.seed} prefix {prefix}"), tokens)
            return
        for name in block_names(prefix):
            yield Part(_key(f"{self.seed} block {size} {name}"), min(size, tokens))
            tokens -= size
            if tokens <= 0:
                return


@lru_cache(maxsize=1 << 16)
def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big")
