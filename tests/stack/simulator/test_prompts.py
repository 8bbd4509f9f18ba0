"""Prompts without a tokenizer: how long they are, and which begin alike."""

from __future__ import annotations

import pytest

from llmstack.simulator import prompts
from llmstack.simulator.answers import WORDS, Lengths, text


@pytest.mark.parametrize(("said", "tokens"), [("", 1), ("four", 1), ("fourteen", 2), ("é" * 4, 2)])
def test_a_text_has_a_token_for_four_bytes(said: str, tokens: int) -> None:
    """As the gateway estimates it."""
    assert tokens == prompts.of_text(said).tokens


def test_token_ids_are_counted() -> None:
    """A full block of 16 has a name, and the rest has none."""
    found = prompts.of_tokens(range(35))

    assert (35, 2) == (found.tokens, len(found.prefix))


def test_prompts_that_begin_alike_have_the_same_first_names() -> None:
    """Up to the block in which they part; what is alike behind it has other names."""
    first, second = prompts.of_text("a" * 128 + "b" * 128), prompts.of_text("a" * 128 + "c" * 64 + "b" * 64)  # fmt: skip

    assert first.prefix[:2] == second.prefix[:2]
    assert not set(first.prefix[2:]) & set(second.prefix[2:])


def test_equal_seeds_draw_equal_answers() -> None:
    """And other seeds draw others; the median is that of conversations."""
    first, again, other = ([Lengths(seed).draw() for _ in range(1)] for seed in ("1", "1", "2"))
    drawn = Lengths("3")
    lengths = sorted(drawn.draw() for _ in range(4001))

    assert first == again != other
    assert 120 < lengths[2000] < 140
    assert 520 < lengths[3961] < 700


def test_words_are_tokens() -> None:
    """An answer has as many as it has tokens, and none needs to be escaped in JSON."""
    assert 50 == len(text(3, 50).split())
    assert all(word.isascii() and word[1:].isalpha() for word in WORDS)
