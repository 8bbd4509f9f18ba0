"""One picture of the view: lines that fit into a terminal of some size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from llmstack.terminal.figures import NONE
from llmstack.top.columns import BEYOND, MEAN, columns, heading, line, printable
from llmstack.top.engines import NOTES
from llmstack.top.figures import Reading
from llmstack.top.history import History
from llmstack.top.numbers import NO_TRAFFIC, quantity

#: Servers with problems that are told one by one, where there is little room.
FEW = 3


@dataclass(frozen=True)
class View:
    """What is to be shown."""

    #: What is read, as people call it.
    what: str
    reading: Reading
    history: History
    #: The time of day.
    clock: str
    #: Seconds from one reading to the next.
    every: float


def frame(view: View, width: int, height: int) -> list[Text]:
    """Return the lines of a full screen; what has no room goes, notes first and rows last.

    Args:
        view: what is shown.
        width: characters of a line.
        height: lines.
    """
    head = [title(view, width), summary(view)]
    there = heading(columns(width))
    body = rows(view, width)
    told = problems(view.reading, FEW)
    notes = [legend().append("   Ctrl-C ends"), *source_notes(view.reading)]
    room = height - len(head) - len(there) - len(told)
    shown = body if len(body) <= room else [*body[: max(0, room - 1)], _left_out(body, room)]
    room -= len(shown)
    # A line between parts, where there is room for it.
    gap = [Text("")] if room > len(told[:1]) + 1 else []
    room -= len(gap)
    foot = [Text(""), *notes[: room - 1]] if room > 1 else []
    lines = [*head, *gap, *there, *shown, *told, *foot]
    return [_cropped(each, width) for each in lines[:height]]


def title(view: View, width: int) -> Text:
    """Return the first line: what is read, how often, and the time of day at its right end."""
    text = Text("llmstack top  ", style="bold")
    text.append(f"{printable(view.what)}  every {view.every:g} s", "not bold")
    if view.reading.over:
        text.append(f"  {view.reading.over}", "not bold dim")
    text.truncate(max(0, width - len(view.clock) - 1), overflow="ellipsis", pad=True)
    text.append(f" {view.clock}", "not bold")
    return text


def summary(view: View) -> Text:
    """Return what all engines and all GPUs come to."""
    gpus = view.reading.gpus
    tokens = quantity(view.reading.tokens_per_second)
    power = NONE if gpus is None else f"{gpus.watts:,.0f} W, GPUs: {gpus.count}"
    text = Text(f"tokens/s of all engines {tokens:>6}  GPU power {power}")
    if view.reading.is_first:
        text.append("  rates follow", "dim")
    return text


def rows(view: View, width: int) -> list[Text]:
    """Return a line for each model at each kind of server, or one that says that there is none."""
    there = columns(width)
    found = [line(row, view.history.of(row), there) for row in view.reading.rows]
    is_silent = bool(view.reading.problems)
    why = "nothing could be read" if is_silent else "no server that is known is here"
    return found or [Text(why, "dim")]


def problems(reading: Reading, most: int) -> list[Text]:
    """Return a line for each server that has a problem."""
    told = [
        Text(f"{printable(each.server)}: {printable(each.text)}", "red")
        for each in reading.problems
    ]
    if len(told) <= most:
        return told
    return [*told[: most - 1], Text(f"{len(told) - most + 1} more servers have problems", "red")]


def legend() -> Text:
    """Return what signs mean."""
    signs = {
        NONE: "not told",
        NO_TRAFFIC: "no traffic",
        MEAN: "mean, not p95",
        BEYOND: "beyond all buckets",
    }
    return Text("   ".join(f"{sign} {meaning}" for sign, meaning in signs.items()), "dim")


def source_notes(reading: Reading) -> list[Text]:
    """Return what a reader must know of the kinds of servers that are there."""
    sources = dict.fromkeys(row.source for row in reading.rows)
    return [Text(f"{name}: {NOTES[name]}", "dim") for name in sources if NOTES.get(name)]


def _left_out(body: Sequence[Text], room: int) -> Text:
    left = len(body) - max(0, room - 1)
    return Text(f"… {left} more: a taller terminal or --model shows them", "dim")


def _cropped(text: Text, width: int) -> Text:
    copy = text.copy()
    copy.truncate(width, overflow="ellipsis")
    copy.no_wrap = True
    return copy
