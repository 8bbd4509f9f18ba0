"""`slos.md`, and the same on a terminal: what is promised, where it is counted, who hears of it."""

from __future__ import annotations

from collections.abc import Sequence

from llmdash.documents.markdown import NOTICE, cell, code, table
from llmdash.documents.promised import NONE, Passage, passages
from llmdash.errors import SloError
from llmdash.intervals import Intervals
from llmdash.promql.labels import nearest
from llmdash.slos.rules import Promises
from llmdash.slos.slo import Slo


def slos_page(found: Promises, intervals: Intervals) -> str:
    """Return the page as Markdown."""
    parts = [
        NOTICE,
        "# Promises\n",
        "What is promised of each signal, on which sources that can be counted and why not on the "
        "others, and how soon somebody is told that a promise is being broken.\n",
        _overview(found),
    ]
    for slo in found.slos:
        parts.append(f"## {cell(slo.title)} ({code(slo.name)})\n")
        for passage in passages(slo, found.of(slo), intervals):
            parts += _as_markdown(passage)
    return "\n".join(parts)


def _overview(found: Promises) -> str:
    rows = []
    for slo in found.slos:
        measured = found.of(slo)
        names = [one.source.name for one in measured if one.events is not None]
        gaps = [one.source.name for one in measured if one.events is None]
        where = [", ".join(each) or NONE for each in (names, gaps)]
        rows.append([code(slo.name), cell(slo.title), slo.promised, *where])
    return table(["promise", "what", "objective", "measured on", "not measured on"], rows)


def _as_markdown(passage: Passage) -> list[str]:
    parts = [f"### {passage.title}\n"]
    if passage.words:
        parts.append(f"{passage.words}\n")
    if passage.rows:
        rows = [[cell(text) for text in row] for row in passage.rows]
        parts.append(table(passage.head, rows))
    return parts


def explanation(found: Promises, intervals: Intervals, name: str | None = None) -> str:
    """Return one promise, or all of them, for a terminal.

    Raises:
        SloError: no promise of the pack has this name.
    """
    return "\n\n".join(_explained(slo, found, intervals) for slo in _chosen(found, name))


def _chosen(found: Promises, name: str | None) -> tuple[Slo, ...]:
    if name is None:
        return found.slos
    chosen = tuple(slo for slo in found.slos if slo.name == name)
    if not chosen:
        names = [slo.name for slo in found.slos]
        expected = f"a promise of the pack ({', '.join(names) or 'it has none'})"
        raise SloError("slo explain", expected, name, nearest(name, names))
    return chosen


def _explained(slo: Slo, found: Promises, intervals: Intervals) -> str:
    parts = [f"{slo.name}: {slo.title}"]
    for passage in passages(slo, found.of(slo), intervals):
        lines = [passage.title, *([passage.words] if passage.words else ())]
        parts.append("\n".join([*lines, *_aligned(passage)]))
    return "\n\n".join(parts)


def _aligned(passage: Passage) -> list[str]:
    """Return a table in columns, two spaces apart."""
    if not passage.rows:
        return []
    lines: Sequence[Sequence[str]] = [passage.head, *passage.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
