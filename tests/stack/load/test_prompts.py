"""Prompts have the tokens that are asked for, and begin alike where the plan says so."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.errors import ConfigurationError, SettingsError
from llmstack.load.planned import Planned
from llmstack.load.prompt_material import (
    CountedText,
    EstimatedText,
    Material,
    TokenIds,
    read_token_ids,
    read_tokenizer,
)
from llmstack.load.prompt_words import WORDS
from llmstack.load.prompts import Prompts
from llmstack.simulator.prompts import of_text, of_tokens


@dataclass
class Encoded:
    ids: list[str]


class OfWords:
    """A tokenizer that knows all words but some, which are many tokens."""

    def encode(self, sequence: str, /, *, add_special_tokens: bool) -> Encoded:
        assert not add_special_tokens
        words = re.findall(r" ?[a-z]+", sequence)
        return Encoded([part for word in words for part in (word if "w" in word else [word])])


class OfBytes:
    """A tokenizer without any merges."""

    def encode(self, sequence: str, /, *, add_special_tokens: bool) -> Encoded:
        assert not add_special_tokens
        return Encoded(list(sequence))


class OfPairs:
    """A tokenizer that joins what stands together, so that nothing is one token everywhere."""

    def encode(self, sequence: str, /, *, add_special_tokens: bool) -> Encoded:
        assert not add_special_tokens
        return Encoded(re.findall("..?", sequence))


MATERIALS: dict[str, Material] = {
    "ids": TokenIds(),
    "estimated": EstimatedText(),
    "words": CountedText(OfWords()),
    "bytes": CountedText(OfBytes()),
}


def tokens_of(name: str, prompt: object) -> list[str] | list[int]:
    """Return a prompt's tokens, as whoever reads them counts."""
    if isinstance(prompt, list):
        return prompt
    assert isinstance(prompt, str)
    if name == "estimated":
        return [prompt[start : start + 4] for start in range(0, len(prompt), 4)]
    tokenizer = OfWords() if name == "words" else OfBytes()
    return [token.strip() for token in tokenizer.encode(prompt, add_special_tokens=False).ids]


def planned(tokens: int, prefix: str = "", shared: int = 0) -> Planned:
    return Planned(0.0, tokens, 1, "", prefix, shared)


def made(name: str, number: int, what: Planned, seed: int = 0) -> list[str] | list[int]:
    return tokens_of(name, Prompts(MATERIALS[name], seed).prompt(number, what))


@pytest.mark.parametrize("name", MATERIALS)
@given(
    tokens=st.integers(1, 3000),
    shared=st.integers(0, 3000),
    prefix=st.sampled_from(["system", "512:0-3 9", "16:1-170"]),
    number=st.integers(0, 10**6),
)
def test_a_prompt_has_exactly_the_tokens_asked_for(
    name: str, tokens: int, shared: int, prefix: str, number: int
) -> None:
    """Whatever it is made of, and however much of it is shared."""
    assert tokens == len(made(name, number, planned(tokens, prefix, min(tokens, shared))))


@pytest.mark.parametrize("name", MATERIALS)
def test_a_prompt_depends_on_seed_and_number_alone(name: str) -> None:
    """Equal ones are equal, others differ from their first tokens on."""
    prompts = [made(name, number, planned(50)) for number in range(40)]

    assert prompts == [made(name, number, planned(50)) for number in range(40)]
    assert all(one[:5] != other[:5] for one, other in combinations(prompts, 2))
    assert prompts[0] != made(name, 0, planned(50), seed=1)
    assert prompts[0][:20] == made(name, 0, planned(20))


@pytest.mark.parametrize("name", MATERIALS)
def test_prompts_of_one_prefix_begin_alike(name: str) -> None:
    """In as many tokens as are shared, and not behind them; other prefixes differ."""
    first, second = (made(name, number, planned(200, "system", 64)) for number in (1, 2))
    short, other = made(name, 3, planned(40, "system", 32)), made(name, 4, planned(200, "tool", 64))

    assert first[:64] == second[:64]
    assert first[64:70] != second[64:70]
    assert first[:32] == short[:32]
    assert first[:5] != other[:5]


@pytest.mark.parametrize("name", MATERIALS)
def test_blocks_are_alike_as_the_trace_says(name: str) -> None:
    """Two prompts begin alike in so many blocks as their names do."""
    first = made(name, 1, planned(80, "16:1-3 7", 64))
    second = made(name, 2, planned(80, "16:1-3 9", 64))

    assert first[:48] == second[:48]
    assert first[48:54] != second[48:54]
    assert first[:32] == made(name, 3, planned(32, "16:1-3 7", 32))


