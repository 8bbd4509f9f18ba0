"""How far a run is, and how long it will take: by time wherever its time is known."""

from __future__ import annotations

from dataclasses import dataclass

from llmstack.load.demand import Demand
from llmstack.load.runner import Bounds
from llmstack.terminal.figures import clock


@dataclass(frozen=True)
class Progress:
    """Of a run that goes on."""

    #: From 0 to 1.
    share: float
    #: Seconds until all is sent; None where nobody can tell yet.
    left: float | None
    #: In words, of what it is a share.
    told: str


def progress(
    bounds: Bounds, demand: Demand | None, *, is_closed: bool, elapsed: float, ended: int
) -> Progress | None:
    """Return how far a run is; None where it has no end.

    Args:
        bounds: how much is sent.
        demand: what the plan asks for, where somebody has counted.
        is_closed: whether clients wait for their answers, so that a count can end a run early.
        elapsed: seconds since it began.
        ended: measured requests that have ended.
    """
    found = []
    length = bounds.sending
    if length is None and demand is not None:
        # A trace: when its last request is sent is known, and how many come until then is not even.
        length = demand.seconds
    if length is not None:
        found.append(_of_time(length, elapsed))
    if bounds.total is not None and (is_closed or not found):
        found.append(_of_count(bounds.total, ended, elapsed - bounds.warm_up))
    # Whichever comes first ends it.
    return max(found, key=lambda each: each.share, default=None)


def _of_time(length: float, elapsed: float) -> Progress:
    share = min(1.0, elapsed / length) if length > 0 else 1.0
    whole = clock(length)
    told = f"{clock(min(elapsed, length)):>{len(whole)}} of {whole}"
    return Progress(share, max(0.0, length - elapsed), told)


def _of_count(total: int, ended: int, measured: float) -> Progress:
    share = min(1.0, ended / total)
    left = measured * (1 - share) / share if share > 0 and measured > 0 else None
    whole = f"{total:,}"
    return Progress(share, left, f"{ended:>{len(whole)},} of {whole} requests")
