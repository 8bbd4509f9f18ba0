"""How far a run is: by its time wherever that is known, else by its requests."""

from __future__ import annotations

import pytest

from llmstack.load.demand import Demand
from llmstack.load.runner import Bounds
from llmstack.load.view.progress import Progress, progress

TRACE = Demand(requests=1000, seconds=200.0)


@pytest.mark.parametrize(
    ("bounds", "demand", "is_closed", "elapsed", "ended", "expected"),
    [
        # A trace: by when its last request is sent, however many were sent so far.
        (Bounds(), TRACE, False, 50.0, 900, Progress(0.25, 150.0, "0:00:50 of 0:03:20")),
        (Bounds(), TRACE, False, 250.0, 900, Progress(1.0, 0.0, "0:03:20 of 0:03:20")),
        (Bounds(), Demand(1, seconds=0.0), False, 0.0, 0, Progress(1.0, 0.0, "0:00:00 of 0:00:00")),
        # A duration, with the warm-up before it.
        (Bounds(warm_up=10, duration=30), None, False, 10.0, 7, Progress(0.25, 30.0, "0:00:10 of 0:00:40")),
        # An open loop waits for the end of its time although all was sent before.
        (Bounds(duration=40, total=10), None, False, 10.0, 10, Progress(0.25, 30.0, "0:00:10 of 0:00:40")),
        # Clients that wait for answers end with whichever comes first.
        (Bounds(duration=40, total=10), None, True, 10.0, 5, Progress(0.5, 10.0, " 5 of 10 requests")),
        (Bounds(duration=40, total=10), None, True, 10.0, 1, Progress(0.25, 30.0, "0:00:10 of 0:00:40")),
        # A number of requests: those of the warm-up took time, and do not count.
        (Bounds(warm_up=4, total=1000), None, False, 14.0, 250, Progress(0.25, 30.0, "  250 of 1,000 requests")),
        (Bounds(total=1000), None, False, 3.0, 0, Progress(0.0, None, "    0 of 1,000 requests")),
        (Bounds(), None, False, 3.0, 5, None),
    ],
)  # fmt: skip
def test_progress_is_told(
    bounds: Bounds,
    demand: Demand | None,
    is_closed: bool,
    elapsed: float,
    ended: int,
    expected: Progress | None,
) -> None:
    """As a share, with the seconds that are left."""
    found = progress(bounds, demand, is_closed=is_closed, elapsed=elapsed, ended=ended)

    assert expected == found
