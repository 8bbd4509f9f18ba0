"""Rows of different kinds of servers put together: one page may be read as two kinds of server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmstack.top.engines import CORES, WATCHED
from llmstack.top.figures import Row


def joined(rows: Iterable[Row]) -> list[Row]:
    """Return one row for each model at each kind of server.

    Of two rows with the same names (one server under two prefixes) the first tells a figure. What a
    server tells itself goes to its backend, where that tells of the same model.
    """
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        place = (row.source, row.model)
        found[place] = _filled(found[place], row) if place in found else row
    for row in list(found.values()):
        core = found.get((CORES.get(row.source, ""), row.model))
        if core is not None:
            found[row.source, row.model] = _filled(row, core)
    taken = {(CORES[source], model) for source, model in found if source in CORES}
    return [row for place, row in found.items() if place not in taken]


def without_recorded(rows: Iterable[Row], recorded: Sequence[Row]) -> list[Row]:
    """Return rows that were read from exporters, less those that rules have recorded already.

    What a server tells itself is recorded with its backend. A pack may call a source as it likes;
    then a model of the same role is the same server.
    """
    known = {each.name for each in WATCHED}
    as_core = {(CORES[row.source], row.model) for row in recorded if row.source in CORES}
    renamed = {(row.role, row.model) for row in recorded if row.source not in known}
    return [
        row
        for row in rows
        if (row.source, row.model) not in as_core and (row.role, row.model) not in renamed
    ]


def _filled(row: Row, other: Row) -> Row:
    return Row(row.source, row.role, row.model, {**other.figures, **row.figures})
