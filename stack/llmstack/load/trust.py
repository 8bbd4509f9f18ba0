"""Whether what a run measured is the server's, or the client's own."""

from __future__ import annotations

from llmstack.load.measuring import Part
from llmstack.load.runner import Run

#: Of the median of the time to the first token: what the client adds may be as much.
MOST_LAG = 0.05
#: Of the requests: so many may be unfinished when a run ends by itself.
MOST_UNFINISHED = 0.01


def lateness(run: Run, part: Part) -> list[str]:
    """Return where the client was too late for the figures to be the server's."""
    found = []
    name, latency = "TTFT", part.latencies["ttft"]
    if not latency.count:
        # Of whole answers there is only the end.
        name, latency = "E2E", part.latencies["e2e"]
    middle = latency.percentile(50)
    if middle is not None:
        most = MOST_LAG * middle
        for what, seen in (("read late", run.lag.seen), ("sent late", run.late)):
            late = seen.percentile(99)
            if late is not None and late > most:
                found.append(
                    f"the client {what}: p99 {late * 1000:.2f} ms, more than {MOST_LAG:.0%} of "
                    f"{name} p50 ({middle * 1000:.2f} ms)"
                )
    return found


def missing(run: Run, part: Part) -> list[str]:
    """Return which requests the figures are without although they belong to them."""
    found = []
    if not run.is_interrupted and part.unfinished > MOST_UNFINISHED * part.measured:
        found.append(
            f"{part.unfinished} of {part.measured} requests were unfinished when the run ended; "
            "those that take longest are missing"
        )
    if run.not_sent and not run.is_interrupted:
        found.append(f"{run.not_sent} requests were never sent; the server was too slow for them")
    if run.problem:
        found.append(f"the plan broke off: {run.problem}")
    return found
