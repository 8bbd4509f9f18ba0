"""What passed in each second of a run, for a view in a terminal and for the results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from llmstack.load.connection import Traffic
from llmstack.load.objectives import length
from llmstack.load.outcome import Outcome


@dataclass(frozen=True)
class Second:
    """One of them, or an interval of another length."""

    #: Seconds from the start of the run to its end, and how long it was.
    at: float
    length: float
    sent: int
    answered: int
    failed: int
    under_way: int
    prompt_tokens: int
    #: Tokens of answers as they came, also of answers that had not ended.
    answer_tokens: int
    bytes_sent: int
    bytes_received: int
    #: Seconds, of requests that ended in it; None where none did.
    e2e_p50: float | None
    e2e_p95: float | None
    e2e_p99: float | None
    ttft_p50: float | None
    ttft_p95: float | None
    tpot_p95: float | None

    def row(self) -> dict[str, Any]:
        """Return it for the results; times are told to a hundredth of a millisecond."""
        return {
            name: round(value, 5) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


class Seconds:
    """Seconds as they pass."""

    def __init__(self, traffic: Traffic, began: float) -> None:
        """Begin with none.

        Args:
            traffic: what passes; it is looked at when a second ends.
            began: when the run did.
        """
        self._traffic, self._began = traffic, began
        self._before, self._sent, self._since = replace(traffic), 0, began
        self._ended: list[Outcome] = []
        self.all: list[Second] = []

    def add(self, outcome: Outcome) -> None:
        """Take a request that has ended."""
        if not outcome.is_unfinished:
            self._ended.append(outcome)

    def end(self, now: float, sent: int, under_way: int) -> Second:
        """End a second and return it.

        Args:
            now: when it ends.
            sent: requests that were sent from the start of the run.
            under_way: requests that have not ended.
        """
        ended, self._ended = self._ended, []
        answered = [each for each in ended if each.is_answered]
        e2e, ttft, tpot = (
            sorted(found for each in answered if (found := length(each, metric)) is not None)
            for metric in ("e2e", "ttft", "tpot")
        )
        traffic, before = self._traffic, self._before
        second = Second(
            at=now - self._began,
            length=now - self._since,
            sent=sent - self._sent,
            answered=len(answered),
            failed=len(ended) - len(answered),
            under_way=under_way,
            prompt_tokens=sum(each.prompt_tokens for each in answered),
            answer_tokens=traffic.tokens - before.tokens,
            bytes_sent=traffic.bytes_sent - before.bytes_sent,
            bytes_received=traffic.bytes_received - before.bytes_received,
            e2e_p50=_percentile(e2e, 50),
            e2e_p95=_percentile(e2e, 95),
            e2e_p99=_percentile(e2e, 99),
            ttft_p50=_percentile(ttft, 50),
            ttft_p95=_percentile(ttft, 95),
            tpot_p95=_percentile(tpot, 95),
        )
        self._before, self._sent, self._since = replace(traffic), sent, now
        self.all.append(second)
        return second


def _percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return the least value that so many percent do not exceed."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
