"""Each distribution has the mean that it says, whole tokens, and one at the least."""

from __future__ import annotations

import random
from math import log, sqrt
from statistics import fmean, median, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.load.lengths import LENGTHS, clipped, draw, lengths

COUNT = 40_000


def drawn(text: str, count: int = COUNT, seed: int = 5) -> list[int]:
    chance, which = random.Random(seed), lengths(text)
    return [draw(which, chance) for _ in range(count)]


@pytest.mark.parametrize(
    ("text", "mean"),
    [
        ("const:128", 128),
        ("uniform:10,301", 155.5),
        ("normal:800", 800),
        ("normal:800,10", 800),
        ("lognormal:800", 800),
        ("lognormal:mean=800,sigma=0.5", 800),
        ("pareto:800", 800),
        ("pareto:800,alpha=4", 800),
        ("poisson:12", 12),
        ("poisson:29.5", 29.5),
        ("poisson:30", 30),
        ("poisson:800", 800),
    ],
)
def test_the_mean_is_the_one_asked_for(text: str, mean: float) -> None:
    """To three hundredths, by a seed that is always the same."""
    assert mean == lengths(text).mean
    assert pytest.approx(mean, rel=0.03) == fmean(drawn(text))


@pytest.mark.parametrize(
    ("text", "deviation"),
    [
        ("const:128", 0),
        ("uniform:1,100", sqrt((100**2 - 1) / 12)),
        ("normal:800", 200),
        ("normal:800,50", 50),
        ("poisson:12", sqrt(12)),
        ("poisson:800", sqrt(800)),
        ("pareto:800,4", 800 / sqrt(4 * 2)),
    ],
)
def test_they_vary_as_they_say(text: str, deviation: float) -> None:
    """The standard deviation of each."""
    assert pytest.approx(deviation, rel=0.08, abs=1e-9) == pstdev(drawn(text))


def test_sigma_of_a_lognormal_is_of_the_logarithm() -> None:
    """And its median is below its mean by exp(sigma²/2)."""
    found = drawn("lognormal:mean=8000,sigma=1.1")

    assert pytest.approx(1.1, rel=0.02) == pstdev(map(log, found))
    assert pytest.approx(8000 / 2.718 ** (1.1**2 / 2), rel=0.03) == median(found)


@pytest.mark.parametrize("mean", [12, 45])
def test_counts_of_poisson_are_as_often_as_its_formula_says(mean: int) -> None:
    """Drawn either way; in each place within five deviations of its own count."""
    found = drawn(f"poisson:{mean}")
    chance = 2.718281828**-mean
    for count in range(1, 2 * mean):
        chance *= mean / count

        assert abs(found.count(count) - COUNT * chance) <= 5 * sqrt(COUNT * chance) + 1


@pytest.mark.parametrize("text", ["normal:2,sigma=10", "poisson:1", "lognormal:1,sigma=3"])
def test_there_is_one_token_at_least(text: str) -> None:
    """Whole, whatever was drawn."""
    assert 1 == min(drawn(text, 1000))


@pytest.mark.parametrize("name", LENGTHS)
def test_equal_seeds_draw_equal_lengths(name: str) -> None:
    """And other seeds others."""
    text = f"{name}:10,500" if name == "uniform" else f"{name}:500"

    assert drawn(text, 50) == drawn(text, 50)
    assert (name == "const") == (drawn(text, 50, 1) == drawn(text, 50, 2))


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.integers(2, 10_000))
def test_a_model_takes_what_is_clipped(prompt: int, answer: int, length: int) -> None:
    """The prompt gives way, and both keep a token; what fits stays as it is."""
    short, told = clipped(prompt, answer, length)

    assert short + told == min(prompt + answer, length)
    assert 1 <= short <= prompt
    assert min(answer, length - 1) == told
    assert (prompt, answer) == clipped(prompt, answer, None)
