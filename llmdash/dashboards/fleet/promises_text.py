"""The promises in words: what is promised, where and within which threshold, and where not."""

from __future__ import annotations

from collections.abc import Sequence

from llmdash.dashboards.panels import Panel, Text
from llmdash.slos.rules import Measured, Promises
from llmdash.slos.slo import Slo

_EXPLAINED = """\
An **error budget** is the share of events that may be bad: 0.1% where 99.9% are promised to be
good. It covers a period that rolls on: an hour that is older than the period no longer counts.
**Burn** is how many times faster than evenly the budget is spent; at 1 it lasts exactly as long as
the period. `slos.md` tells after how many minutes each promise calls somebody.
"""

_HEAD = ("Promise", "What is good", "Objective", "Counted on", "Not counted on")

#: Rows of Grafana's grid: for the words above the table, and for each promise, whose cells wrap.
_ROWS_OF_WORDS = 5
_ROWS_OF_A_PROMISE = 2


def promises_text(promised: Promises) -> Panel:
    """Return the panel; it speaks of the promises that some source can tell of, and of no other."""
    series = promised.series
    slos = series.slos if series is not None else ()
    lines = [_line(_HEAD), _line(["---"] * len(_HEAD))]
    lines += [_line(_cells(slo, promised.of(slo))) for slo in slos]
    return Text(
        key="promises-in-words",
        markdown="\n".join((_EXPLAINED, *lines)),
        height=_ROWS_OF_WORDS + _ROWS_OF_A_PROMISE * len(slos),
    )


def _cells(slo: Slo, measured: Sequence[Measured]) -> list[str]:
    counted = [_with_threshold(one) for one in measured if one.events is not None]
    gaps = [f"{one.source.name}: {one.gap}" for one in measured if one.events is None]
    whom = f", for each {' and '.join(slo.by)}" if slo.by else ""
    return [
        f"`{slo.name}`",
        slo.title,
        f"{slo.promised}{whom}",
        ", ".join(counted),
        "; ".join(gaps) or "–",
    ]


def _with_threshold(one: Measured) -> str:
    events = one.events
    if events is None or events.threshold is None:
        return one.source.name
    beyond = f", far beyond: {events.companion:g} s" if events.companion is not None else ""
    return f"{one.source.name} ({events.threshold:g} s{beyond})"


def _line(cells: Sequence[str]) -> str:
    # A bar would begin another cell.
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
