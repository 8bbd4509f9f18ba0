"""Every window in a rule holds enough scrapes to give a rate, and no more than is kept."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.build import Build
from llmdash.checks.parsed import ranges, readable
from llmdash.problems import Problem
from llmdash.promql.windows import INTERVALS, Duration

#: What stands for Grafana's intervals in a parseable text.
FILLED_IN = frozenset(interval.placeholder for interval in INTERVALS)


def window_is_sound(build: Build) -> Iterator[Problem]:
    """Yield a problem for each range of too few scrapes or over the retention."""
    intervals = build.pack.intervals
    least = intervals.least_window
    for expression, tree in readable(build):
        for seconds in (length.total_seconds() for length in ranges(tree)):
            length = Duration(round(seconds * 1000))
            if length in FILLED_IN and not expression.in_rule:
                continue  # four scrapes by Grafana's own rule
            if length == intervals.rate_window:
                continue  # judged once, with the intervals
            if length < least:
                scrapes = f"{intervals.least_scrapes_in_a_window} scrapes of {intervals.scrape}"
                message = f"a window of {length} is under {scrapes}: use {least}"
                yield Problem(expression.place, message, "window_is_sound")
            if length > intervals.retention:
                message = f"a window of {length} is over the retention of {intervals.retention}"
                yield Problem(expression.place, message, "window_is_sound")
