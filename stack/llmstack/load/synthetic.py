"""Load that is made up by a seed: arrivals, lengths, kinds, prefixes, a ramp and a warm-up."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from llmstack.errors import SettingsError
from llmstack.load.arrivals import Arrivals, Poisson, ramped
from llmstack.load.lengths import Lengths, Lognormal, clipped, draw
from llmstack.load.mix import Kind, chosen
from llmstack.load.planned import Planned

#: As Azure's conversations of 2023: means, and deviations of the logarithm.
PROMPTS, ANSWERS = Lognormal(1155, 0.99), Lognormal(211, 0.86)
INDEPENDENT = Poisson()


@dataclass(frozen=True)
class SyntheticPlan:
    """Requests in order; equal ones are equal each time they are gone through.

    What is measured comes after the ramp and the warm-up: duration and total are of that part, and
    `measured_from` is where it begins. Without either it has no end.
    """

    #: Requests a second in the mean.
    rate: float
    arrivals: Arrivals = INDEPENDENT
    prompts: Lengths = PROMPTS
    answers: Lengths = ANSWERS
    #: With kinds, lengths are theirs.
    kinds: Sequence[Kind] = ()
    #: Of all requests so many begin alike, in so many tokens, as one of so many prefixes says.
    prefix_share: float = 0.0
    prefix_tokens: int = 0
    prefixes: int = 1
    #: Seconds in which the rate grows to its own, and at that rate before it is measured.
    ramp: float = 0.0
    warm_up: float = 0.0
    duration: float = inf
    total: int | None = None
    #: Tokens of prompt and answer together that the model takes.
    model_length: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be, all at once."""
        total, length = self.total, self.model_length
        problems = [
            f"{name}: expected {expected}, got {found}"
            for name, is_right, expected, found in (
                ("rate", 0 < self.rate < inf, "requests a second above 0", self.rate),
                ("prefix-share", 0 <= self.prefix_share <= 1, "0 to 1", self.prefix_share),
                ("prefix-tokens", self.prefix_tokens >= 0, "tokens from 0", self.prefix_tokens),
                ("prefixes", self.prefixes >= 1, "a number from 1", self.prefixes),
                ("ramp", 0 <= self.ramp < inf, "seconds from 0", self.ramp),
                ("warm-up", 0 <= self.warm_up < inf, "seconds from 0", self.warm_up),
                ("duration", self.duration > 0, "seconds above 0", self.duration),
                ("total", total is None or total >= 1, "requests from 1", total),
                ("max-model-len", length is None or length >= 2, "tokens from 2", length),
            )
            if not is_right
        ]
        if problems:
            raise SettingsError("\n".join(problems))

    @property
    def measured_from(self) -> float:
        """Seconds after the start of the run from which on it is measured."""
        return self.ramp + self.warm_up

    def __iter__(self) -> Iterator[Planned]:
        """Yield the requests."""
        # Apart, so that another choice of lengths leaves the arrivals as they are.
        when, what = (random.Random(f"{self.seed} {name}") for name in ("arrivals", "requests"))
        left = self.total
        for at in ramped(self.arrivals.times(self.rate, when), self.ramp):
            if at >= self.measured_from + self.duration or left == 0:
                return
            if left is not None and at >= self.measured_from:
                left -= 1
            yield self._request(at, what)

    def _request(self, at: float, chance: random.Random) -> Planned:
        kind = chosen(self.kinds, chance) if self.kinds else None
        prompt, answer = clipped(
            draw(kind.prompt if kind else self.prompts, chance),
            draw(kind.answer if kind else self.answers, chance),
            self.model_length,
        )
        name = kind.name if kind else ""
        # Drawn always, so that prefixes change nothing else.
        is_shared, which = chance.random() < self.prefix_share, chance.randrange(self.prefixes)
        if not (is_shared and self.prefix_tokens):
            return Planned(at, prompt, answer, name)
        shared = min(prompt, self.prefix_tokens)
        return Planned(at, prompt, answer, name, f"prefix {which}", shared)
