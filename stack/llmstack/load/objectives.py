"""What a server is to hold: `ttft_p95=2s,itl_p95=150ms`, over a run and for each request.

A run holds `ttft_p95=2s` if 95 % of its requests had their first token within 2 s of when they were
to be sent; one that failed had none. A request is good if it held all of them itself (its first
token within 2 s, 95 % of its own gaps within 150 ms); goodput is the rate of good ones
(https://arxiv.org/abs/2401.09670).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmstack.errors import ConfigurationError
from llmstack.load.outcome import Outcome

_METRICS = ("ttft", "tpot", "itl", "e2e")
_OBJECTIVE = re.compile(r"(\w+)_p(\d+(?:\.\d+)?)=(\d+(?:\.\d+)?)(ms|s)")


@dataclass(frozen=True)
class Objective:
    """One of them."""

    #: ttft, tpot, itl or e2e.
    metric: str
    percent: float
    seconds: float

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.metric}_p{self.percent:g}={self.seconds * 1000:g}ms"

    def within(self, outcome: Outcome) -> tuple[int, int]:
        """Return how many of a request's lengths of time are within it, and how many there are."""
        if not outcome.is_answered:
            return 0, 1
        if self.metric == "itl":
            pairs = list(zip(outcome.gaps, outcome.sizes, strict=True))
            held = sum(size for gap, size in pairs if gap / size <= self.seconds)
            return held, sum(size for _, size in pairs)
        found = length(outcome, self.metric)
        return (0, 0) if found is None else (int(found <= self.seconds), 1)

    def is_held(self, within: int, count: int) -> bool:
        """Tell whether so many of so many are enough."""
        return within * 100 >= count * self.percent


def length(outcome: Outcome, metric: str) -> float | None:
    """Return a length of time (seconds) of an answered request, from when it was to be sent."""
    match metric:
        case "ttft":
            return outcome.first_token - outcome.scheduled if outcome.first_token else None
        case "ttft_sent":
            return outcome.first_token - outcome.sent if outcome.first_token else None
        case "e2e":
            return outcome.ended - outcome.scheduled
        case "e2e_sent":
            return outcome.ended - outcome.sent
        case "tpot":
            return outcome.seconds_a_token
        case "wait":
            return outcome.sent - outcome.scheduled
    raise ValueError(metric)


def is_good(outcome: Outcome, objectives: Sequence[Objective]) -> bool:
    """Tell whether a request held all of them."""
    return outcome.is_answered and all(each.is_held(*each.within(outcome)) for each in objectives)


def read_objectives(text: str) -> tuple[Objective, ...]:
    """Return what a text says.

    Raises:
        ConfigurationError: a part of it is none.
    """
    return tuple(_read(text))


def _read(text: str) -> Iterator[Objective]:
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = _OBJECTIVE.fullmatch(part)
        if found is None or found[1] not in _METRICS or not 0 < float(found[2]) < 100:
            raise ConfigurationError(
                f"--slo: expected {', '.join(_METRICS)} as in ttft_p95=2s or itl_p99=150ms, "
                f"got {part!r}"
            )
        seconds = float(found[3]) / (1000 if found[4] == "ms" else 1)
        yield Objective(found[1], float(found[2]), seconds)
