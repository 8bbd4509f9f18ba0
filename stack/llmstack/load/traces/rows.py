"""Reads a normalised trace: requests in order, with seconds counted from the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from llmstack.errors import ConfigurationError
from llmstack.load.traces.cache import cached
from llmstack.load.traces.form import COLUMNS, MORE_COLUMNS
from llmstack.load.traces.normalise import normalised
from llmstack.load.traces.source import Source

#: Seconds after the first row, tokens of prompt and answer, kind, prefix. A plain tuple, as there
#: are millions.
TraceRow = tuple[float, int, int, str, str]
_HEADERS = {
    ",".join(columns).encode(): len(columns) for columns in (COLUMNS, COLUMNS + MORE_COLUMNS)
}
#: Digits that seconds keep when the first row's are taken away: those of the most exact trace.
_DIGITS = 7


@dataclass(frozen=True)
class Trace:
    """A trace of any form, as rows that can be read again and again."""

    path: Path
    #: Begins the reading of whole lines of the normalised form, the header first.
    read: Callable[[], Iterable[bytes]]

    def rows(self) -> Iterator[TraceRow]:
        """Yield the rows, few of which are in memory at a time.

        Raises:
            ConfigurationError: the file cannot be read to its end.
        """
        first, width = None, 0
        for lines in self.read():
            while lines and not width:
                header, _, lines = lines.partition(b"\n")
                width = self._width(header)
            if not lines:
                continue
            cells = lines.replace(b"\n", b",").split(b",")
            cells.pop()
            times = list(map(float, cells[0::width]))
            if first is None:
                first = times[0]
            more = (
                (map(bytes.decode, cells[3::width]), map(bytes.decode, cells[4::width]))
                if width > len(COLUMNS)
                else ([""] * len(times), [""] * len(times))
            )
            yield from zip(
                [round(at - first, _DIGITS) for at in times],
                map(int, cells[1::width]),
                map(int, cells[2::width]),
                *more,
                strict=True,
            )

    def _width(self, header: bytes) -> int:
        """Return how many columns there are; none of a remark, which stands before the header."""
        if header.startswith(b"#"):
            return 0
        if header not in _HEADERS:
            raise ConfigurationError(
                f"{self.path}: expected {COLUMNS} in the normalised trace, got {header[:80]!r}"
            )
        return _HEADERS[header]


def open_trace(
    path: Path, *, folder: Path | None = None, limit: int | None = None, uses_cache: bool = True
) -> Trace:
    """Return a trace; its normalised file is made first where it is to be used and does not fit.

    Args:
        path: the trace as published.
        folder: where its normalised file lies; see `cached`.
        limit: only so many of its rows.
        uses_cache: false normalises while it is read, each time, and writes nothing.

    Raises:
        ConfigurationError: it cannot be used.
    """
    if not uses_cache:
        return Trace(path, lambda: normalised(Source(path), limit))
    place = cached(path, folder, limit)
    return Trace(place, lambda: (block.lines for block in Source(place).blocks()))
