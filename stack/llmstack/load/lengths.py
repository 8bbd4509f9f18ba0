"""How many tokens prompts and answers have: constant, or drawn with a mean that is asked for.

What is drawn is rounded to whole tokens, and is one at least; the means hold for what is drawn
before. Where a distribution is wide and its mean small, that raises it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, lgamma, log, sqrt
from typing import Any, Protocol

from llmstack.load.specification import parse, require

#: From this mean on the Poisson distribution is drawn by rejection, in time that does not grow.
_MANY = 30.0


class Lengths(Protocol):
    """Numbers of tokens."""

    @property
    def mean(self) -> float:
        """What is drawn in the mean, in tokens."""

    def drawn(self, chance: random.Random, /) -> float:
        """Return a number of tokens, not yet whole."""


@dataclass(frozen=True)
class Const:
    """Always the same; its mean is the value."""

    value: float

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.value >= 1, "value from 1", self.value)

    @property
    def mean(self) -> float:
        """The value."""
        return self.value

    def drawn(self, _: random.Random, /) -> float:
        """Return the value."""
        return self.value


@dataclass(frozen=True)
class Uniform:
    """Whole numbers from low to high, both among them; the mean is halfway."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.low >= 1, "low from 1", self.low)
        require(self.high >= self.low, f"high from {self.low:g}", self.high)

    @property
    def mean(self) -> float:
        """Halfway."""
        return (round(self.low) + round(self.high)) / 2

    def drawn(self, chance: random.Random, /) -> float:
        """Return a whole number."""
        return chance.randint(round(self.low), round(self.high))


@dataclass(frozen=True)
class Normal:
    """The bell curve; the mean is as said, the standard deviation a quarter of it if left out."""

    mean: float
    sigma: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.mean >= 1, "mean from 1", self.mean)
        require(self.sigma is None or self.sigma >= 0, "sigma from 0", self.sigma)

    def drawn(self, chance: random.Random, /) -> float:
        """Return a number, which may be below 0."""
        return chance.gauss(self.mean, self.mean / 4 if self.sigma is None else self.sigma)


@dataclass(frozen=True)
class Lognormal:
    """As lengths of real traffic roughly are; the mean is as said, sigma is of the logarithm."""

    mean: float
    #: The prompts of Azure's conversations of 2023 have 0.99, their answers 0.86.
    sigma: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.mean >= 1, "mean from 1", self.mean)
        require(0 <= self.sigma <= 5, "sigma from 0 to 5", self.sigma)

    def drawn(self, chance: random.Random, /) -> float:
        """Return a number above 0."""
        # The mean of a lognormal is exp(mu + sigma²/2).
        return chance.lognormvariate(log(self.mean) - self.sigma**2 / 2, self.sigma)


@dataclass(frozen=True)
class Pareto:
    """A heavy tail, the heavier the nearer alpha is to 1; the mean is as said."""

    mean: float
    alpha: float = 2.5

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.mean >= 1, "mean from 1", self.mean)
        # There is no mean at 1 and below.
        require(self.alpha > 1, "alpha above 1", self.alpha)

    def drawn(self, chance: random.Random, /) -> float:
        """Return a number from mean·(alpha-1)/alpha on."""
        # paretovariate starts at 1 and has the mean alpha/(alpha-1).
        return chance.paretovariate(self.alpha) * self.mean * (self.alpha - 1) / self.alpha


@dataclass(frozen=True)
class Poisson:
    """Counts; the mean is as said, and so is the variance."""

    mean: float

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.mean >= 1, "mean from 1", self.mean)

    def drawn(self, chance: random.Random, /) -> float:
        """Return a whole number from 0."""
        return _many(chance, self.mean) if self.mean >= _MANY else _few(chance, self.mean)


def _few(chance: random.Random, mean: float) -> int:
    """Count events of a unit's rate until the mean's time is over."""
    count, time = 0, chance.expovariate(1.0)
    while time < mean:
        count += 1
        time += chance.expovariate(1.0)
    return count


def _many(chance: random.Random, mean: float) -> int:
    """Draw by transformed rejection: Hörmann, "The transformed rejection method for generating
    Poisson random variables", 1993, algorithm PTRS.
    """
    width = 0.931 + 2.53 * sqrt(mean)
    lean = -0.059 + 0.02483 * width
    height = 1.1239 + 1.1328 / (width - 3.4)
    quick = 0.9277 - 3.6224 / (width - 2)
    while True:
        across, up = chance.random() - 0.5, chance.random()
        side = 0.5 - abs(across)
        count = int((2 * lean / side + width) * across + mean + 0.43) if side else -1
        if side >= 0.07 and up <= quick:
            return count
        if count < 0:
            continue
        left = log(up * height / (lean / side**2 + width)) if up else -inf
        if left <= count * log(mean) - mean - lgamma(count + 1):
            return count


LENGTHS: Mapping[str, type[Any]] = {
    "const": Const,
    "uniform": Uniform,
    "normal": Normal,
    "lognormal": Lognormal,
    "pareto": Pareto,
    "poisson": Poisson,
}


def lengths(text: str) -> Lengths:
    """Return the lengths that a text says, such as `lognormal:mean=800,sigma=1.1` or `const:128`.

    Raises:
        SettingsError: it says none.
    """
    found: Lengths = parse(text, LENGTHS, "lengths")
    return found


def draw(which: Lengths, chance: random.Random) -> int:
    """Return whole tokens, one at least."""
    return max(1, round(which.drawn(chance)))


def clipped(prompt: int, answer: int, model_length: int | None) -> tuple[int, int]:
    """Return tokens of prompt and answer that a model takes together.

    The prompt gives way, as answers are what costs most time; each keeps one token.
    """
    if model_length is None or prompt + answer <= model_length:
        return prompt, answer
    answer = min(answer, model_length - 1)
    return max(1, min(prompt, model_length - answer)), answer
