"""What prompts are made of: token ids, or text whose tokens are estimated or known by a tokenizer.

A prompt is made of parts, each of which has a key and a number of tokens. Equal keys make equal
parts, to the length of the shorter; other keys differ from the first tokens on, so a prefix cache
finds what was meant to be alike and nothing else. Making one copies from a pool and costs no
tokenizing.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar

from llmstack.errors import ConfigurationError, SettingsError
from llmstack.load.prompt_words import WORDS
from llmstack.token_size import BYTES_OF_A_TOKEN

#: Ids that every vocabulary of a language model of today has (Llama 2 has 32,000, others more),
#: past the bytes and marks that stand first.
LEAST_ID, MOST_ID = 1000, 29_999
#: Tokens, or bytes, of the pool, which fits the caches of a CPU; and tokens at the start of a part
#: that tell it from others.
POOL, MARK = 1 << 13, 3
#: A tokenizer has to know so many words, and is tried on so many of them together.
_LEAST_PIECES, _TRIED = 16, 512

Pool = TypeVar("Pool", str, list[int], list[str])


@dataclass(frozen=True)
class Part:
    """Some tokens of a prompt."""

    #: Any whole number from 0; equal ones are of parts that are equal.
    key: int
    tokens: int


class Material(Protocol):
    """Makes prompts of parts."""

    def prompt(self, parts: Iterable[Part], /) -> str | Sequence[int]:
        """Return the prompt."""


class TokenIds:
    """Prompts of token ids, which no tokenizer counts otherwise."""

    def __init__(self, least: int = LEAST_ID, most: int = MOST_ID) -> None:
        """Take ids from the least to the most."""
        if not 0 <= least < most:
            raise SettingsError(f"token ids: expected two or more from 0, got {least} to {most}")
        self._ids = range(least, most + 1)
        self._pool = random.Random(0).choices(self._ids, k=POOL)

    def prompt(self, parts: Iterable[Part]) -> list[int]:
        """Return token ids."""
        made: list[int] = []
        for part in parts:
            mark = [self._ids[digit] for digit in _digits(part.key, len(self._ids))]
            made += _filled(mark, self._pool, part.key, part.tokens)
        return made


def read_token_ids(text: str) -> TokenIds:
    """Return prompts of the token ids that a text says: 3-258.

    Raises:
        SettingsError: it says none.
    """
    least, _, most = text.partition("-")
    if not (least.isdecimal() and most.isdecimal()):
        raise SettingsError(f"--token-ids: expected two numbers as in 3-258, got {text!r}")
    return TokenIds(int(least), int(most))


class EstimatedText:
    """Text of English words, with so many bytes for each token."""

    def __init__(self, bytes_of_a_token: float = BYTES_OF_A_TOKEN) -> None:
        """Take what a model's tokens have in the mean, if it is known better."""
        if not 1 <= bytes_of_a_token <= 100:
            raise SettingsError(f"bytes of a token: expected 1 to 100, got {bytes_of_a_token}")
        self._size = bytes_of_a_token
        self._pool = " ".join(random.Random(0).choices(WORDS, k=POOL // 5))

    def prompt(self, parts: Iterable[Part]) -> str:
        """Return a text of ASCII, of as many bytes as its tokens have."""
        made, tokens, length = [], 0, 0
        for part in parts:
            tokens += part.tokens
            end = round(tokens * self._size)
            made.append(_filled(f"{part.key:x} ", self._pool, part.key, end - length))
            length = end
        return "".join(made)


class Tokenizer(Protocol):
    """As much of a tokenizer of the package `tokenizers` as is needed."""

    def encode(self, sequence: str, /, *, add_special_tokens: bool) -> Any:
        """Return what has `ids`."""


class CountedText:
    """Text of exactly so many tokens, made of pieces each of which is one token wherever it stands.

    What a chat's template adds is not counted.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Find pieces of a tokenizer.

        Raises:
            ConfigurationError: it has none that stay what they are beside others.
        """
        for candidates, space in ((WORDS, " "), (tuple("abcdefghijklmnopqrstuvwxyz"), "")):
            pieces = [
                word
                for word in sorted(set(candidates))
                if (_count(tokenizer, word), _count(tokenizer, word + space + word)) == (1, 2)
            ]
            pool = random.Random(0).choices(pieces, k=POOL) if pieces else []
            tried = space.join(pool[:_TRIED])
            if len(pieces) >= _LEAST_PIECES and _count(tokenizer, tried) == _TRIED:
                self._pieces, self._space, self._pool = pieces, space, pool
                return
        raise ConfigurationError(
            f"tokenizer: expected {_LEAST_PIECES} common words or letters that are one token each, "
            "got fewer; leave it out, and tokens are estimated"
        )

    def prompt(self, parts: Iterable[Part]) -> str:
        """Return a text."""
        made: list[str] = []
        for part in parts:
            mark = [self._pieces[digit] for digit in _digits(part.key, len(self._pieces))]
            made += _filled(mark, self._pool, part.key, part.tokens)
        return self._space.join(made)


def read_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer that a tokenizer.json of Hugging Face describes.

    Raises:
        ConfigurationError: it cannot be read, or the package `tokenizers` is not there.
    """
    try:
        package = import_module("tokenizers")
    except ImportError as error:
        raise ConfigurationError(
            f"{path}: the package tokenizers is needed to read it; pip install tokenizers"
        ) from error
    try:
        found: Tokenizer = package.Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises no class of its own
        raise ConfigurationError(f"{path}: expected a tokenizer.json, got {error}") from error
    return found


def _count(tokenizer: Tokenizer, text: str) -> int:
    return len(tokenizer.encode(text, add_special_tokens=False).ids)


def _digits(key: int, base: int) -> list[int]:
    """Return the last digits of a key, the lowest first."""
    return [key // base**place % base for place in range(MARK)]


def _filled(mark: Pool, pool: Pool, key: int, length: int) -> Pool:
    """Return a mark and what follows a place in the pool, to a length."""
    start = key % len(pool)
    filled = mark + pool[start : start + length]
    while len(filled) < length:
        filled += pool
    return filled[:length]
