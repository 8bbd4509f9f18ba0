"""Kinds of prompts are asked for as often as their shares say."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from llmstack.errors import SettingsError
from llmstack.load.mix import MIX, chosen, mix


def test_the_usual_shares() -> None:
    """Of all requests, and together one."""
    shares = {kind.name: kind.share for kind in MIX}

    assert {
        "short_qa": 0.30,
        "medium_explain": 0.25,
        "code_gen": 0.20,
        "reasoning": 0.15,
        "long_form": 0.10,
    } == shares
    assert pytest.approx(1.0) == sum(shares.values())


def test_each_is_chosen_as_often_as_it_says() -> None:
    """To a hundredth, by a seed that is always the same."""
    chance = random.Random(11)
    found = Counter(chosen(MIX, chance).name for _ in range(20_000))

    assert {kind.name: pytest.approx(kind.share, abs=0.01) for kind in MIX} == {
        name: count / 20_000 for name, count in found.items()
    }


def test_other_shares() -> None:
    """Of their sum; lengths stay, and what has none is not asked for."""
    code, reasoning = mix("code_gen=3, reasoning=1,short_qa=0")

    assert ("code_gen", 0.75, "reasoning", 0.25) == (code.name, code.share, reasoning.name, reasoning.share)  # fmt: skip
    assert MIX[2].prompt is code.prompt


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("code=1", "(the nearest is code_gen), got 'code'"),
        ("code_gen=much", "expected code_gen=<number from 0>, got 'code_gen=much'"),
        ("code_gen=-1", "expected code_gen=<number from 0>, got 'code_gen=-1'"),
        ("code_gen=nan", "expected code_gen=<number from 0>, got 'code_gen=nan'"),
        ("code_gen", "expected code_gen=<number from 0>, got 'code_gen'"),
        ("code_gen=0", "expected a share above 0, got none"),
        ("", "expected a share above 0, got none"),
    ],
)
def test_shares_that_cannot_be(text: str, told: str) -> None:
    """With what was expected."""
    with pytest.raises(SettingsError) as raised:
        mix(text)

    assert told in str(raised.value)