def test_a_prefix_cache_finds_what_is_shared() -> None:
    """The simulator's blocks of 16 tokens: those of the prefix, and none behind it."""
    for material in (TokenIds(), EstimatedText()):
        first, second = (
            of_text(prompt) if isinstance(prompt, str) else of_tokens(prompt)
            for prompt in (
                Prompts(material).prompt(number, planned(160, "system", 96)) for number in (1, 2)
            )
        )

        assert 160 == first.tokens
        assert first.prefix[:6] == second.prefix[:6]
        assert not set(first.prefix[6:]) & set(second.prefix[6:])


def test_requests_are_numbered_as_they_come() -> None:
    """The first has number 0."""
    prompts = Prompts(MATERIALS["ids"])
    following = prompts.numbered()

    assert [prompts.prompt(number, planned(9)) for number in range(3)] == [following(planned(9)) for _ in range(3)]  # fmt: skip


def test_ids_are_of_the_vocabulary() -> None:
    """Of the usual one, or of a smaller."""
    usual = Prompts(TokenIds()).prompt(0, planned(5000))
    small = Prompts(TokenIds(3, 10)).prompt(0, planned(5000))

    assert all(1000 <= int(each) <= 29_999 for each in usual)
    assert {str(each) for each in range(3, 11)} == {str(each) for each in small}


@pytest.mark.parametrize("size", [1.0, 3.7, 4.4])
def test_bytes_of_a_token_may_be_known_better(size: float) -> None:
    """The text has as many bytes as its tokens have, all of them ASCII."""
    text = Prompts(EstimatedText(size)).prompt(1, planned(1000, "system", 300))

    assert isinstance(text, str)
    assert text.isascii()
    assert round(1000 * size) == len(text)


@pytest.mark.parametrize(("least", "most"), [(5, 5), (-1, 9)])
def test_a_vocabulary_that_cannot_be_is_refused(least: int, most: int) -> None:
    """There are two ids at least."""
    with pytest.raises(SettingsError, match="token ids: expected two or more from 0"):
        TokenIds(least, most)


def test_bytes_of_a_token_that_cannot_be_are_refused() -> None:
    """One is the least."""
    with pytest.raises(SettingsError, match="bytes of a token: expected 1 to 100, got 0"):
        EstimatedText(0)


def test_a_tokenizer_that_joins_everything_is_refused() -> None:
    """No text of it has a number of tokens that is known beforehand."""
    with pytest.raises(ConfigurationError, match="leave it out, and tokens are estimated"):
        CountedText(OfPairs())


def test_token_ids_are_those_that_a_model_has() -> None:
    """From the least to the most that were asked for."""
    made = Prompts(read_token_ids("3-9")).prompt(1, planned(400))

    assert set(range(3, 10)) == set(made)


@pytest.mark.parametrize("text", ["", "3", "3-", "a-b", "-3-9", "9-3"])
def test_what_is_no_range_of_token_ids_is_told(text: str) -> None:
    """With an example, or what was found."""
    with pytest.raises(SettingsError, match=r"token.ids: expected two "):
        read_token_ids(text)


def test_a_tokenizer_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How to get it is told."""
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    with pytest.raises(ConfigurationError, match="pip install tokenizers"):
        read_tokenizer(tmp_path / "tokenizer.json")


def test_a_real_tokenizer_counts_the_same(tmp_path: Path) -> None:
    """One of words, read from a file."""
    path = tmp_path / "tokenizer.json"
    vocabulary = {word: number for number, word in enumerate(("?", *WORDS))}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "?"}
    path.write_text(json.dumps({"version": "1.0", "model": model, "pre_tokenizer": {"type": "Whitespace"}, "added_tokens": []}))  # fmt: skip
    tokenizer = read_tokenizer(path)
    text = Prompts(CountedText(tokenizer)).prompt(5, planned(777, "system", 99))

    assert isinstance(text, str)
    assert 777 == len(tokenizer.encode(text, add_special_tokens=False).ids)


def test_a_file_that_is_no_tokenizer_is_told(tmp_path: Path) -> None:
    """With its path, and what the package says."""
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")

    with pytest.raises(ConfigurationError, match=r"expected a tokenizer\.json, got"):
        read_tokenizer(path)
