"""Small texts that say what load is made of, and what is told where they cannot be."""

from __future__ import annotations

import pytest

from llmstack.errors import SettingsError
from llmstack.load import arrivals as arriving
from llmstack.load import lengths as long
from llmstack.load.arrivals import arrivals
from llmstack.load.lengths import lengths


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("const:128", long.Const(128)),
        ("const:value=128", long.Const(128)),
        ("uniform:10,20", long.Uniform(10, 20)),
        ("uniform:high=20,low=10", long.Uniform(10, 20)),
        (" normal:800 ", long.Normal(800)),
        ("normal:800,sigma=50", long.Normal(800, 50)),
        ("lognormal:mean=800,sigma=1.1", long.Lognormal(800, 1.1)),
        ("pareto:mean=800, alpha=1.5", long.Pareto(800, 1.5)),
        ("poisson:12", long.Poisson(12)),
    ],
)
def test_lengths(text: str, expected: long.Lengths) -> None:
    """Numbers by their names, or in their order."""
    assert expected == lengths(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deterministic", arriving.Deterministic()),
        ("uniform", arriving.Uniform()),
        ("poisson", arriving.Poisson()),
        ("pareto", arriving.Pareto()),
        ("pareto:1.5", arriving.Pareto(1.5)),
        ("burst:size=20", arriving.Burst(20)),
        ("sinusoidal:period=600,depth=0.5", arriving.Sinusoidal(600, 0.5)),
    ],
)
def test_arrivals(text: str, expected: arriving.Arrivals) -> None:
    """What is left out has a usual value."""
    assert expected == arrivals(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lognorml:800", "got 'lognorml'"),
        ("lognorml:800", "(the nearest is lognormal)"),
        ("", "expected one of const, uniform, normal, lognormal, pareto, poisson, got ''"),
        ("lognormal:mean=800,sigam=1", "expected one of mean, sigma (the nearest is sigma), got 'sigam=1'"),
        ("lognormal:sigma=1", "expected lognormal:mean=…"),
        ("uniform", "expected uniform:low=…,high=…"),
        ("const:many", "value: expected a number, got 'many'"),
        ("const:nan", "value: expected a number, got 'nan'"),
        ("const:1,2", "expected one of value, got '2'"),
        ("const:0", "expected value from 1, got 0.0"),
        ("uniform:20,10", "expected high from 20, got 10.0"),
        ("normal:10,-1", "expected sigma from 0, got -1.0"),
        ("lognormal:10,9", "expected sigma from 0 to 5, got 9.0"),
        ("pareto:10,1", "expected alpha above 1, got 1.0"),
    ],
)  # fmt: skip
def test_lengths_that_cannot_be(text: str, told: str) -> None:
    """The text is repeated, with what was expected and the nearest spelling."""
    with pytest.raises(SettingsError) as raised:
        lengths(text)

    assert str(raised.value).startswith(f"lengths {text!r}: ")
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("poison", "(the nearest is poisson), got 'poison'"),
        ("poisson:3", "expected no numbers, got '3'"),
        ("burst:2.5", "expected size, a whole number, got 2.5"),
        ("sinusoidal:0", "expected period above 0, got 0.0"),
        ("sinusoidal:60,2", "expected depth from 0 to 1, got 2.0"),
        ("pareto:1", "expected alpha above 1, got 1.0"),
    ],
)
def test_arrivals_that_cannot_be(text: str, told: str) -> None:
    """As with lengths."""
    with pytest.raises(SettingsError) as raised:
        arrivals(text)

    assert told in str(raised.value)
