"""The blocks that a prompt begins with, as one text: `512:0-5 17` is blocks 0 to 5, and 17.

Two prompts whose names begin alike begin alike in so many blocks, so the tree of what prompts share
is kept as the trace has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_PREFIX = re.compile(r"(\d+):\d[-\d ]*")


def block_prefix(size: int, names: Iterable[int]) -> str:
    """Return the prefix of blocks.

    Args:
        size: tokens of a block.
        names: their numbers in the order of the prompt; none makes no prefix.
    """
    runs: list[list[int]] = []
    for name in names:
        if runs and name == runs[-1][1] + 1:
            runs[-1][1] = name
        else:
            runs.append([name, name])
    shown = (f"{first}" if first == last else f"{first}-{last}" for first, last in runs)
    return f"{size}:{' '.join(shown)}" if runs else ""


def block_size(prefix: str) -> int:
    """Return the tokens of each block of a prefix; 0 of one that is not made of blocks."""
    match = _PREFIX.fullmatch(prefix)
    return int(match[1]) if match else 0


def block_tokens(prefix: str) -> int:
    """Return the tokens of all blocks of a prefix; 0 of one that is not made of blocks."""
    size = block_size(prefix)
    return size * sum(len(run) for run in _runs(prefix)) if size else 0


def block_names(prefix: str) -> Iterator[int]:
    """Yield the numbers of the blocks of a prefix, in order."""
    for run in _runs(prefix):
        yield from run


def _runs(prefix: str) -> Iterator[range]:
    for run in prefix.partition(":")[2].split():
        first, _, last = run.partition("-")
        yield range(int(first), int(last or first) + 1)
