"""Joules of a run, from what an exporter of GPUs says while it runs.

An exporter samples at intervals of its own (ours every 2 s, NVIDIA's every 30 s), so the counter at
the end of a run may be as old as that. The mean power is therefore taken from the first change that
was seen to the last, and the run drew it from its begin to its end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from llmstack.load.results import Document
from llmstack.load.server_side.sources import Source, UnreadableError
from llmstack.scraping.families import Families
from llmstack.scraping.gpus import ENERGY, POWER

#: Seconds from one look to the next: how well it is known when a counter moved.
EVERY = 0.25
#: Of the joules: with more than this unknown it is said.
_MOST_UNKNOWN = 0.05
_NAMES = frozenset(family.name for family in (*ENERGY, *POWER))


@dataclass(frozen=True)
class Drawn:
    """What the GPUs had drawn at a time, by the client's clock."""

    at: float
    #: In all since some time in the past; None where the exporter does not count it.
    joules: float | None
    #: None where the exporter does not tell it.
    watts: float | None


class Meter:
    """Reads the GPUs of one server while a run runs."""

    def __init__(
        self,
        source: Source,
        gpus: Collection[str] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing.

        Args:
            source: the exporter.
            gpus: their numbers; None for all.
            clock: tells seconds.
        """
        self._source, self._gpus, self._clock = source, gpus, clock
        self.seen: list[Drawn] = []

    def look(self) -> None:
        """Read the exporter.

        Raises:
            UnreadableError: it cannot be read, or shows no such GPU.
        """
        # Of GPUs cut into instances each instance shows what the whole draws.
        by_name: dict[str, dict[str, float]] = {}
        for sample in self._source.look(_NAMES).samples:
            gpu = sample.labels.get("gpu", "")
            if self._gpus is None or gpu in self._gpus:
                by_name.setdefault(sample.name, {})[gpu] = sample.value
        joules, watts = _sum(by_name, ENERGY), _sum(by_name, POWER)
        if joules is None and watts is None:
            which = "a GPU" if self._gpus is None else f"GPU {', '.join(sorted(self._gpus))}"
            raise UnreadableError(f"{self._source}: no energy or power of {which}")
        for missing in sorted(set(self._gpus or ()) - set().union(*by_name.values())):
            raise UnreadableError(f"{self._source}: no energy or power of GPU {missing}")
        self.seen.append(Drawn(self._clock(), joules, watts))


def _sum(by_name: dict[str, dict[str, float]], families: Families) -> float | None:
    for family in families:
        if family.name in by_name:
            return sum(by_name[family.name].values()) * family.scale
    return None


def energy(seen: Sequence[Drawn], begin: float, end: float, answer_tokens: int) -> Document:
    """Return what was drawn in a run, in all and by token; `problem` alone where nobody knows.

    Args:
        seen: what was seen, from before the begin to after the end.
        begin: when the measured part of the run began, by the same clock.
        end: when it ended.
        answer_tokens: of all answers in it.
    """
    watts, how, problem = _mean_watts([each for each in seen if begin <= each.at <= end])
    if watts is None or end <= begin:
        return {"problem": problem}
    joules = watts * (end - begin)
    has_tokens = bool(answer_tokens and joules)
    return {
        "joules": round(joules, 3),
        "watts": round(watts, 3),
        "joules_a_token": round(joules / answer_tokens, 6) if has_tokens else None,
        "tokens_a_second_and_watt": round(answer_tokens / joules, 6) if has_tokens else None,
        "read_from": how,
        "problem": problem,
    }


def _mean_watts(seen: Sequence[Drawn]) -> tuple[float | None, str, str]:
    """Return the mean power, from what it is known, and what is wrong with it."""
    counted = [(each.at, each.joules) for each in seen if each.joules is not None]
    moves = [now for then, now in pairwise(counted) if now[1] != then[1]]
    if any(now[1] < then[1] for then, now in pairwise(counted)):
        return None, "", "the counter of joules began anew during the run"
    if len(moves) > 1:
        (first, before), (last, after) = moves[0], moves[-1]
        unknown = max(now[0] - then[0] for then, now in pairwise(counted)) / (last - first)
        little = f"known to {unknown:.0%} alone; a longer run says more"
        watts = (after - before) / (last - first)
        return watts, "the counter of joules", little if unknown > _MOST_UNKNOWN else ""
    told = [(each.at, each.watts) for each in seen if each.watts is not None]
    if len(told) > 1:
        area = sum((now[0] - then[0]) * (now[1] + then[1]) / 2 for then, now in pairwise(told))
        few = "" if not counted else "its counter of joules moved less than twice in the run"
        return area / (told[-1][0] - told[0][0]), "samples of watts", few
    return None, "", "the exporter was read less than twice in the run"
