"""Longer windows from shorter ones: adjacent tiles joined by `offset`, hours added up to a period.

Ratios are never averaged: events are counted, and only counts are added. A window that slides over
counts which overlap would be late by their width; tiles are not. A tile that is missing counts as
none, in good and in all events alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmdash.promql.expressions import added, call, joined, over_time
from llmdash.promql.nodes import Expr, Selector
from llmdash.promql.windows import Duration

#: What events are counted over first; all windows are made of it.
TILE = Duration.parse("5m")
HOUR = Duration.parse("1h")

#: How often hours are gathered and periods added up. It divides the hour, and stays under the five
#: minutes after which Prometheus calls a series gone. A test evaluates as rarely as this, or rarer:
#: promtool knows no interval of a group, and would gather an hour twice.
MONTHLY_EVALUATION = Duration.parse("2m")


def chain(windows: Iterable[Duration]) -> tuple[tuple[Duration, Duration], ...]:
    """Return each window with the shorter one that it is made of, the shortest first.

    Promises have no windows but multiples of five minutes.
    """
    found: list[tuple[Duration, Duration]] = []
    for window in sorted(set(windows) | {HOUR}):
        if window == TILE:
            continue
        shorter = [made for made, _ in found if window.milliseconds % made.milliseconds == 0]
        found.append((window, max(shorter, default=TILE)))
    return tuple(found)


def tiled(of: Selector, window: Duration, tile: Duration, by: Sequence[str]) -> Expr:
    """Return the events of a window from counts of adjacent tiles."""
    count = window.milliseconds // tile.milliseconds
    tiles = [of.offset(Duration(tile.milliseconds * place)) for place in range(1, count)]
    return added((of, *tiles), by)


def once_an_hour(of: Expr) -> Expr:
    """Return an expression at the first evaluation of each hour, and nothing at the others."""
    first = call("minute") < MONTHLY_EVALUATION.seconds / 60
    return joined(of, "and", first, on=())


def over_period(operation: str, hours: Selector, period: Duration) -> Expr:
    """Return an operation over the hours of a period, as many in every release of Prometheus."""
    # Up to 2.x a range includes the sample at its very beginning, which 3.x leaves out.
    return over_time(operation, hours, Duration(period.milliseconds - 1000))
