"""Makes a trace of any form one of ours: rows in order, seconds counted from that of the first.

Rows pass through a window of a minute, within which they are put in order, so memory does not grow
with the file. A cell of the first column is a decimal number of seconds with the digits of the
source.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from llmstack.errors import ConfigurationError
from llmstack.load.traces.form import Part
from llmstack.load.traces.forms import form_of
from llmstack.load.traces.source import Source

#: How many seconds too late a row may stand. The files that are published are in order; a few
#: seconds of jitter come from logs that many machines write.
WINDOW = 60


def normalised(source: Source, limit: int | None = None) -> Iterator[bytes]:
    """Yield the header of the columns, then rows by the second.

    Args:
        source: a trace as published.
        limit: only so many rows of it, in the order of the file.

    Raises:
        ConfigurationError: a file of no known form, a row that cannot be, or one too far out of
            order; the text names file, line and what was expected.
    """
    form = form_of(source)
    yield ",".join(form.columns).encode() + b"\n"
    parts = form.parts(source)
    first = None
    for second, rows in _in_order(_limited(parts, limit), source):
        if first is None:
            first = second
        prefix = b"%d" % (second - first)
        yield prefix + prefix.join(rows)
    if first is None:
        raise ConfigurationError(f"{source.path}: expected a row at least, got none")


def _limited(parts: Iterator[Part], limit: int | None) -> Iterator[Part]:
    left = limit
    for part in parts:
        if left is None:
            yield part
            continue
        yield Part(part.second, part.rows[:left], part.line)
        left -= len(part.rows)
        if left <= 0:
            return


def _in_order(parts: Iterator[Part], source: Source) -> Iterator[tuple[int, list[bytes]]]:
    """Yield each second once, and in order, with all of its rows."""
    held: dict[int, list[bytes]] = {}
    seconds: list[int] = []
    latest = done = None
    for part in parts:
        if done is not None and latest is not None and part.second <= done:
            raise _out_of_order(source, part, latest)
        if part.second in held:
            held[part.second] += part.rows
            continue
        held[part.second] = part.rows
        heapq.heappush(seconds, part.second)
        latest = part.second if latest is None else max(latest, part.second)
        while seconds[0] < latest - WINDOW:
            done = heapq.heappop(seconds)
            yield done, _sorted(held.pop(done))
    for second in sorted(seconds):
        yield second, _sorted(held[second])


def _sorted(rows: list[bytes]) -> list[bytes]:
    """Return the rows of one second in order; those of the same time stay as they are."""
    # Fractions are ordered as their texts are; whole rows are compared first as that is quicker.
    if sorted(rows) != rows:
        rows.sort(key=lambda row: row.partition(b",")[0])
    return rows


def _out_of_order(source: Source, part: Part, latest: int) -> ConfigurationError:
    late = latest - part.second
    return source.wrong(
        part.line,
        f"rows in the order of their time, {WINDOW} s of jitter at most (sort the file first)",
        b"a row %d s before an earlier one" % late,
    )
