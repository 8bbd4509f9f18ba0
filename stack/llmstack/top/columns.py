"""The columns of the view: which there are in a terminal of some width, and how wide they are.

Widths come from the terminal alone, never from what is shown, so columns never shift.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import isnan

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from llmstack.top import numbers
from llmstack.top.engines import is_beyond
from llmstack.top.figures import Figure, Figures, Row
from llmstack.top.history import LONGEST, sparkline

#: What stands before a mean that takes the place of a quantile.
MEAN = "~"
#: What stands before a quantile that is beyond the last bucket, wherever.
BEYOND = ">"
#: From this share on a KV cache is all but full: requests are about to wait, or to be preempted.
NEARLY_FULL = 0.9

Past = Sequence[float | None]
#: A text and its style.
Cell = tuple[str, str]


@dataclass(frozen=True)
class Column:
    """One column."""

    heading: str
    #: The second line of the heading.
    under: str
    width: int
    tell: Callable[[Row, Past, int], Cell]
    is_number: bool = True


def _latency(figure: Figure) -> Callable[[Row, Past, int], Cell]:
    return lambda row, _, __: (_quantile(row, figure), "")


def _end_to_end(row: Row, _: Past, __: int) -> Cell:
    if Figure.E2E not in row.figures and Figure.E2E_MEAN in row.figures:
        mean = row.figures[Figure.E2E_MEAN]
        return numbers.seconds(mean) if isnan(mean) else f"{MEAN}{numbers.seconds(mean)}", ""
    return _quantile(row, Figure.E2E), ""


def _quantile(row: Row, figure: Figure) -> str:
    told = numbers.seconds(row.figures.get(figure))
    return f"{BEYOND}{told}" if is_beyond(row, figure) else told


def _quantity(figure: Figure) -> Callable[[Row, Past, int], Cell]:
    return lambda row, _, __: (numbers.quantity(row.figures.get(figure)), "")


def _waiting(row: Row, _: Past, __: int) -> Cell:
    style = "yellow" if _above(row.figures, Figure.WAITING, 0) else ""
    return numbers.quantity(row.figures.get(Figure.WAITING)), style


def _kv_cache(row: Row, _: Past, __: int) -> Cell:
    style = "bold red" if _above(row.figures, Figure.KV_CACHE, NEARLY_FULL) else ""
    return numbers.share(row.figures.get(Figure.KV_CACHE)), style


def _above(figures: Figures, figure: Figure, limit: float) -> bool:
    return figures.get(figure, limit) > limit


MODEL = Column("MODEL", "", 12, lambda row, _, __: (row.model, "bold"), is_number=False)
SOURCE = Column("SOURCE", "", 13, lambda row, _, __: (row.source, "cyan"), is_number=False)
TTFT = Column("TTFT", "p95", 6, _latency(Figure.TTFT))
TPOT = Column("TPOT", "p95", 6, _latency(Figure.TPOT))
E2E = Column("E2E", "p95", 7, _end_to_end)
TOKENS = Column("TOK/S", "", 6, _quantity(Figure.TOKENS))
HISTORY = Column(
    "", "", 6, lambda _, past, width: (sparkline(past, width), "green"), is_number=False
)
RUNNING = Column("RUN", "", 5, _quantity(Figure.RUNNING))
WAITING = Column("WAIT", "", 5, _waiting)
KV_CACHE = Column("KV", "", 4, _kv_cache)

#: From left to right.
ORDER = (MODEL, SOURCE, TTFT, TPOT, E2E, TOKENS, HISTORY, RUNNING, WAITING, KV_CACHE)
#: What goes first where there is no room; the model and its tokens per second always stay.
LEAST_NEEDED = (HISTORY, RUNNING, E2E, SOURCE, TPOT, KV_CACHE, WAITING, TTFT)
#: Who may grow where there is more room, in this order, and up to which width.
GROWING = ((MODEL, 20), (HISTORY, 12), (MODEL, 44), (HISTORY, LONGEST))


def columns(width: int) -> tuple[Column, ...]:
    """Return the columns of a terminal, from left to right.

    Args:
        width: its characters in a line.
    """
    there = list(ORDER)
    for column in LEAST_NEEDED:
        if _width(there) > width:
            there.remove(column)
    widths = {column: column.width for column in there}
    for column, most in GROWING:
        if column in widths:
            free = width - sum(widths.values()) - len(widths) + 1
            widths[column] += max(0, min(free, most - widths[column]))
    return tuple(replace(column, width=widths[column]) for column in there)


def _width(there: Sequence[Column]) -> int:
    return sum(column.width for column in there) + len(there) - 1


def heading(there: Sequence[Column]) -> tuple[Text, Text]:
    """Return both lines of the heading."""
    lines = []
    for part in ("heading", "under"):
        lines.append(_line((column, (getattr(column, part), "dim")) for column in there))
    return lines[0], lines[1]


def line(row: Row, past: Past, there: Sequence[Column]) -> Text:
    """Return one row.

    Args:
        row: what is told.
        past: its tokens per second until now.
        there: the columns.
    """
    return _line((column, column.tell(row, past, column.width)) for column in there)


def _line(cells: Iterable[tuple[Column, Cell]]) -> Text:
    text = Text(no_wrap=True, overflow="crop")
    for number, (column, (told, style)) in enumerate(cells):
        text.append(" " if number else "")
        text.append(_fitted(told, column), style)
    return text


def _fitted(told: str, column: Column) -> str:
    """Return a text as wide as its column; a name that is too long loses its end."""
    clean = printable(told)
    cells = cell_len(clean)
    if cells <= column.width:
        return " " * (column.width - cells) * column.is_number + set_cell_size(
            clean, cells if column.is_number else column.width
        )
    return set_cell_size(clean, column.width - 1) + "…"


def printable(text: str) -> str:
    """Return a text without what would move a terminal's cursor: servers choose their names."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
