"""Blocks of the KV cache: who holds them, and what free ones remember."""

from __future__ import annotations

from llmstack.simulator.blocks import Blocks
from llmstack.simulator.request import Request


def begun(blocks: Blocks, number: int, tokens: int, names: tuple[int, ...] = ()) -> Request:
    """A request whose whole prompt is read."""
    request = Request(number, tokens, 10, 0.0, names)
    assert blocks.begin(request, blocks.found(request), tokens)
    request.computed = tokens
    blocks.remember(request)
    return request


def test_what_is_remembered_counts_as_free() -> None:
    """The share in use is that of live requests, as vLLM tells it."""
    blocks = Blocks(10)
    request = begun(blocks, 1, 64)
    assert (0.4, 0) == (blocks.usage, blocks.remembered)
    blocks.give_back(request)

    assert (0.0, 10, 4) == (blocks.usage, blocks.free, blocks.remembered)


def test_two_may_hold_one_block() -> None:
    """It is free once both have given it back."""
    blocks = Blocks(10)
    first = begun(blocks, 1, 33, (7, 8))
    second = begun(blocks, 2, 33, (7, 8))
    assert first.blocks[:2] == second.blocks[:2]
    assert 6 == blocks.free
    blocks.give_back(first)
    assert 7 == blocks.free
    blocks.give_back(second)

    assert 10 == blocks.free


def test_nothing_is_given_in_part() -> None:
    """Where there are too few blocks none is taken, and those that were found stay free."""
    blocks = Blocks(4)
    blocks.give_back(begun(blocks, 1, 40, (1, 2)))
    other = begun(blocks, 2, 16)
    request = Request(3, 80, 1, 0.0, (1, 2, 3, 4, 5))

    assert not blocks.begin(request, blocks.found(request), 80)
    assert ([], 3) == (request.blocks, blocks.free)
    assert not blocks.extend(other, 100)
    assert 1 == len(other.blocks)


def test_withheld_blocks_are_in_use() -> None:
    """Nobody can take them, and nobody holds them."""
    blocks = Blocks(10)
    blocks.withheld = 8

    assert (2, 0.8, 10) == (blocks.available, blocks.usage, blocks.free)


def test_without_a_prefix_cache_nothing_is_found() -> None:
    """As with vLLM's --no-enable-prefix-caching."""
    blocks = Blocks(10, remembers=False)
    blocks.give_back(begun(blocks, 1, 64, (1, 2, 3, 4)))

    assert [] == blocks.found(Request(2, 64, 1, 0.0, (1, 2, 3, 4)))
