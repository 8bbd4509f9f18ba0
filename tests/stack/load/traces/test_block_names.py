"""Blocks that prompts begin with are written short, and read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.load.traces.block_names import (
    block_names,
    block_prefix,
    block_size,
    block_tokens,
)


@given(st.lists(st.integers(0, 300)), st.integers(1, 512))
def test_they_are_read_back(names: list[int], size: int) -> None:
    """Their names, in order, and how long they are."""
    prefix = block_prefix(size, names)

    assert names == list(block_names(prefix))
    assert (size if names else 0) == block_size(prefix)
    assert size * len(names) == block_tokens(prefix)


def test_runs_are_written_by_their_ends() -> None:
    """New blocks have names in a row."""
    assert "16:0-5 17 46-47" == block_prefix(16, [*range(6), 17, 46, 47])


@pytest.mark.parametrize("prefix", ["", "prefix 3", "system", "12:noon", ":1-2"])
def test_other_prefixes_have_no_blocks(prefix: str) -> None:
    """They are names as they are."""
    assert (0, 0) == (block_size(prefix), block_tokens(prefix))
