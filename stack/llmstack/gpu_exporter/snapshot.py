"""What one round of questions found out: a value that a scrape only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmdash.metrics.metric import Metric


@dataclass(frozen=True)
class Value:
    """One series: a family by its old name, in its unit, with the labels that tell it apart."""

    metric: Metric
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Snapshot:
    """What was found out, and when; by the clock of the sampler, in seconds."""

    taken_at: float
    #: What GPUs said.
    values: tuple[Value, ...] = ()
    #: What the exporter says of itself, which holds however old the rest is.
    own: tuple[Value, ...] = ()
    driver: str = ""
    #: Why there are no values; empty where NVML answers.
    problem: str = ""
    gpus: int = 0
    #: Numbers of those that cannot be asked.
    lost: tuple[int, ...] = ()

    def problem_at(self, now: float, stale_after: float) -> str:
        """Return why it is no answer at some time, or nothing where it is one."""
        if self.problem:
            return self.problem
        age = now - self.taken_at
        return f"the last sample is {age:.1f} s old" if age > stale_after else ""
